/**
 * ML-KEM (FIPS 203) in WebAssembly: the KEM itself, and the KEM in the shape of a `KeyExchange`: ML-KEM-768 as one half of the hybrid
 * groups (RFC 10024), ML-KEM-1024 as a group of its own.
 */
import { UsageError } from '../../error.ts';
import type { KeyExchange, KeyOffer } from '../provider.ts';
import { NamedGroup } from '../../registry/named_group.ts';
import type { WasmInstance } from './instance.ts';

const SEED_LENGTH = 64;
const MESSAGE_LENGTH = 32;
const SECRET_LENGTH = 32;

/** Lengths in bytes, and the exports of one parameter set. */
interface Parameters {
  readonly encapsulationKeyLength: number;
  readonly decapsulationKeyLength: number;
  readonly ciphertextLength: number;
  generateKey(seed: number, encapsulationKey: number, decapsulationKey: number): void;
  /** 0 when the key fails the modulus check. */
  encapsulate(encapsulationKey: number, message: number, ciphertext: number, secret: number): number;
  /** 0 when the key is damaged. */
  decapsulate(decapsulationKey: number, ciphertext: number, secret: number): number;
}

/** The three algorithms of FIPS 203 §6, deterministic. Lengths of seeds and messages are the caller's: `UsageError`. */
export interface MlKem {
  /** ML-KEM.KeyGen_internal of the seed d || z. */
  generateKey(seed: Uint8Array): { encapsulationKey: Uint8Array; decapsulationKey: Uint8Array };
  /** ML-KEM.Encaps_internal. Undefined when the key has a wrong length or fails the modulus check (§7.2). */
  encapsulate(
    encapsulationKey: Uint8Array,
    message: Uint8Array,
  ): { ciphertext: Uint8Array; secret: Uint8Array } | undefined;
  /**
   * ML-KEM.Decaps_internal. Undefined when a length is wrong or the key fails the checks of §7.3. A ciphertext that does not come
   * from `encapsulate` gives a pseudo-random secret (implicit rejection).
   */
  decapsulate(decapsulationKey: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined;
}

function expectLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new UsageError(`${what} must have ${length} bytes, not ${bytes.length}`);
}

function parameters768({ exports }: WasmInstance): Parameters {
  return {
    encapsulationKeyLength: 1184,
    decapsulationKeyLength: 2400,
    ciphertextLength: 1088,
    generateKey: exports.mlkem768_generate_key,
    encapsulate: exports.mlkem768_encapsulate,
    decapsulate: exports.mlkem768_decapsulate,
  };
}

function parameters1024({ exports }: WasmInstance): Parameters {
  return {
    encapsulationKeyLength: 1568,
    decapsulationKeyLength: 3168,
    ciphertextLength: 1568,
    generateKey: exports.mlkem1024_generate_key,
    encapsulate: exports.mlkem1024_encapsulate,
    decapsulate: exports.mlkem1024_decapsulate,
  };
}

/** ML-KEM-768 in this instance. */
export function mlKem768(instance: WasmInstance): MlKem {
  return mlKem(instance, parameters768(instance));
}

/** ML-KEM-1024 in this instance. */
export function mlKem1024(instance: WasmInstance): MlKem {
  return mlKem(instance, parameters1024(instance));
}

function mlKem({ bytes, scratch }: WasmInstance, parameters: Parameters): MlKem {
  const { encapsulationKeyLength, decapsulationKeyLength, ciphertextLength } = parameters;
  // The areas of a call, from the start of the scratch.
  const ek = scratch;
  const dk = ek + encapsulationKeyLength;
  const ciphertextAt = dk + decapsulationKeyLength;
  const seedAt = ciphertextAt + ciphertextLength;
  const secretAt = seedAt + SEED_LENGTH;
  const end = secretAt + SECRET_LENGTH;
  const copy = (at: number, length: number) => bytes.slice(at, at + length);
  return {
    generateKey(seed) {
      expectLength('an ML-KEM seed', seed, SEED_LENGTH);
      try {
        bytes.set(seed, seedAt);
        parameters.generateKey(seedAt, ek, dk);
        return {
          encapsulationKey: copy(ek, encapsulationKeyLength),
          decapsulationKey: copy(dk, decapsulationKeyLength),
        };
      } finally {
        bytes.fill(0, dk, end);
      }
    },
    encapsulate(encapsulationKey, message) {
      expectLength('an ML-KEM message', message, MESSAGE_LENGTH);
      if (encapsulationKey.length !== encapsulationKeyLength) return undefined;
      try {
        bytes.set(encapsulationKey, ek);
        bytes.set(message, seedAt);
        if (parameters.encapsulate(ek, seedAt, ciphertextAt, secretAt) === 0) return undefined;
        return { ciphertext: copy(ciphertextAt, ciphertextLength), secret: copy(secretAt, SECRET_LENGTH) };
      } finally {
        bytes.fill(0, seedAt, end);
      }
    },
    decapsulate(decapsulationKey, ciphertext) {
      if (decapsulationKey.length !== decapsulationKeyLength) return undefined;
      if (ciphertext.length !== ciphertextLength) return undefined;
      try {
        bytes.set(decapsulationKey, dk);
        bytes.set(ciphertext, ciphertextAt);
        if (parameters.decapsulate(dk, ciphertextAt, secretAt) === 0) return undefined;
        return copy(secretAt, SECRET_LENGTH);
      } finally {
        bytes.fill(0, dk, end);
      }
    },
  };
}

/** ML-KEM-768 as a building block of the hybrids; the group of its own (0x0201) is not offered. */
export function mlKem768KeyExchange(instance: WasmInstance): KeyExchange {
  return kemKeyExchange('MLKEM768', 0x0201, mlKem768(instance), parameters768(instance));
}

/** ML-KEM-1024 as a group of its own (draft-ietf-tls-mlkem). */
export function mlKem1024KeyExchange(instance: WasmInstance): KeyExchange {
  const exchange = kemKeyExchange('MLKEM1024', NamedGroup.MLKEM1024, mlKem1024(instance), parameters1024(instance));
  // Nothing but ML-KEM, and slow: for policies that name it.
  return { ...exchange, onRequest: true };
}

/** The client's share is an encapsulation key, the server's a ciphertext. */
function kemKeyExchange(name: string, group: number, kem: MlKem, parameters: Parameters): KeyExchange {
  return {
    name,
    group,
    clientShareLength: parameters.encapsulationKeyLength,
    serverShareLength: parameters.ciphertextLength,
    respondRandomLength: MESSAGE_LENGTH,
    offerRandomLength: SEED_LENGTH,
    respond(clientShare, random) {
      const made = kem.encapsulate(clientShare, random);
      return made && { share: made.ciphertext, secret: made.secret };
    },
    offer(random) {
      const { encapsulationKey, decapsulationKey } = kem.generateKey(random);
      return new MlKemOffer(kem, encapsulationKey, decapsulationKey);
    },
  };
}

class MlKemOffer implements KeyOffer {
  readonly share: Uint8Array;
  #kem: MlKem;
  #decapsulationKey: Uint8Array | undefined;

  constructor(kem: MlKem, share: Uint8Array, decapsulationKey: Uint8Array) {
    this.share = share;
    this.#kem = kem;
    this.#decapsulationKey = decapsulationKey;
  }

  finish(serverShare: Uint8Array): Uint8Array | undefined {
    if (this.#decapsulationKey === undefined) throw new UsageError('this key offer has been used or wiped');
    try {
      return this.#kem.decapsulate(this.#decapsulationKey, serverShare);
    } finally {
      this.wipe();
    }
  }

  wipe(): void {
    this.#decapsulationKey?.fill(0);
    this.#decapsulationKey = undefined;
  }
}
