import { type CryptoProvider, type RecordKey, sealedLength, type Secret } from '../crypto/provider.ts';
import { TlsError, UsageError } from '../error.ts';
import { CipherSuite } from '../registry/cipher_suite.ts';
import { ascii, concat, equal } from '../wire/bytes.ts';
import { Writer } from '../wire/writer.ts';
import { decodeSession, encodeSession } from './codec.ts';
import type { Session, SessionTickets } from './session.ts';

const KEY_NAME_LENGTH = 16;
const SECRET_LENGTH = 32;
const SALT_LENGTH = 32;
const SEALED_AT = KEY_NAME_LENGTH + SALT_LENGTH;
const KEY_LABEL = ascii('sallyport ticket key');
const IV_LABEL = ascii('sallyport ticket iv');
/** What a ticket's plaintext is sealed as: the record layer's AEAD with a key used once. */
const CONTENT_TYPE = 23;
/** A ClientHello has to hold the ticket: a session with a longer client chain is not resumed. */
const MAX_SESSION_LENGTH = 8192;

/** One ticket key. `secret` is as precious as a certificate's private key while it is in use. */
export interface TicketKey {
  /** 16 public bytes that tickets carry. */
  readonly name: Uint8Array;
  /** 32 bytes. */
  readonly secret: Uint8Array;
  /** From when it seals, in milliseconds since the epoch. */
  readonly notBefore: number;
}

/** The same with its secret in the provider's memory. */
interface HeldKey {
  readonly name: Uint8Array;
  readonly secret: Secret;
  readonly notBefore: number;
}

export interface TicketKeyRingOptions {
  /** Seconds a key seals before the next one takes over. Default 28800 (8 hours). */
  readonly rotationPeriod?: number;
  /** Seconds a key still opens tickets after that. Default 86400: what a ticket lives by default. */
  readonly overlap?: number;
}

/**
 * Stateless tickets: the session itself, sealed. The newest key seals, older ones open until they are of no use. Each ticket has a key and an
 * iv of its own, HKDF-Expand(secret, what it is for || salt), with a random salt, so that instances that share keys need not agree on nonces.
 *
 *     struct { opaque key_name[16]; opaque salt[32]; opaque sealed_session<..>; } ticket;
 */
export class TicketKeyRing implements SessionTickets {
  readonly #crypto: CryptoProvider;
  readonly #random: (length: number) => Uint8Array;
  readonly #rotationPeriod: number;
  readonly #overlap: number;
  /** Newest first. */
  #keys: HeldKey[] = [];
  /** For sessions on their way into a ticket; wiped after each. */
  readonly #plaintext = new Writer(512);
  /** Whether `replace` gave the keys: then someone else rotates them. */
  #imported = false;

  constructor(crypto: CryptoProvider, random: (length: number) => Uint8Array, options: TicketKeyRingOptions = {}) {
    for (const name in options) {
      if (name !== 'rotationPeriod' && name !== 'overlap') throw new UsageError(`unknown option: ${name}`);
    }
    this.#crypto = crypto;
    this.#random = random;
    this.#rotationPeriod = seconds('rotationPeriod', options.rotationPeriod ?? 28800);
    this.#overlap = seconds('overlap', options.overlap ?? 86400);
  }

  /** The keys, newest first, to be given to other instances by a channel that keeps secrets. Copies. */
  export(now: number): TicketKey[] {
    this.#rotate(now);
    return this.#keys.map(({ name, secret, notBefore }) => ({
      name: name.slice(),
      secret: secret.reveal(),
      notBefore,
    }));
  }

  /** Takes keys from outside in place of its own, and no longer makes or drops any: whoever gives them rotates them. Copies. */
  replace(keys: readonly TicketKey[]): void {
    if (keys.length === 0) throw new UsageError('ticket keys: at least one is needed');
    for (const { name, secret, notBefore } of keys) {
      if (name.length !== KEY_NAME_LENGTH) throw new UsageError(`ticket keys: a name has ${KEY_NAME_LENGTH} bytes`);
      if (secret.length !== SECRET_LENGTH) throw new UsageError(`ticket keys: a secret has ${SECRET_LENGTH} bytes`);
      // An unset key is a key that everybody knows.
      if (secret.every((byte) => byte === 0)) throw new UsageError('ticket keys: a secret of zeros');
      if (!Number.isFinite(notBefore)) throw new UsageError('ticket keys: notBefore is not a time');
    }
    this.wipe();
    this.#imported = true;
    this.#keys = keys.map((key) => this.#hold(key)).sort((a, b) => b.notBefore - a.notBefore);
  }

  seal(session: Session, now: number): Uint8Array | undefined {
    this.#rotate(now);
    const key = this.#keys.find(({ notBefore }) => notBefore <= now) ?? this.#keys.at(-1) as HeldKey;
    const writer = this.#plaintext;
    try {
      encodeSession(session, writer);
      const plaintext = writer.finish();
      if (plaintext.length > MAX_SESSION_LENGTH) return undefined;
      const ticket = new Uint8Array(SEALED_AT + sealedLength(plaintext.length, MAX_SESSION_LENGTH, 1));
      const salt = this.#random(SALT_LENGTH);
      ticket.set(key.name);
      ticket.set(salt, KEY_NAME_LENGTH);
      const recordKey = this.#recordKey(key, salt);
      recordKey.seal(0, CONTENT_TYPE, plaintext, ticket.subarray(SEALED_AT), MAX_SESSION_LENGTH, 1);
      recordKey.wipe();
      return ticket;
    } finally {
      writer.wipe();
    }
  }

  open(ticket: Uint8Array, now: number): Session | undefined {
    this.#rotate(now);
    const length = ticket.length - SEALED_AT;
    if (length < 5 + 17 || length > sealedLength(MAX_SESSION_LENGTH, MAX_SESSION_LENGTH, 1)) return undefined;
    const name = ticket.subarray(0, KEY_NAME_LENGTH);
    const key = this.#keys.find((candidate) => equal(candidate.name, name));
    const sealed = ticket.subarray(SEALED_AT);
    if (key === undefined || !isRecord(sealed)) return undefined;
    const recordKey = this.#recordKey(key, ticket.subarray(KEY_NAME_LENGTH, SEALED_AT));
    const plaintext = new Uint8Array(length);
    try {
      const opened = recordKey.open(0, sealed, plaintext, MAX_SESSION_LENGTH);
      return opened.stop === 'end' ? decodeSession(plaintext.subarray(0, opened.produced)) : undefined;
    } catch (error) {
      // A session sealed by a version of another mind: a full handshake puts it right.
      if (error instanceof TlsError) return undefined;
      throw error;
    } finally {
      recordKey.wipe();
      plaintext.fill(0);
    }
  }

  /** Overwrites all keys: no ticket can be opened any more. */
  wipe(): void {
    for (const { secret } of this.#keys) secret.wipe();
    this.#keys = [];
    this.#imported = false;
  }

  #hold({ name, secret, notBefore }: TicketKey): HeldKey {
    return { name: name.slice(), secret: this.#crypto.sha256.secret(secret), notBefore };
  }

  /** Makes the next key when the newest has served its time, and drops those that have served theirs. */
  #rotate(now: number): void {
    if (this.#imported) return;
    const newest = this.#keys[0];
    if (newest === undefined || now - newest.notBefore >= this.#rotationPeriod) {
      const secret = this.#random(SECRET_LENGTH);
      this.#keys.unshift(this.#hold({ name: this.#random(KEY_NAME_LENGTH), secret, notBefore: now }));
      secret.fill(0);
    }
    const lifetime = this.#rotationPeriod + this.#overlap;
    for (let oldest = this.#keys.at(-1); this.#keys.length > 1 && oldest !== undefined; oldest = this.#keys.at(-1)) {
      if (now - oldest.notBefore < lifetime) return;
      oldest.secret.wipe();
      this.#keys.pop();
    }
  }

  #recordKey({ secret }: HeldKey, salt: Uint8Array): RecordKey {
    const aead = this.#crypto.aeads.get(CipherSuite.TLS_CHACHA20_POLY1305_SHA256);
    if (aead === undefined) throw new UsageError('ticket keys need ChaCha20-Poly1305');
    return aead.deriveKey(secret, concat(KEY_LABEL, salt), concat(IV_LABEL, salt));
  }
}

/** The kernel reads records by their headers: this one has to be what `seal` makes. */
function isRecord(sealed: Uint8Array): boolean {
  const length = sealed.length - 5;
  return sealed[0] === CONTENT_TYPE && sealed[1] === 3 && sealed[2] === 3 &&
    sealed[3] === length >>> 8 && sealed[4] === (length & 0xff);
}

/** Milliseconds from an option in seconds. */
function seconds(name: string, value: number): number {
  if (!Number.isFinite(value) || value <= 0) throw new UsageError(`${name}: ${value} is not a number of seconds`);
  return value * 1000;
}
