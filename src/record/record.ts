/** TLSPlaintext and TLSCiphertext, RFC 9846 §5.1 and §5.2. All lengths in bytes. */
export const RECORD_HEADER_LENGTH = 5;
export const MAX_PLAINTEXT_LENGTH = 16384;
/** TLSInnerPlaintext: content and content type. */
export const MAX_INNER_PLAINTEXT_LENGTH = 16385;
/**
 * The longest inner plaintext and the tag of 16 bytes: all AEADs of TLS 1.3 here have one. §5.2 allows 2^14 + 256, of which the
 * rest could only be padding beyond what §5.4 allows.
 */
export const MAX_CIPHERTEXT_LENGTH: number = MAX_INNER_PLAINTEXT_LENGTH + 16;
/** One byte of content type, and the tag. */
export const MIN_CIPHERTEXT_LENGTH = 17;

/** One record, or a run of application-data records taken together. */
export interface ReceivedRecord {
  /** ContentType; the inner one of a protected record. */
  type: number;
  /** A view: valid until the next record is read. */
  content: Uint8Array;
  /** Whether it was protected. */
  protected: boolean;
}
