import { appendFileSync, readFileSync, statSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { createNodeNetwork } from '../socket/node.ts';
import { nodeCertificateCompression } from './node_zlib.ts';
import { readOpenFileLimit } from './open_file_limit.ts';
import type { Runtime } from './runtime.ts';

export function nodeRuntime(): Runtime {
  // Node 20 knows relaxed SIMD, which halves the cost of X25519, but hides it; later versions have it on.
  if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd');
  return {
    name: 'node',
    readFile: (path) => readFileSync(path),
    fileMode: (path) => statSync(path).mode & 0o777,
    appendFile: (path, text) => appendFileSync(path, text, { mode: 0o600 }),
    readRegions: 1,
    createNetwork: (readRegion, crowded) => createNodeNetwork({ readRegion, crowded }),
    sharesPorts: hasReusePort(process.versions.node),
    openFileLimit: () => readOpenFileLimit((path) => readFileSync(path)),
    certificateCompression: nodeCertificateCompression(),
  };
}

/** `reusePort` of net.Server.listen came with 22.12 and 23.1; earlier versions ignore the option. */
export function hasReusePort(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return process.platform === 'linux' && (major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12));
}
