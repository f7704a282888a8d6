import type { CryptoProvider } from '../crypto/provider.ts';
import { TlsError, UsageError } from '../error.ts';
import { ascii, concat, equal } from '../wire/bytes.ts';
import { decodeEchConfig, type EchConfig, encodeEchConfig, encodeEchConfigList } from './config.ts';
import { algorithmsOf, type HpkeContext, HpkeKem, publicKeyOf, setupBaseR } from './hpke.ts';
import type { OuterEch } from './extension.ts';

/** An ECHConfig with its private key. */
export interface EchKey {
  /** One serialized ECHConfig (RFC 9849 §4). */
  readonly config: Uint8Array;
  /** The X25519 private key, 32 bytes. Secret. */
  readonly privateKey: Uint8Array;
  /** Whether clients are told to use it whose configuration is out of date. Default true. Old keys: false. */
  readonly retry?: boolean;
}

interface Known {
  readonly config: EchConfig;
  readonly privateKey: Uint8Array;
  /** "tls ech" || 0x00 || ECHConfig */
  readonly info: Uint8Array;
}

const INFO_LABEL = 'tls ech\0';

/**
 * The keys a server opens Encrypted Client Hellos with: those it has published, and former ones that clients may still have. They can
 * be replaced while connections go on.
 */
export class EchKeys {
  readonly #crypto: CryptoProvider;
  #known: readonly Known[];
  #retryConfigs: Uint8Array;

  /** Throws `UsageError` for a configuration that cannot be read or served, or is not that of its key. Private keys are copied. */
  constructor(crypto: CryptoProvider, keys: readonly EchKey[]) {
    const retry = keys.filter((key) => key.retry ?? true).map(({ config }) => config);
    // §7.1: a server with any ECHConfig sends at least one.
    if (retry.length === 0) throw new UsageError('encrypted client hello: at least one key with `retry`');
    this.#crypto = crypto;
    this.#known = keys.map((key, index) => readKey(crypto, key, index));
    this.#retryConfigs = encodeEchConfigList(retry);
  }

  /** ECHConfigList for clients whose configuration did not serve. */
  get retryConfigs(): Uint8Array {
    return this.#retryConfigs;
  }

  /** The public names of all configurations: each needs a certificate, for clients that are to be told of new keys (§6.1.7). */
  get publicNames(): readonly string[] {
    return [...new Set(this.#known.map(({ config }) => config.publicName))];
  }

  /** Takes over what `next` has, which is not to be used any more, and overwrites the old private keys. */
  replace(next: EchKeys): void {
    this.wipe();
    this.#known = next.#known;
    this.#retryConfigs = next.#retryConfigs;
  }

  /**
   * §7.1: tries the keys with the client's config_id in turn. `additional`: ClientHelloOuterAAD. Gives the EncodedClientHelloInner and
   * the context that the second ClientHello is opened with; undefined when none fits, which is usual (GREASE, old configurations).
   */
  open(
    { cipherSuite, configId, enc, payload }: OuterEch,
    additional: Uint8Array,
  ): { readonly encoded: Uint8Array; readonly context: HpkeContext } | undefined {
    for (const { config, privateKey, info } of this.#known) {
      if (config.configId !== configId) continue;
      if (!config.cipherSuites.some(({ kdf, aead }) => kdf === cipherSuite.kdf && aead === cipherSuite.aead)) continue;
      const context = setupBaseR(this.#crypto, cipherSuite, enc, privateKey, info);
      const encoded = context?.open(additional, payload);
      if (context !== undefined && encoded !== undefined) return { encoded, context };
      context?.wipe();
    }
    return undefined;
  }

  /** Overwrites the private keys: nothing can be opened any more. */
  wipe(): void {
    for (const { privateKey } of this.#known) privateKey.fill(0);
  }
}

/** A new key, and its ECHConfig. `random`: 33 secure random bytes. */
export function makeEchKey(
  crypto: CryptoProvider,
  random: (length: number) => Uint8Array,
  publicName: string,
  options: { readonly configId?: number; readonly maximumNameLength?: number } = {},
): EchKey {
  const privateKey = random(32);
  const publicKey = publicKeyOf(crypto, privateKey);
  if (publicKey === undefined) throw new UsageError('encrypted client hello needs X25519');
  const configId = options.configId ?? random(1)[0] as number;
  const { maximumNameLength = 0 } = options;
  return { config: encodeEchConfig({ configId, publicKey, publicName, maximumNameLength }), privateKey };
}

function readKey(crypto: CryptoProvider, { config: bytes, privateKey }: EchKey, index: number): Known {
  const which = `encrypted client hello, key ${index + 1}`;
  let config: EchConfig;
  try {
    config = decodeEchConfig(bytes);
  } catch (error) {
    if (!(error instanceof TlsError)) throw error;
    throw new UsageError(`${which}: not one ECHConfig: ${error.message}`);
  }
  if (config.kem !== HpkeKem.DHKEM_X25519_HKDF_SHA256) {
    throw new UsageError(
      `${which}: KEM 0x${config.kem.toString(16)} is not supported, only DHKEM(X25519, HKDF-SHA256)`,
    );
  }
  if (!config.cipherSuites.some((suite) => algorithmsOf(crypto, suite) !== undefined)) {
    throw new UsageError(`${which}: none of its cipher suites is supported`);
  }
  if (privateKey.length !== 32) throw new UsageError(`${which}: an X25519 private key has 32 bytes`);
  const publicKey = publicKeyOf(crypto, privateKey);
  if (publicKey === undefined || !equal(publicKey, config.publicKey)) {
    throw new UsageError(`${which}: the private key is not that of the ECHConfig`);
  }
  return { config, privateKey: privateKey.slice(), info: concat(ascii(INFO_LABEL), bytes) };
}
