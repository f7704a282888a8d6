import type { CryptoProvider } from '../crypto/provider.ts';
import { encodeEchConfigList, splitEchConfigList } from '../ech/config.ts';
import { type EchKey, EchKeys, makeEchKey } from '../ech/keys.ts';
import { TlsError, UsageError } from '../error.ts';
import type { LoadedCredentials } from '../pki/credentials.ts';
import { readPem, writePem } from '../pki/pem.ts';
import type { Engine } from '../terminator/engine.ts';
import type { Runtime } from '../terminator/runtime.ts';
import { concat, equal } from '../wire/bytes.ts';
import { readPrivateBytes } from './private_file.ts';
import type { Settings } from './settings.ts';

/** What stands before the 32 bytes of an X25519 private key in PKCS #8 (RFC 8410 §7). */
const PKCS8_PREFIX = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20);
const KEY_LENGTH = 32;

/** Server names up to this length look alike from outside. */
const MAXIMUM_NAME_LENGTH = 64;

/**
 * The keys in the user's files, the newest first: only its configurations are for clients whose own do not serve. Undefined without
 * files. Throws `UsageError` that names the file.
 */
export function loadEchKeys(runtime: Runtime, { echFiles }: Settings, crypto: CryptoProvider): EchKeys | undefined {
  const keys: EchKey[] = [];
  try {
    for (const [index, file] of echFiles.entries()) {
      const read = readEchFile(runtime, file);
      keys.push(...read.map((key) => ({ ...key, retry: index === 0 })));
      checkKeys(file, read, crypto);
    }
    return keys.length === 0 ? undefined : new EchKeys(crypto, keys);
  } finally {
    for (const { privateKey } of keys) privateKey.fill(0);
  }
}

function readEchFile(runtime: Runtime, file: string): EchKey[] {
  const bytes = readPrivateBytes(runtime, file);
  try {
    return parseEchFile(file, bytes);
  } finally {
    bytes.fill(0);
  }
}

/** A block "PRIVATE KEY" (X25519, PKCS #8) and one "ECHCONFIG", an ECHConfigList for it: what OpenSSL and others read and write too. */
export function parseEchFile(file: string, bytes: Uint8Array): EchKey[] {
  const blocks = readPem(bytes, file);
  const only = (label: string): Uint8Array => {
    const found = blocks.filter((block) => block.label === label);
    if (found.length === 1) return (found[0] as { bytes: Uint8Array }).bytes;
    throw new UsageError(
      `${file}: ${found.length} blocks "${label}" instead of one; make such a file with --make-ech NAME`,
    );
  };
  const [key, list] = [only('PRIVATE KEY'), only('ECHCONFIG')];
  const privateKey = key.slice(PKCS8_PREFIX.length);
  const isX25519 = privateKey.length === KEY_LENGTH && equal(key.subarray(0, PKCS8_PREFIX.length), PKCS8_PREFIX);
  key.fill(0);
  if (!isX25519) {
    privateKey.fill(0);
    throw new UsageError(`${file}: the private key is not an X25519 key in PKCS #8; other KEMs are not supported`);
  }
  try {
    return splitEchConfigList(list).map((config) => ({ config, privateKey }));
  } catch (error) {
    if (!(error instanceof TlsError)) throw error;
    throw new UsageError(`${file}: "ECHCONFIG" is not an ECHConfigList: ${error.message}`);
  }
}

function checkKeys(file: string, keys: readonly EchKey[], crypto: CryptoProvider): void {
  try {
    new EchKeys(crypto, keys).wipe();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${file}: ${error.message}`);
  }
}

/** Clients whose configuration is out of date are told so under the certificate for its public name: it has to be there. */
export function echWarnings(keys: EchKeys, certificates: readonly LoadedCredentials[]): string[] {
  const names = new Set(certificates.flatMap(({ info }) => info.dnsNames));
  const covered = (name: string): boolean => names.has(name) || names.has(`*${name.slice(name.indexOf('.'))}`);
  return keys.publicNames.filter((name) => !covered(name.toLowerCase())).map((name) =>
    `no certificate is for ${name}, the public name of an --ech file: clients cannot be told of new keys`
  );
}

/** The text of a file with a new key, for `publicName`. Throws `UsageError`. */
export function makeEchFile({ environment: { crypto, random } }: Engine, publicName: string): string {
  const labels = publicName.split('.');
  const isName = publicName.length <= 253 && labels.every((label) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/i.test(label)) &&
    !/^\d+$/.test(labels.at(-1) as string);
  if (!isName) throw new UsageError(`--make-ech: '${publicName}' is not a host name; for example www.example.com`);
  const { config, privateKey } = makeEchKey(crypto, random, publicName, { maximumNameLength: MAXIMUM_NAME_LENGTH });
  const pkcs8 = concat(PKCS8_PREFIX, privateKey);
  const text = writePem('PRIVATE KEY', pkcs8) + writePem('ECHCONFIG', encodeEchConfigList([config]));
  for (const secret of [privateKey, pkcs8]) secret.fill(0);
  return text;
}
