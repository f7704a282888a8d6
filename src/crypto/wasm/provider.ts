/** The provider over one WebAssembly instance: all the synchronous cryptography, and the memory in which records are processed. */
import { CipherSuite } from '../../registry/cipher_suite.ts';
import type { CryptoProvider, KeyExchange, PrivateKey, PublicKey, SignatureProvider } from '../provider.ts';
import { createAeads } from './aead.ts';
import { createArenas } from './arena.ts';
import { createHashes } from './hash.ts';
import { wasmKeyExchanges } from './hybrid.ts';
import { instantiate, type WasmBuild, type WasmModule } from './instance.ts';
import { keyExchangeAnswers, RECORD_ANSWERS, selfTest, signatureAnswers } from './self_test.ts';
import { type RandomSource, wasmSignatureProvider } from './signature.ts';

export interface WasmProvider extends CryptoProvider {
  /** Which of the two modules this is. */
  readonly build: WasmBuild;
  readonly memory: DataPlane;
  /** Signs and verifies, synchronously, with every type of key but RSA. `random` hedges ECDSA's nonces. */
  signatures(random: RandomSource): SignatureProvider;
}

/** Regions of the provider's memory. Records that lie in it, and are opened or sealed into it, are never copied. */
export interface DataPlane {
  /**
   * `length` bytes of the provider's memory, all zero; its view never dies. When the memory is full, ordinary bytes instead, which work
   * the same at the price of a copy.
   */
  allocateRegion(length: number): Uint8Array;
  /** Wipes a region and takes it back. Its view must not be used any more. Throws `UsageError` for a view that is not a whole region. */
  freeRegion(region: Uint8Array): void;
  /** Whether the bytes lie in the provider's memory. */
  holds(view: Uint8Array): boolean;
}

export interface WasmProviderOptions {
  /** Size of the memory: a multiple of 64 KiB, at most 4 GiB. Default 256 MiB, of which only what is used costs anything. */
  readonly memoryBytes?: number;
}

/** Instantiates a module and tests it. Throws when a known answer is wrong: see `self_test.ts`. */
export function createWasmProvider(source: WasmModule, options: WasmProviderOptions = {}): WasmProvider {
  const instance = instantiate(source, options.memoryBytes);
  const { slots, regions } = createArenas(instance);
  const aeads = createAeads(instance, slots);
  const exchanges = wasmKeyExchanges(instance);
  const test = (exchange: KeyExchange) => selfTest(provider, keyExchangeAnswers([exchange]));
  const provider: WasmProvider = {
    ...createHashes(instance, slots),
    aeads: new Map([
      [CipherSuite.TLS_CHACHA20_POLY1305_SHA256, aeads.chacha20Poly1305],
      [CipherSuite.TLS_AES_128_GCM_SHA256, aeads.aes128Gcm],
      [CipherSuite.TLS_AES_256_GCM_SHA384, aeads.aes256Gcm],
    ]),
    keyExchanges: new Map(Array.from(exchanges, ([group, exchange]) => [group, testedFirst(exchange, test)])),
    signatures: (random) =>
      testedP384(wasmSignatureProvider(instance, random), () => {
        selfTest(provider, signatureAnswers(instance, ['ecdsa_secp384r1_sha384']));
      }),
    constantTimeEqual,
    build: instance.build,
    memory: {
      allocateRegion: (length) => regions.allocate(length) ?? new Uint8Array(length),
      freeRegion(region) {
        if (region.buffer === instance.memory.buffer) regions.free(region);
        else region.fill(0);
      },
      holds: (view) => view.buffer === instance.memory.buffer,
    },
  };
  const common = [...exchanges.values()].filter(({ onRequest }) => !onRequest);
  const answers = [...RECORD_ANSWERS, ...keyExchangeAnswers(common)];
  selfTest(provider, [...answers, ...signatureAnswers(instance, ['ecdsa_secp256r1_sha256', 'ed25519'])]);
  return provider;
}

/** Tests a group that only some configurations name before its first use, and not at the start: these are slow. */
export function testedFirst(exchange: KeyExchange, test: (exchange: KeyExchange) => void): KeyExchange {
  if (!exchange.onRequest) return exchange;
  let tested = false;
  const check = () => {
    if (!tested) test(exchange);
    tested = true;
  };
  return {
    ...exchange,
    respond(clientShare, random) {
      check();
      return exchange.respond(clientShare, random);
    },
    offer(random) {
      check();
      return exchange.offer(random);
    },
  };
}

/** Tests ECDSA with P-384 before its first key, and not at the start: it is slow, and few use it. */
function testedP384({ signer, verifier }: SignatureProvider, test: () => void): SignatureProvider {
  let tested = false;
  const before = <Key extends PrivateKey | PublicKey, Result>(make: (key: Key) => Result) => (key: Key): Result => {
    if (key.type === 'ecdsa_p384' && !tested) test();
    tested ||= key.type === 'ecdsa_p384';
    return make(key);
  };
  return { signer: before(signer), verifier: before(verifier) };
}

/** See `CryptoProvider`. */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
