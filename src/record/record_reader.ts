import type { Opened, RecordKey } from '../crypto/provider.ts';
import { fail } from '../error.ts';
import { ContentType } from '../registry/content_type.ts';
import {
  MAX_CIPHERTEXT_LENGTH,
  MAX_PLAINTEXT_LENGTH,
  MIN_CIPHERTEXT_LENGTH,
  type ReceivedRecord,
  RECORD_HEADER_LENGTH,
} from './record.ts';
import type { Lender } from '../wire/bytes.ts';

const EMPTY: Uint8Array = new Uint8Array(0);

/** Bounds of the reader; see `Limits`. */
export interface ReaderLimits {
  readonly emptyRecords: number;
  readonly changeCipherSpecs: number;
}

/** Where the reader finds space: see `Environment`. */
export interface ReaderMemory {
  plaintext(minimumLength: number): Uint8Array;
  readonly incomplete?: Lender;
}

/**
 * From bytes to records: deframing and record protection of the receiving direction (RFC 9846 §5). Whole records are opened straight
 * from the caller's bytes, as many as follow each other in one call; only a record that is not yet complete is copied.
 *
 *     reader.supply(bytes);
 *     while ((record = reader.next()) !== undefined) …
 *     reader.retain();
 */
export class RecordReader {
  readonly #limits: ReaderLimits;
  readonly #memory: ReaderMemory;
  readonly #record: ReceivedRecord = { type: 0, content: EMPTY, protected: false };

  /** What the caller supplied, from `#inputOffset` on. */
  #input: Uint8Array = EMPTY;
  #inputOffset = 0;
  /** Bytes kept from earlier calls, `#heldStart` to `#heldEnd`; they come before the input. */
  #held: Uint8Array = EMPTY;
  #heldStart = 0;
  #heldEnd = 0;

  #key: RecordKey | undefined;
  #sequence = 0;
  /** Most content bytes of a protected record (RFC 8449 lowers it). */
  #contentLimit = MAX_PLAINTEXT_LENGTH;
  /** Where opened content goes during this call, filled up to `#produced`. */
  #plaintext: Uint8Array = EMPTY;
  #produced = 0;
  /** A record that ended a run of application data: to be delivered by the next call of `next`. */
  #afterRun: { readonly type: number; readonly content: Uint8Array } | undefined;

  #seenTls = false;
  #openedAny = false;
  #changeCipherSpec: 'refuse' | 'drop' = 'refuse';
  #changeCipherSpecs = 0;
  #emptyRecords = 0;
  /** Bytes of rejected early data that may still be skipped. */
  #skippable = 0;

  constructor(limits: ReaderLimits, memory: ReaderMemory) {
    this.#limits = limits;
    this.#memory = memory;
  }

  /** The next `next` calls read what is held and then `bytes`, until `retain`. */
  supply(bytes: Uint8Array): void {
    this.#input = bytes;
    this.#inputOffset = 0;
  }

  /** Keeps a copy of what was not read. To be called before the caller's bytes may change. */
  retain(): void {
    if (this.#inputOffset < this.#input.length) {
      const rest = this.#input.subarray(this.#inputOffset);
      this.#hold(rest, this.#heldEnd - this.#heldStart + rest.length);
    }
    if (this.#heldStart === this.#heldEnd) this.#dropHeld();
    this.#input = EMPTY;
    this.#inputOffset = 0;
    this.#plaintext = EMPTY;
    this.#produced = 0;
    this.#record.content = EMPTY;
  }

  /** Bytes that wait to be read: a part of a record, or more when the handshake waits for an effect. */
  get heldLength(): number {
    return this.#heldEnd - this.#heldStart;
  }

  /** Whether the first bytes have been recognized as TLS. */
  get seenTls(): boolean {
    return this.#seenTls;
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Protects from here on. The former key is wiped. */
  setKey(key: RecordKey): void {
    this.#key?.wipe();
    this.#key = key;
    // 9846-5.3-1
    this.#sequence = 0;
  }

  setContentLimit(limit: number): void {
    this.#contentLimit = limit;
  }

  /**
   * 9846-5-1: a change_cipher_spec record of the one byte 1 is dropped between the first ClientHello and the peer's Finished; any
   * other, and any at another time, ends the connection.
   */
  setChangeCipherSpec(policy: 'refuse' | 'drop'): void {
    this.#changeCipherSpec = policy;
  }

  /**
   * §4.3.10: a server that rejects early data skips what it cannot read: without a key all application_data records (after a
   * HelloRetryRequest), with one all that do not authenticate, until the first that does, and `length` bytes at most.
   */
  skipEarlyData(length: number): void {
    this.#skippable = length;
  }

  wipe(): void {
    this.#key?.wipe();
    this.#key = undefined;
    this.#dropHeld();
    this.#input = EMPTY;
    this.#inputOffset = 0;
    this.#afterRun = undefined;
  }

  /** The next record, or run of application data, or undefined when more bytes are needed. The object is reused. */
  next(): ReceivedRecord | undefined {
    if (this.#afterRun !== undefined) {
      const { type, content } = this.#afterRun;
      this.#afterRun = undefined;
      return this.#deliver(type, content, true);
    }
    for (;;) {
      const held = this.#heldEnd > this.#heldStart;
      const bytes = held ? this.#held : this.#input;
      const offset = held ? this.#heldStart : this.#inputOffset;
      const end = held ? this.#heldEnd : this.#input.length;
      const length = this.#recordLength(bytes, offset, end);
      if (length === undefined || offset + RECORD_HEADER_LENGTH + length > end) {
        if (held && this.#topUp(length)) continue;
        return undefined;
      }
      const record = this.#read(bytes, offset, end, length);
      if (record !== undefined) return record;
    }
  }

  /** The length in the header at `offset`, checked; undefined when the header is incomplete. */
  #recordLength(bytes: Uint8Array, offset: number, end: number): number | undefined {
    if (!this.#seenTls) this.#recognize(bytes, offset, end);
    if (end - offset < RECORD_HEADER_LENGTH) return undefined;
    const type = bytes[offset] as number;
    // 9846-5.1-14, 9846-E-1, 9846-E.2-4: legacy_record_version is not looked at
    const length = (bytes[offset + 3] as number) << 8 | (bytes[offset + 4] as number);
    // 9846-5.1-16, 9846-5.2-2, 9846-5.2-5: the length MUST NOT exceed 2^14, of a protected record 2^14 + 256.
    const sealed = this.#key !== undefined && type === ContentType.application_data;
    if (length > (sealed ? MAX_CIPHERTEXT_LENGTH : MAX_PLAINTEXT_LENGTH)) {
      if (!(type === ContentType.application_data && this.#skippable > 0 && length <= MAX_CIPHERTEXT_LENGTH)) {
        fail('record_overflow', `a record of ${length} bytes`);
      }
    }
    return length;
  }

  /**
   * Tells TLS from other protocols by the first byte, a ContentType, so that those are closed at once and named in the log.
   * 9846-5.1-14: the version beside it is ignored for all purposes, this one as well.
   */
  #recognize(bytes: Uint8Array, offset: number, end: number): void {
    if (end === offset) return;
    const first = bytes[offset] as number;
    if (first >= ContentType.change_cipher_spec && first <= ContentType.application_data) {
      this.#seenTls = true;
      return;
    }
    if (first >= 0x80) {
      if (end - offset < 3) return;
      // 9846-E.5-6
      if (bytes[offset + 2] === 1) fail('sslv2_hello');
    }
    fail('not_tls', `first bytes ${hex(bytes.subarray(offset, Math.min(end, offset + 4)))}`);
  }

  /** Reads the whole record at `offset`, or a run of records from there. Undefined when it is to be dropped. */
  #read(bytes: Uint8Array, offset: number, end: number, length: number): ReceivedRecord | undefined {
    const type = bytes[offset] as number;
    const body = offset + RECORD_HEADER_LENGTH;
    switch (type) {
      case ContentType.change_cipher_spec:
        this.#advance(body + length);
        this.#checkChangeCipherSpec(bytes, body, length);
        return undefined;
      case ContentType.application_data:
        if (this.#key !== undefined) return this.#open(bytes, offset, end, this.#key);
        if (this.#skippable === 0) fail('unexpected_application_data', 'before the handshake');
        this.#advance(body + length);
        this.#skip(length);
        return undefined;
      case ContentType.alert:
      case ContentType.handshake:
        // A peer that cannot read our first flight says so without protection.
        if (this.#key !== undefined && (type !== ContentType.alert || this.#openedAny)) {
          fail('unexpected_record_type', `unprotected record of type ${type}`);
        }
        this.#advance(body + length);
        // Early data ends where the second ClientHello begins.
        this.#skippable = 0;
        // 9846-5.1-8: zero-length fragments of Handshake types MUST NOT be sent.
        if (length === 0) fail('empty_fragment');
        return this.#deliver(type, bytes.subarray(body, body + length), false);
      default:
        // 9846-5-5
        fail('unexpected_record_type', `record of type ${type}`);
    }
  }

  #checkChangeCipherSpec(bytes: Uint8Array, body: number, length: number): void {
    // 9846-5-2, 9846-5-3
    if (this.#changeCipherSpec === 'refuse' || length !== 1 || bytes[body] !== 1) {
      fail('bad_change_cipher_spec');
    }
    if (++this.#changeCipherSpecs > this.#limits.changeCipherSpecs) fail('too_many_change_cipher_specs');
  }

  /**
   * Opens the run of complete application_data records at `offset`. How many records the key has protected is the sender's business:
   * a receiver does not enforce that limit (9846-5.5-3).
   */
  #open(bytes: Uint8Array, offset: number, end: number, key: RecordKey): ReceivedRecord | undefined {
    const runEnd = endOfRun(bytes, offset, end);
    // Usually all there is: a view less.
    const run = offset === 0 && runEnd === bytes.length ? bytes : bytes.subarray(offset, runEnd);
    const firstLength = (bytes[offset + 3] as number) << 8 | (bytes[offset + 4] as number);
    if (run.length === 0) return this.#unopened(offset, firstLength);
    if (this.#plaintext.length - this.#produced < run.length) {
      const input = this.#input.length - this.#inputOffset;
      this.#plaintext = this.#memory.plaintext(run.length + input);
      this.#produced = 0;
    }
    const start = this.#produced;
    const output = start === 0 ? this.#plaintext : this.#plaintext.subarray(start);
    const opened = key.open(this.#sequence, run, output, this.#contentLimit);
    this.#sequence += opened.records;
    this.#advance(offset + opened.consumed);
    if (opened.records === 0) return this.#unopened(offset, firstLength);
    this.#openedAny = true;
    this.#skippable = 0;
    this.#produced += opened.produced;
    const last = opened.stop === 'other' ? this.#takeOther(opened) : undefined;
    if (opened.produced === 0) return last && this.#deliver(last.type, last.content, true);
    this.#emptyRecords = 0;
    this.#afterRun = last;
    return this.#deliver(ContentType.application_data, this.#plaintext.subarray(start, this.#produced), true);
  }

  /** A record that does not authenticate: rejected early data while that may be skipped, else the end. */
  #unopened(offset: number, length: number): undefined {
    // 9846-4.3.10-11, 9846-4.3.10-12, 9846-5.2-3
    if (this.#skippable === 0) fail('bad_record_mac');
    this.#advance(offset + RECORD_HEADER_LENGTH + length);
    this.#skip(length);
  }

  #skip(length: number): void {
    if (length > this.#skippable) fail('too_much_early_data', 'rejected early data goes on');
    this.#skippable -= length;
  }

  /** The record at the end of a run, which is not plain application data: an empty one, an alert or handshake messages. */
  #takeOther(opened: Opened): { type: number; content: Uint8Array } {
    const { contentType: type, contentLength: length } = opened;
    // 9846-5.4-5: a record without a non-zero byte has no content type.
    if (type === ContentType.invalid) fail('no_content_type');
    if (length > this.#contentLimit) fail('record_overflow', `${length} bytes of content`);
    if (type === ContentType.application_data) {
      if (++this.#emptyRecords > this.#limits.emptyRecords) fail('too_many_empty_records');
      return { type, content: EMPTY };
    }
    // §5.4: zero-length content of handshake or alert type ends the connection with unexpected_message.
    if (type !== ContentType.handshake && type !== ContentType.alert) {
      // 9846-5-2, 9846-5-5
      fail('unexpected_record_type', `protected record of type ${type}`);
    }
    // 9846-5.4-3
    if (length === 0) fail('empty_fragment');
    return { type, content: this.#plaintext.subarray(this.#produced, this.#produced + length) };
  }

  #deliver(type: number, content: Uint8Array, isProtected: boolean): ReceivedRecord {
    this.#record.type = type;
    this.#record.content = content;
    this.#record.protected = isProtected;
    return this.#record;
  }

  /** Moves on to `offset` in what is being read. */
  #advance(offset: number): void {
    if (this.#heldEnd > this.#heldStart) this.#heldStart = offset;
    else this.#inputOffset = offset;
  }

  /** Completes the held record (its header first) from the input. False when the input does not suffice. */
  #topUp(length: number | undefined): boolean {
    const have = this.#heldEnd - this.#heldStart;
    const whole = RECORD_HEADER_LENGTH + (length ?? 0);
    const part = this.#input.subarray(this.#inputOffset, this.#inputOffset + whole - have);
    if (part.length === 0) return false;
    this.#hold(part, whole);
    this.#inputOffset += part.length;
    return this.#heldEnd - this.#heldStart >= whole;
  }

  /** Appends `part` to what is held, in a buffer with room for `capacity` bytes. */
  #hold(part: Uint8Array, capacity: number): void {
    const have = this.#heldEnd - this.#heldStart;
    if (this.#held.length - this.#heldEnd < part.length) {
      const length = Math.max(capacity, have + part.length);
      const grown = this.#memory.incomplete?.take(length) ?? new Uint8Array(length);
      if (have > 0) grown.set(this.#held.subarray(this.#heldStart, this.#heldEnd));
      this.#dropHeld();
      this.#held = grown;
      this.#heldEnd = have;
    }
    this.#held.set(part, this.#heldEnd);
    this.#heldEnd += part.length;
  }

  #dropHeld(): void {
    if (this.#held !== EMPTY) this.#memory.incomplete?.giveBack(this.#held);
    this.#held = EMPTY;
    this.#heldStart = this.#heldEnd = 0;
  }
}

/** The end of the complete application_data records that follow each other from `offset` on, each of a length that can be opened. */
function endOfRun(bytes: Uint8Array, offset: number, end: number): number {
  while (end - offset >= RECORD_HEADER_LENGTH && bytes[offset] === ContentType.application_data) {
    const length = (bytes[offset + 3] as number) << 8 | (bytes[offset + 4] as number);
    const next = offset + RECORD_HEADER_LENGTH + length;
    if (length < MIN_CIPHERTEXT_LENGTH || length > MAX_CIPHERTEXT_LENGTH || next > end) break;
    offset = next;
  }
  return offset;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
