import { certificateCrypto } from '../crypto/webcrypto/certificate_crypto.ts';
import { loadCredentials, type LoadedCredentials } from '../pki/credentials.ts';
import { type SelfSigned, selfSigned } from '../pki/self_signed.ts';
import { withOcspResponse, withTimestamps } from '../pki/staple.ts';
import { loadTrust } from '../pki/trust.ts';
import type { ClientCertificates } from '../terminator/client_certificates.ts';
import type { Engine } from '../terminator/engine.ts';
import type { Runtime } from '../terminator/runtime.ts';
import type { Settings } from './settings.ts';
import { readBytes } from './system_error.ts';

export interface Certificates {
  readonly all: readonly LoadedCredentials[];
  /** What will make clients refuse them, one line each. */
  readonly warnings: readonly string[];
  /** The certificate that was made because none was given. */
  readonly selfSigned: SelfSigned | undefined;
}

/** Reads and checks all certificates with their keys, or makes one for localhost. Throws `UsageError` that names the file. */
export async function loadCertificates(
  runtime: Runtime,
  settings: Settings,
  engine: Engine,
  shared?: SelfSigned,
): Promise<Certificates> {
  const { signatures, webCrypto } = engine;
  const now = Date.now();
  if (settings.certificateFiles.length === 0) {
    const made = shared ?? await selfSigned({ now }, webCrypto, signatures);
    const files = {
      chain: made.certificate,
      key: made.privateKey,
      labels: { chain: 'the certificate made in memory' },
    };
    const loaded = await loadCredentials(files, signatures, now);
    return { all: [loaded], warnings: [], selfSigned: made };
  }
  const all: LoadedCredentials[] = [];
  for (const [index, chainFile] of settings.certificateFiles.entries()) {
    const keyFile = settings.keyFiles[index] as string;
    const chain = readBytes(runtime, chainFile);
    const key = readBytes(runtime, keyFile);
    try {
      const loaded = await loadCredentials({ chain, key, labels: { chain: chainFile, key: keyFile } }, signatures, now);
      all.push(await withStaples(runtime, settings, engine, loaded, index));
    } finally {
      key.fill(0);
    }
  }
  return { all, warnings: all.flatMap(({ warnings }) => warnings), selfSigned: undefined };
}

/** Adds what is sent along with the certificate at `index`. */
async function withStaples(
  runtime: Runtime,
  { ocspFiles, timestampFiles }: Settings,
  { signatures, webCrypto }: Engine,
  loaded: LoadedCredentials,
  index: number,
): Promise<LoadedCredentials> {
  const [ocspFile, timestampFile] = [ocspFiles[index], timestampFiles[index]];
  if (timestampFile !== undefined) loaded = withTimestamps(loaded, readBytes(runtime, timestampFile), timestampFile);
  if (ocspFile === undefined) return loaded;
  const crypto = certificateCrypto(webCrypto.subtle, signatures);
  return await withOcspResponse(loaded, readBytes(runtime, ocspFile), ocspFile, crypto, Date.now());
}

/** Whose client certificates are believed; undefined when clients are not asked. Throws `UsageError` that names the file. */
export function loadClientAuthorities(runtime: Runtime, settings: Settings): ClientCertificates | undefined {
  const { clientAuthorityFiles, revocationFiles, clientAuthentication } = settings;
  if (clientAuthorityFiles.length === 0) return undefined;
  const read = (label: string) => ({ bytes: readBytes(runtime, label), label });
  const trust = loadTrust(clientAuthorityFiles.map(read), revocationFiles.map(read), Date.now());
  return { mode: clientAuthentication, trust };
}
