import type { Aead, Hash, Secret } from '../crypto/provider.ts';
import { fail } from '../error.ts';
import type { HandshakeMessage } from '../message/handshake.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import type { Writer } from '../wire/writer.ts';
import type { Effect, EffectResult } from './effect.ts';
import type { HandshakeInfo } from './result.ts';

/** Where a handshake suspends: for the next message, or for something from outside. */
export type Step = { readonly type: 'receive' } | Effect;

/**
 * A handshake, or a part of one: a generator that is resumed with what each step asked for. Its function stands outside of all others:
 * for each closure that is a generator V8 makes a prototype and a map in its old generation, which keep all of a handshake alive until the next full
 * collection (bench/README.md).
 */
export type Flow<T> = Generator<Step, T, unknown>;

const RECEIVE: Step = { type: 'receive' };

/** The next message, which must be of one of `types` (RFC 9846 §4: any other is unexpected_message). */
export function* receive(...types: readonly number[]): Flow<HandshakeMessage> {
  const message = (yield RECEIVE) as HandshakeMessage;
  // 9846-4-2: a handshake message in an unexpected order MUST end the handshake with unexpected_message.
  // 9846-4-1, 9846-4-2, 9846-4.6-3, 9846-4.7.3-1
  if (!types.includes(message.type)) {
    fail('unexpected_message', `handshake type ${message.type} where ${types.map(nameOf).join(' or ')} is due`);
  }
  return message;
}

/** Asks for what `effect` says, and gives what it was resolved with. */
export function* ask<T extends Effect>(effect: T): Flow<EffectResult[T['type']]> {
  return (yield effect) as EffectResult[T['type']];
}

function nameOf(type: number): string {
  return Object.entries(HandshakeType).find(([, code]) => code === type)?.[0] ?? String(type);
}

/** What a handshake does to the connection it runs on. */
export interface HandshakeIo {
  /** Handshake messages to be sent. What is written in a row shares records. */
  readonly flight: Writer;
  sendChangeCipherSpec(): void;
  /** Reads with the keys of `secret` from here on; the bytes received so far must end with the last message. */
  setReadSecret(suite: Suite, secret: Secret): void;
  setWriteSecret(suite: Suite, secret: Secret): void;
  /** Fails when more was received than the last message: nothing may follow what the peer has to wait after. */
  expectBoundary(): void;
  /** RFC 8449: most content bytes of a record to the peer. */
  limitFragments(length: number): void;
  /** RFC 8449: most content bytes of a protected record from the peer. */
  limitReceivedFragments(length: number): void;
  /** Early data was rejected: skip up to `length` bytes of what cannot be read. */
  skipEarlyData(length: number): void;
  /**
   * Early data was accepted: up to `length` bytes of application data may come before EndOfEarlyData. `info`: what the handshake will
   * have agreed on when it is finished.
   */
  acceptEarlyData(length: number, info: HandshakeInfo): void;
  /** The peer may send change_cipher_spec from here on ('drop') or no more ('refuse'). */
  setChangeCipherSpec(policy: 'refuse' | 'drop'): void;
  /** The application may send and export keying material from here on. */
  allowSending(exporter: Exporter): void;
}

/** What keying material is exported from (§7.5). */
export interface Exporter {
  readonly suite: Suite;
  readonly exporterSecret: Secret;
}

/** A cipher suite with its implementations. */
export interface Suite {
  readonly cipherSuite: number;
  readonly name: string;
  readonly hash: Hash;
  readonly aead: Aead;
}

/** Secrets of one handshake: whatever happens, all are wiped when it ends, but for those that it hands over. */
export class Secrets {
  readonly #all: (Uint8Array | { wipe(): void })[] = [];

  keep<T extends Uint8Array | { wipe(): void }>(secret: T): T {
    this.#all.push(secret);
    return secret;
  }

  /** Someone else will wipe it. */
  handOver<T extends { wipe(): void }>(secret: T): T {
    this.#all.splice(this.#all.indexOf(secret), 1);
    return secret;
  }

  wipe(): void {
    for (const secret of this.#all) {
      if (secret instanceof Uint8Array) secret.fill(0);
      else secret.wipe();
    }
  }
}
