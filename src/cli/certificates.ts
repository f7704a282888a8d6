import { loadCredentials, type LoadedCredentials } from '../pki/credentials.ts';
import { selfSigned } from '../pki/self_signed.ts';
import type { Engine } from '../terminator/engine.ts';
import type { Runtime } from '../terminator/runtime.ts';
import type { Settings } from './settings.ts';
import { readBytes } from './system_error.ts';

export interface Certificates {
  readonly all: readonly LoadedCredentials[];
  /** What will make clients refuse them, one line each. */
  readonly warnings: readonly string[];
  /** PEM of the certificate that was made because none was given. */
  readonly selfSigned: string | undefined;
}

/** Reads and checks all certificates with their keys, or makes one for localhost. Throws `UsageError` that names the file. */
export async function loadCertificates(
  runtime: Runtime,
  settings: Settings,
  { signatures, webCrypto }: Engine,
): Promise<Certificates> {
  const now = Date.now();
  if (settings.certificateFiles.length === 0) {
    const made = await selfSigned({ now }, webCrypto, signatures);
    const files = {
      chain: made.certificate,
      key: made.privateKey,
      labels: { chain: 'the certificate made in memory' },
    };
    const loaded = await loadCredentials(files, signatures, now);
    made.privateKey.fill(0);
    return { all: [loaded], warnings: [], selfSigned: made.certificatePem };
  }
  const all: LoadedCredentials[] = [];
  for (const [index, chainFile] of settings.certificateFiles.entries()) {
    const keyFile = settings.keyFiles[index] as string;
    const chain = readBytes(runtime, chainFile);
    const key = readBytes(runtime, keyFile);
    try {
      all.push(await loadCredentials({ chain, key, labels: { chain: chainFile, key: keyFile } }, signatures, now));
    } finally {
      key.fill(0);
    }
  }
  return { all, warnings: all.flatMap(({ warnings }) => warnings), selfSigned: undefined };
}
