import { createDenoNetwork } from '../socket/deno.ts';
import { denoApi } from '../socket/deno_api.ts';
import { handleConnector } from '../socket/deno_handle.ts';
import { nodeCertificateCompression } from './node_zlib.ts';
import { readOpenFileLimit } from './open_file_limit.ts';
import type { Runtime } from './runtime.ts';

/** One is for all bare handles; each of the others serves a socket whose reads are promises. */
const READ_REGIONS = 16;

export function denoRuntime(): Runtime {
  const deno = denoApi();
  if (deno === undefined) throw new Error('not running under Deno');
  return {
    name: 'deno',
    readFile: (path) => deno.readFileSync(path),
    fileMode: (path) => (deno.statSync(path).mode ?? 0) & 0o777,
    appendFile: (path, text) => deno.writeTextFileSync(path, text, { append: true, mode: 0o600 }),
    readRegions: READ_REGIONS,
    createNetwork: (region, crowded) => {
      const size = Math.floor(region.length / READ_REGIONS);
      const [shared, ...readRegions] = Array.from(
        { length: READ_REGIONS },
        (_, index) => region.subarray(index * size, (index + 1) * size),
      ) as [Uint8Array, ...Uint8Array[]];
      return createDenoNetwork(deno, { readRegions, crowded, connectHandle: handleConnector(shared, crowded) });
    },
    sharesPorts: true,
    // Deno gives this file only to programs that may do everything.
    openFileLimit: () => readOpenFileLimit((path) => deno.readFileSync(path)),
    certificateCompression: nodeCertificateCompression(),
  };
}
