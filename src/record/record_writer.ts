import { type RecordKey, sealedLength } from '../crypto/provider.ts';
import { fail } from '../error.ts';
import { ContentType } from '../registry/content_type.ts';
import { RECORD_HEADER_LENGTH } from './record.ts';

const EMPTY: Uint8Array = new Uint8Array(0);
const CHANGE_CIPHER_SPEC: Uint8Array = Uint8Array.of(1);

/** How records are cut and padded: the sender's policy (RFC 9846 §5.1, §5.4). */
export interface WritePolicy {
  /** Most content bytes of a record: at most 2^14. */
  fragmentLimit: number;
  /** Inner plaintexts are padded to a multiple of this many bytes: 1 for none. */
  readonly paddingMultiple: number;
  /** Begin with records of a TCP segment each. */
  readonly ramp: boolean;
}

/** What fits a TCP segment (1460 bytes, less for options and IPv6) with header, content type and tag. Bytes of content. */
const SEGMENT_FRAGMENT = 1360;
/** The first congestion window of RFC 6928 is ten segments. */
const RAMP_LENGTH = 10 * SEGMENT_FRAGMENT;

/** From content to records, protected once there is a key; gathers the records until they are taken. */
export class RecordWriter {
  readonly policy: WritePolicy;
  readonly #outputMemory: (minimumLength: number) => Uint8Array;
  #key: RecordKey | undefined;
  /** The number of records that the key may protect. */
  #recordLimit = 0;
  #sequence = 0;
  /** Output that is complete. */
  #chunks: Uint8Array[] = [];
  /** Output being filled, up to `#filled`. */
  #region: Uint8Array = EMPTY;
  #filled = 0;
  /** Bytes of application data still to go in small records. */
  #ramp: number;

  constructor(policy: WritePolicy, outputMemory: (minimumLength: number) => Uint8Array) {
    this.policy = policy;
    this.#ramp = policy.ramp ? RAMP_LENGTH : 0;
    this.#outputMemory = outputMemory;
  }

  /** Protects from here on. The former key is wiped. */
  setKey(key: RecordKey, recordLimit: number): void {
    this.#key?.wipe();
    this.#key = key;
    this.#recordLimit = recordLimit;
    // 9846-5.3-1
    this.#sequence = 0;
  }

  /** RFC 8449: the peer takes no more than `length` content bytes in a record. */
  limitFragments(length: number): void {
    this.policy.fragmentLimit = Math.min(this.policy.fragmentLimit, length);
  }

  /** Whether the key has to be updated before `contentLength` more bytes: leaves room for the KeyUpdate and an alert. */
  needsKeyUpdate(contentLength: number): boolean {
    if (this.#key === undefined) return false;
    const records = Math.ceil(contentLength / this.policy.fragmentLimit) + RAMP_LENGTH / SEGMENT_FRAGMENT + 2;
    return this.#sequence + records > this.#recordLimit;
  }

  /** Appends `content` as one or more records of `type`. */
  write(type: number, content: Uint8Array): void {
    if (this.#key === undefined) return this.#writePlain(type, content);
    const { fragmentLimit } = this.policy;
    if (type !== ContentType.application_data || this.#ramp === 0) {
      return this.#seal(this.#key, type, content, fragmentLimit);
    }
    const small = content.length <= this.#ramp ? content : content.subarray(0, this.#ramp);
    this.#ramp -= small.length;
    this.#seal(this.#key, type, small, Math.min(fragmentLimit, SEGMENT_FRAGMENT));
    if (small.length < content.length) this.#seal(this.#key, type, content.subarray(small.length), fragmentLimit);
  }

  #seal(key: RecordKey, type: number, content: Uint8Array, fragmentLimit: number): void {
    const records = Math.max(1, Math.ceil(content.length / fragmentLimit));
    // 9846-5.3-2, 9846-5.5-1: where the key cannot be updated, nothing more is sent under it.
    if (type === ContentType.application_data && this.#sequence + records > this.#recordLimit) {
      fail('key_usage_exhausted');
    }
    const { paddingMultiple } = this.policy;
    const output = this.#reserve(sealedLength(content.length, fragmentLimit, paddingMultiple));
    // 9846-5.2-1, 9846-5.4-6: `seal` keeps the inner plaintext within 2^14 + 1 bytes
    this.#filled += key.seal(this.#sequence, type, content, output, fragmentLimit, paddingMultiple);
    this.#sequence += records;
  }

  /** The middlebox compatibility record (§E.4). */
  writeChangeCipherSpec(): void {
    this.#writeRecord(ContentType.change_cipher_spec, CHANGE_CIPHER_SPEC);
  }

  /** What is to be sent now, in order; the writer keeps nothing of it. */
  take(): Uint8Array[] {
    if (this.#filled > 0) this.#chunks.push(this.#region.subarray(0, this.#filled));
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#region = EMPTY;
    this.#filled = 0;
    return chunks;
  }

  get isEmpty(): boolean {
    return this.#filled === 0 && this.#chunks.length === 0;
  }

  wipe(): void {
    this.#key?.wipe();
    this.#key = undefined;
  }

  #writePlain(type: number, content: Uint8Array): void {
    const { fragmentLimit } = this.policy;
    // 9846-5.1-15
    for (let offset = 0; offset < content.length; offset += fragmentLimit) {
      const whole = content.length <= fragmentLimit;
      this.#writeRecord(type, whole ? content : content.subarray(offset, offset + fragmentLimit));
    }
  }

  #writeRecord(type: number, fragment: Uint8Array): void {
    const output = this.#reserve(RECORD_HEADER_LENGTH + fragment.length);
    output[0] = type;
    // 9846-5.1-13, 9846-5.1-17, 9846-E.5-10
    output[1] = 3;
    output[2] = 3;
    output[3] = fragment.length >>> 8;
    output[4] = fragment.length;
    output.set(fragment, RECORD_HEADER_LENGTH);
    this.#filled += RECORD_HEADER_LENGTH + fragment.length;
  }

  /** Room for `length` bytes right after the output so far, where it fits. */
  #reserve(length: number): Uint8Array {
    if (this.#region.length - this.#filled < length) {
      if (this.#filled > 0) this.#chunks.push(this.#region.subarray(0, this.#filled));
      this.#region = this.#outputMemory(length);
      this.#filled = 0;
    }
    return this.#filled === 0 ? this.#region : this.#region.subarray(this.#filled);
  }
}
