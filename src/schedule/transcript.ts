import type { Hash, RunningHash } from '../crypto/provider.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { concat } from '../wire/bytes.ts';

/** The Transcript-Hash, RFC 9846 §4.5.1: of all handshake messages so far, headers included. */
export class Transcript {
  readonly #hash: Hash;
  #running: RunningHash;
  /** Of the messages so far, once somebody has asked: most are asked for more than once. */
  #digest: Uint8Array | undefined;

  constructor(hash: Hash) {
    this.#hash = hash;
    this.#running = hash.start();
  }

  add(message: Uint8Array): void {
    this.#running.update(message);
    this.#digest = undefined;
  }

  /** Not to be altered. */
  digest(): Uint8Array {
    return this.#digest ??= this.#running.digest();
  }

  /** With a HelloRetryRequest, message_hash(ClientHello1) takes the place of what was added so far. */
  replaceByMessageHash(): void {
    const digest = this.digest();
    this.#running.wipe();
    this.#running = this.#hash.start();
    this.add(concat(Uint8Array.of(HandshakeType.message_hash, 0, 0, digest.length), digest));
  }

  /** The digest as if `message` had been added. */
  digestWith(message: Uint8Array): Uint8Array {
    const running = this.#running.fork();
    running.update(message);
    const digest = running.digest();
    running.wipe();
    return digest;
  }

  /** To be called when no more digests are asked for. */
  wipe(): void {
    this.#running.wipe();
  }
}
