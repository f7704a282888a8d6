/**
 * ML-KEM-768 (FIPS 203) in WebAssembly: the KEM itself, and the KEM in the shape of a `KeyExchange`, as one half of the hybrid
 * groups (RFC 10024).
 */
import { UsageError } from '../../error.ts';
import type { KeyExchange, KeyOffer } from '../provider.ts';
import type { WasmInstance } from './instance.ts';

export const MLKEM768_SEED_LENGTH = 64;
export const MLKEM768_MESSAGE_LENGTH = 32;
export const MLKEM768_ENCAPSULATION_KEY_LENGTH = 1184;
export const MLKEM768_DECAPSULATION_KEY_LENGTH = 2400;
export const MLKEM768_CIPHERTEXT_LENGTH = 1088;
export const MLKEM768_SECRET_LENGTH = 32;

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

// The areas of a call, from the start of the scratch.
const EK = 0;
const DK = EK + MLKEM768_ENCAPSULATION_KEY_LENGTH;
const CIPHERTEXT = DK + MLKEM768_DECAPSULATION_KEY_LENGTH;
const SEED = CIPHERTEXT + MLKEM768_CIPHERTEXT_LENGTH;
const SECRET = SEED + MLKEM768_SEED_LENGTH;
const END = SECRET + MLKEM768_SECRET_LENGTH;

function expectLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new UsageError(`${what} must have ${length} bytes, not ${bytes.length}`);
}

/** ML-KEM-768 in this instance. */
export function mlKem768({ exports, bytes, scratch }: WasmInstance): MlKem {
  const copy = (at: number, length: number) => bytes.slice(scratch + at, scratch + at + length);
  const wipe = (from: number, to: number) => void bytes.fill(0, scratch + from, scratch + to);
  return {
    generateKey(seed) {
      expectLength('an ML-KEM seed', seed, MLKEM768_SEED_LENGTH);
      try {
        bytes.set(seed, scratch + SEED);
        exports.mlkem768_generate_key(scratch + SEED, scratch + EK, scratch + DK);
        return {
          encapsulationKey: copy(EK, MLKEM768_ENCAPSULATION_KEY_LENGTH),
          decapsulationKey: copy(DK, MLKEM768_DECAPSULATION_KEY_LENGTH),
        };
      } finally {
        wipe(DK, END);
      }
    },
    encapsulate(encapsulationKey, message) {
      expectLength('an ML-KEM message', message, MLKEM768_MESSAGE_LENGTH);
      if (encapsulationKey.length !== MLKEM768_ENCAPSULATION_KEY_LENGTH) return undefined;
      try {
        bytes.set(encapsulationKey, scratch + EK);
        bytes.set(message, scratch + SEED);
        if (
          exports.mlkem768_encapsulate(scratch + EK, scratch + SEED, scratch + CIPHERTEXT, scratch + SECRET) === 0
        ) return undefined;
        return {
          ciphertext: copy(CIPHERTEXT, MLKEM768_CIPHERTEXT_LENGTH),
          secret: copy(SECRET, MLKEM768_SECRET_LENGTH),
        };
      } finally {
        wipe(SEED, END);
      }
    },
    decapsulate(decapsulationKey, ciphertext) {
      if (decapsulationKey.length !== MLKEM768_DECAPSULATION_KEY_LENGTH) return undefined;
      if (ciphertext.length !== MLKEM768_CIPHERTEXT_LENGTH) return undefined;
      try {
        bytes.set(decapsulationKey, scratch + DK);
        bytes.set(ciphertext, scratch + CIPHERTEXT);
        if (exports.mlkem768_decapsulate(scratch + DK, scratch + CIPHERTEXT, scratch + SECRET) === 0) return undefined;
        return copy(SECRET, MLKEM768_SECRET_LENGTH);
      } finally {
        wipe(DK, END);
      }
    },
  };
}

/**
 * ML-KEM-768 as a key exchange: the client's share is an encapsulation key, the server's a ciphertext. A building block of the
 * hybrids; the group of its own (0x0201) is not offered.
 */
export function mlKem768KeyExchange(instance: WasmInstance): KeyExchange {
  const kem = mlKem768(instance);
  return {
    name: 'MLKEM768',
    group: 0x0201,
    clientShareLength: MLKEM768_ENCAPSULATION_KEY_LENGTH,
    serverShareLength: MLKEM768_CIPHERTEXT_LENGTH,
    respondRandomLength: MLKEM768_MESSAGE_LENGTH,
    offerRandomLength: MLKEM768_SEED_LENGTH,
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
