import { UsageError } from '../error.ts';
import { latin1 } from '../wire/bytes.ts';
import type { AntiReplay, Session, SessionTickets } from './session.ts';

const IDENTIFIER_LENGTH = 32;

/**
 * Stateful sessions: the ticket is a random identifier, the session stays here, and a ticket serves once (RFC 9846 §8.1), which makes
 * early data safe from replay as well. Bounded: the oldest sessions go first.
 */
export class MemorySessionStore implements SessionTickets {
  readonly #random: (length: number) => Uint8Array;
  readonly #capacity: number;
  readonly #sessions: Map<string, Session> = new Map();

  constructor(random: (length: number) => Uint8Array, capacity = 10_000) {
    if (!Number.isInteger(capacity) || capacity < 1) throw new UsageError(`capacity: ${capacity}`);
    this.#random = random;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#sessions.size;
  }

  seal(session: Session): Uint8Array {
    const identifier = this.#random(IDENTIFIER_LENGTH);
    // The handshake wipes its own copy of the secret.
    this.#sessions.set(latin1(identifier), { ...session, secret: session.secret.slice() });
    if (this.#sessions.size > this.#capacity) {
      for (const [oldest, { secret }] of this.#sessions) {
        secret.fill(0);
        this.#sessions.delete(oldest);
        break;
      }
    }
    return identifier;
  }

  open(ticket: Uint8Array): Session | undefined {
    if (ticket.length !== IDENTIFIER_LENGTH) return undefined;
    const key = latin1(ticket);
    const session = this.#sessions.get(key);
    this.#sessions.delete(key);
    return session;
  }
}

/** A strike register (RFC 9846 §8.2): remembers the binders of a time window. Refuses when it is full, and for its first window. */
export class MemoryAntiReplay implements AntiReplay {
  readonly #window: number;
  readonly #capacity: number;
  readonly #startedAt: number;
  /** Binder → when it was seen, oldest first. */
  readonly #seen: Map<string, number> = new Map();

  /**
   * `now`: when the process starts; ClientHellos recorded before that cannot be known, so nothing is accepted until a window
   * (`windowSeconds`, at least twice the ticket-age tolerance of 10 s) has passed. 0 where no ticket is older than the register,
   * because its keys are made with it.
   */
  constructor(now: number, windowSeconds = 30, capacity = 100_000) {
    if (!(windowSeconds >= 20)) throw new UsageError('windowSeconds: at least 20');
    this.#window = windowSeconds * 1000;
    this.#capacity = capacity;
    this.#startedAt = now;
  }

  accept(binder: Uint8Array, now: number): boolean {
    for (const [key, time] of this.#seen) {
      if (now - time <= this.#window) break;
      this.#seen.delete(key);
    }
    if (now - this.#startedAt < this.#window || this.#seen.size >= this.#capacity) return false;
    const key = latin1(binder);
    if (this.#seen.has(key)) return false;
    this.#seen.set(key, now);
    return true;
  }
}
