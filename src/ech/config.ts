import { UsageError } from '../error.ts';
import { ExtensionType } from '../registry/extension_type.ts';
import { ascii, latin1 } from '../wire/bytes.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { HpkeAead, HpkeKdf, HpkeKem, type HpkeSuite } from './hpke.ts';

/** ECHConfig of version 0xfe0d, RFC 9849 §4. */
export interface EchConfig {
  readonly configId: number;
  /** HpkeKemId. */
  readonly kem: number;
  readonly publicKey: Uint8Array;
  readonly cipherSuites: readonly HpkeSuite[];
  /** The longest server name behind it, for padding; 0 when that is not known. */
  readonly maximumNameLength: number;
  /** The name that observers see, and for which the server has a certificate. */
  readonly publicName: string;
}

/** The version is the extension's code point. */
const VERSION = ExtensionType.encrypted_client_hello;

/** What everybody must implement, §9, and what costs us less. */
const DEFAULT_SUITES: readonly HpkeSuite[] = [
  { kdf: HpkeKdf.HKDF_SHA256, aead: HpkeAead.ChaCha20Poly1305 },
  { kdf: HpkeKdf.HKDF_SHA256, aead: HpkeAead.AES_128_GCM },
];

/** Reads one ECHConfig. Throws `TlsError` (`decode_error`) or, of another version, `UsageError`. */
export function decodeEchConfig(bytes: Uint8Array): EchConfig {
  const outer = new Reader(bytes, 'ECHConfig');
  const version = outer.uint16('version');
  if (version !== VERSION) throw new UsageError(`an ECHConfig of version 0x${version.toString(16)}`);
  const reader = new Reader(outer.vector(0, 0xffff, 'contents'), 'ECHConfigContents');
  outer.end();
  const configId = reader.uint8('config_id');
  const kem = reader.uint16('kem_id');
  const publicKey = reader.vector(1, 0xffff, 'public_key').slice();
  const cipherSuites = reader.list(4, 0xfffc, 'cipher_suites', (item) => ({
    kdf: item.uint16('kdf_id'),
    aead: item.uint16('aead_id'),
  }));
  const maximumNameLength = reader.uint8('maximum_name_length');
  const publicName = latin1(reader.vector(1, 255, 'public_name'));
  // They are for clients.
  reader.vector(0, 0xffff, 'extensions');
  reader.end();
  return { configId, kem, publicKey, cipherSuites, maximumNameLength, publicName };
}

/** One ECHConfig, without extensions. */
export function encodeEchConfig(
  config: Pick<EchConfig, 'configId' | 'publicKey' | 'publicName'> & Partial<EchConfig>,
): Uint8Array {
  const { configId, publicKey, publicName, maximumNameLength = 0, cipherSuites = DEFAULT_SUITES } = config;
  if (publicName.length < 1 || publicName.length > 255) throw new UsageError('publicName: 1 to 255 characters');
  return new Writer().uint16(VERSION).vector(2, (writer) => {
    writer.uint8(configId).uint16(config.kem ?? HpkeKem.DHKEM_X25519_HKDF_SHA256).opaqueVector(2, publicKey);
    writer.vector(2, () => {
      for (const { kdf, aead } of cipherSuites) writer.uint16(kdf).uint16(aead);
    });
    writer.uint8(maximumNameLength).opaqueVector(1, ascii(publicName)).uint16(0);
  }).finish();
}

/** The ECHConfigs of an ECHConfigList, each still serialized. Throws `TlsError` (`decode_error`). */
export function splitEchConfigList(bytes: Uint8Array): Uint8Array[] {
  const outer = new Reader(bytes, 'ECHConfigList');
  const list = outer.vector(4, 0xffff, 'configs');
  outer.end();
  const reader = new Reader(list, 'ECHConfigList');
  const configs: Uint8Array[] = [];
  for (let at = 0; reader.remaining > 0; at = list.length - reader.remaining) {
    reader.uint16('version');
    reader.vector(0, 0xffff, 'contents');
    configs.push(list.slice(at, list.length - reader.remaining));
  }
  return configs;
}

/** An ECHConfigList: what is published in the DNS (RFC 9460), and sent to clients whose configuration is out of date. */
export function encodeEchConfigList(configs: readonly Uint8Array[]): Uint8Array {
  return new Writer().vector(2, (writer) => {
    for (const config of configs) writer.opaque(config);
  }).finish();
}
