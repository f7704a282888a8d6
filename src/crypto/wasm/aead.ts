/** Record protection over the exports of wasm/src/record.rs. Keys live in slots of the memory; JavaScript holds their addresses. */
import { UsageError } from '../../error.ts';
import type { Aead, Opened, OpenStop, RecordKey, Secret } from '../provider.ts';
import { sealedLength } from '../provider.ts';
import type { SlotArena, Slots } from './arena.ts';
import type { CryptExport, OpenExport, SealExport, WasmInstance } from './instance.ts';
import { WasmSecret } from './secret.ts';

/** The exports of one AEAD. */
interface AeadExports {
  install(slot: number, key: number, keyLength: number, iv: number): void;
  readonly open: OpenExport;
  readonly seal: SealExport;
  readonly encrypt: CryptExport;
  readonly decrypt: CryptExport;
  readonly slots: Slots;
}

const HEADER_LENGTH = 5;
const MAX_FRAGMENT = 1 << 14;
const STOPS: readonly OpenStop[] = ['end', 'other', 'bad_record_mac'];
const STOP_END = 0;
const STOP_OTHER = 1;

/** Bytes at the start of the scratch for the result of `open` and for a key with its iv. */
const RESULT_AREA = 64;

/** What all keys of one provider share: the memory, and the object that `open` returns. */
class Plane {
  readonly bytes: Uint8Array;
  readonly wipe: (address: number, length: number) => void;
  readonly opened: Opened = {
    records: 0,
    consumed: 0,
    produced: 0,
    stop: 'end',
    contentType: 0,
    contentLength: 0,
    paddingLength: 0,
  };
  /** Where WebAssembly writes what `open` did: seven words. */
  readonly resultAddress: number;
  readonly result: Uint32Array;
  /** Two halves, for views outside the memory: what goes in and what comes out. */
  readonly input: number;
  readonly output: number;
  readonly halfLength: number;

  constructor(instance: WasmInstance) {
    this.bytes = instance.bytes;
    this.wipe = instance.exports.wipe;
    this.resultAddress = instance.scratch;
    this.result = new Uint32Array(instance.memory.buffer, instance.scratch, 7);
    this.input = instance.scratch + RESULT_AREA;
    this.halfLength = ((instance.scratchLength - RESULT_AREA) / 2) & ~15;
    this.output = this.input + this.halfLength;
  }

  holds(view: Uint8Array): boolean {
    return view.buffer === this.bytes.buffer;
  }
}

class WasmRecordKey implements RecordKey {
  readonly #exports: AeadExports;
  readonly #plane: Plane;
  /** 0 after `wipe`: no slot has this address. */
  #slot: number;

  constructor(exports: AeadExports, plane: Plane, slot: number) {
    this.#exports = exports;
    this.#plane = plane;
    this.#slot = slot;
  }

  open(sequence: number, input: Uint8Array, output: Uint8Array, contentLimit: number): Opened {
    const plane = this.#plane;
    if (output.length < input.length) throw new UsageError('output is shorter than input');
    if (plane.holds(input) && plane.holds(output)) {
      const stop = this.#open(sequence, input.byteOffset, input.length, output.byteOffset, contentLimit);
      return this.#report(stop, plane.result[0]!, plane.result[1]!, plane.result[2]!);
    }
    return this.#openThroughScratch(sequence, input, output, contentLimit);
  }

  /** Opens as many records at once as a half of the scratch holds. */
  #openThroughScratch(sequence: number, input: Uint8Array, output: Uint8Array, contentLimit: number): Opened {
    const { bytes, result, input: scratch, halfLength } = this.#plane;
    let records = 0;
    let consumed = 0;
    let produced = 0;
    let stop = STOP_END;
    try {
      while (stop === STOP_END && consumed < input.length) {
        const length = wholeRecords(input, consumed, halfLength);
        bytes.set(input.subarray(consumed, consumed + length), scratch);
        stop = this.#open(sequence + records, scratch, length, scratch, contentLimit);
        const made = result[2]! + (stop === STOP_OTHER ? result[5]! : 0);
        output.set(bytes.subarray(scratch, scratch + made), produced);
        records += result[0]!;
        consumed += result[1]!;
        produced += result[2]!;
      }
    } finally {
      // The scratch is shared by all connections.
      this.#plane.wipe(scratch, Math.min(input.length, halfLength));
    }
    return this.#report(stop, records, consumed, produced);
  }

  #open(sequence: number, from: number, length: number, to: number, contentLimit: number): number {
    const { resultAddress, result } = this.#plane;
    const slot = this.#address();
    this.#exports.open(slot, sequence >>> 0, high(sequence), from, length, to, contentLimit, resultAddress);
    return result[3]!;
  }

  #report(stop: number, records: number, consumed: number, produced: number): Opened {
    const { opened, result } = this.#plane;
    opened.records = records;
    opened.consumed = consumed;
    opened.produced = produced;
    opened.stop = STOPS[stop]!;
    const other = stop === STOP_OTHER;
    opened.contentType = other ? result[4]! : 0;
    opened.contentLength = other ? result[5]! : 0;
    opened.paddingLength = other ? result[6]! : 0;
    return opened;
  }

  seal(
    sequence: number,
    contentType: number,
    content: Uint8Array,
    output: Uint8Array,
    fragmentLimit: number,
    paddingMultiple: number,
  ): number {
    if (!(fragmentLimit >= 1 && fragmentLimit <= MAX_FRAGMENT) || !(paddingMultiple >= 1)) {
      throw new UsageError('fragmentLimit is 1 to 16384, paddingMultiple at least 1');
    }
    const plane = this.#plane;
    const inMemory = plane.holds(content);
    if (plane.holds(output) && (inMemory || content.length <= plane.halfLength)) {
      const { byteOffset, length } = output;
      const at = inMemory ? content.byteOffset : plane.input;
      if (!inMemory) plane.bytes.set(content, at);
      try {
        return this.#seal(
          sequence,
          contentType,
          at,
          content.length,
          byteOffset,
          length,
          fragmentLimit,
          paddingMultiple,
        );
      } finally {
        // The scratch is shared by all connections.
        if (!inMemory) plane.wipe(at, content.length);
      }
    }
    return this.#sealThroughScratch(sequence, contentType, content, output, fragmentLimit, paddingMultiple);
  }

  /** Seals as many records at once as a half of the scratch holds. */
  #sealThroughScratch(
    sequence: number,
    contentType: number,
    content: Uint8Array,
    output: Uint8Array,
    fragmentLimit: number,
    paddingMultiple: number,
  ): number {
    const { bytes, input, output: sealed, halfLength } = this.#plane;
    const atOnce = Math.max(
      1,
      Math.floor(halfLength / sealedLength(fragmentLimit, fragmentLimit, Math.min(paddingMultiple, MAX_FRAGMENT))),
    );
    const step = atOnce * fragmentLimit;
    let written = 0;
    let at = 0;
    try {
      do {
        const part = content.length <= step ? content : content.subarray(at, at + step);
        bytes.set(part, input);
        const number = sequence + at / fragmentLimit;
        const made = this.#seal(
          number,
          contentType,
          input,
          part.length,
          sealed,
          halfLength,
          fragmentLimit,
          paddingMultiple,
        );
        output.set(bytes.subarray(sealed, sealed + made), written);
        written += made;
        at += step;
      } while (at < content.length);
    } finally {
      // The scratch is shared by all connections.
      this.#plane.wipe(input, Math.min(content.length, step));
    }
    return written;
  }

  #seal(
    sequence: number,
    contentType: number,
    content: number,
    contentLength: number,
    records: number,
    recordsLength: number,
    fragmentLimit: number,
    paddingMultiple: number,
  ): number {
    const written = this.#exports.seal(
      this.#address(),
      sequence >>> 0,
      high(sequence),
      contentType,
      content,
      contentLength,
      records,
      recordsLength,
      fragmentLimit,
      paddingMultiple,
    );
    if (written === 0) throw new UsageError('output has no room for the sealed records: see sealedLength');
    return written;
  }

  wipe(): void {
    if (this.#slot === 0) return;
    this.#exports.slots.free(this.#slot);
    this.#slot = 0;
  }

  #address(): number {
    if (this.#slot === 0) throw new UsageError('this key was wiped');
    return this.#slot;
  }
}

/** The upper half of a number below 2^53. */
function high(sequence: number): number {
  return (sequence / 0x1_0000_0000) >>> 0;
}

/** The length of the whole records from `start` that fit in `limit` bytes: at least one record, at most what is there. */
function wholeRecords(input: Uint8Array, start: number, limit: number): number {
  const length = Math.min(input.length - start, limit);
  if (start + length === input.length) return length;
  let end = start;
  while (end + HEADER_LENGTH <= input.length) {
    const next = end + HEADER_LENGTH + (input[end + 3]! << 8 | input[end + 4]!);
    if (next > start + length) break;
    end = next;
  }
  return end > start ? end - start : length;
}

/** The AEAD without records: for whoever has a nonce, additional data and a text (RFC 5116 §2). */
export interface PlainAead extends Pick<Aead, 'decrypt'> {
  /** Ciphertext and tag. */
  encrypt(key: Uint8Array, nonce: Uint8Array, additional: Uint8Array, plaintext: Uint8Array): Uint8Array;
}

export class WasmAead implements Aead, PlainAead {
  readonly name: string;
  readonly keyLength: number;
  readonly ivLength = 12;
  readonly tagLength = 16;
  readonly recordLimit: number;
  readonly #exports: AeadExports;
  readonly #plane: Plane;

  constructor(name: string, keyLength: number, recordLimit: number, exports: AeadExports, plane: Plane) {
    this.name = name;
    this.keyLength = keyLength;
    this.recordLimit = recordLimit;
    this.#exports = exports;
    this.#plane = plane;
  }

  installKey(key: Uint8Array, iv: Uint8Array): RecordKey {
    return new WasmRecordKey(this.#exports, this.#plane, this.#install(key, iv));
  }

  deriveKey(secret: Secret, keyInfo: Uint8Array, ivInfo: Uint8Array): RecordKey {
    if (!(secret instanceof WasmSecret)) throw new UsageError('a secret of another provider');
    const { wipe, output } = this.#plane;
    const { keyLength, ivLength } = this;
    const slot = this.#exports.slots.allocate();
    secret.expandTo(keyInfo, output, keyLength);
    secret.expandTo(ivInfo, output + keyLength, ivLength);
    this.#exports.install(slot, output, keyLength, output + keyLength);
    wipe(output, keyLength + ivLength);
    return new WasmRecordKey(this.#exports, this.#plane, slot);
  }

  encrypt(key: Uint8Array, nonce: Uint8Array, additional: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return this.#crypt(key, nonce, additional, plaintext, plaintext.length, this.#exports.encrypt)!;
  }

  decrypt(key: Uint8Array, nonce: Uint8Array, additional: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    this.#check(key, nonce);
    if (sealed.length < this.tagLength) return undefined;
    return this.#crypt(key, nonce, additional, sealed, sealed.length - this.tagLength, this.#exports.decrypt);
  }

  /** The text, `length` bytes without its tag, is processed in the scratch, the additional data behind it. */
  #crypt(
    key: Uint8Array,
    nonce: Uint8Array,
    additional: Uint8Array,
    text: Uint8Array,
    length: number,
    crypt: CryptExport,
  ): Uint8Array | undefined {
    const { bytes, wipe, input, halfLength } = this.#plane;
    const end = input + length + this.tagLength;
    const used = nonce.length + length + this.tagLength + additional.length;
    if (used > 2 * halfLength) throw new UsageError(`the text is limited to ${halfLength} bytes`);
    const slot = this.#install(key, nonce);
    bytes.set(text, input);
    bytes.set(nonce, end);
    bytes.set(additional, end + nonce.length);
    const done = crypt(slot, end, end + nonce.length, additional.length, input, length);
    const sealing = crypt === this.#exports.encrypt;
    const result = sealing || done === 1 ? bytes.slice(input, sealing ? end : input + length) : undefined;
    wipe(input, used);
    this.#exports.slots.free(slot);
    return result;
  }

  #check(key: Uint8Array, iv: Uint8Array): void {
    if (key.length !== this.keyLength || iv.length !== this.ivLength) {
      const given = `${key.length} and ${iv.length}`;
      throw new UsageError(`${this.name} takes a key of ${this.keyLength} bytes and an iv of 12, not ${given}`);
    }
  }

  /** Writes key and iv to a new slot. */
  #install(key: Uint8Array, iv: Uint8Array): number {
    this.#check(key, iv);
    const { bytes, wipe, input } = this.#plane;
    const slot = this.#exports.slots.allocate();
    bytes.set(key, input);
    bytes.set(iv, input + key.length);
    this.#exports.install(slot, input, key.length, input + key.length);
    wipe(input, key.length + iv.length);
    return slot;
  }
}

/** RFC 9846 §5.5: 2^24.5 full-size records for AES-GCM; ChaCha20-Poly1305 is bounded by the sequence numbers JavaScript counts. */
const AES_GCM_RECORD_LIMIT = 23_726_566;
const CHACHA20_POLY1305_RECORD_LIMIT = Number.MAX_SAFE_INTEGER;

export function createAeads(
  instance: WasmInstance,
  slots: SlotArena,
): { chacha20Poly1305: WasmAead; aes128Gcm: WasmAead; aes256Gcm: WasmAead } {
  const { exports } = instance;
  const plane = new Plane(instance);
  const chacha: AeadExports = {
    install: (slot, key, _keyLength, iv) => exports.chacha20_poly1305_install(slot, key, iv),
    open: exports.chacha20_poly1305_open,
    seal: exports.chacha20_poly1305_seal,
    encrypt: exports.chacha20_poly1305_encrypt,
    decrypt: exports.chacha20_poly1305_decrypt,
    slots: slots.slots(exports.chacha20_poly1305_slot_bytes()),
  };
  const gcm: AeadExports = {
    install: exports.aes_gcm_install,
    open: exports.aes_gcm_open,
    seal: exports.aes_gcm_seal,
    encrypt: exports.aes_gcm_encrypt,
    decrypt: exports.aes_gcm_decrypt,
    slots: slots.slots(exports.aes_gcm_slot_bytes()),
  };
  return {
    chacha20Poly1305: new WasmAead('ChaCha20-Poly1305', 32, CHACHA20_POLY1305_RECORD_LIMIT, chacha, plane),
    aes128Gcm: new WasmAead('AES-128-GCM', 16, AES_GCM_RECORD_LIMIT, gcm, plane),
    aes256Gcm: new WasmAead('AES-256-GCM', 32, AES_GCM_RECORD_LIMIT, gcm, plane),
  };
}
