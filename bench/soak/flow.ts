/** Sending and checking seeded streams over sockets, with stalls. */
import type { Duplex } from 'node:stream';
import { isStream, type Random, streamBytes } from './random.ts';

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Writes stream `id` in pieces of random sizes, stalling now and then. Ends early when the socket is gone. */
export async function sendStream(socket: Duplex, id: number, size: number, random: Random): Promise<number> {
  let sent = 0;
  // node:tls leaves a socket that got an alert open, and what it had still to write is never written.
  let failed = false;
  socket.once('error', () => failed = true);
  while (sent < size && !failed && !socket.destroyed && socket.writable) {
    const piece = streamBytes(id, sent, Math.min(size - sent, 1 + random.size(65_536)));
    sent += piece.length;
    if (!socket.write(piece)) await drained(socket);
    if (random.chance(0.02)) await pause(random.below(50));
  }
  return sent;
}

function drained(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    const done = (): void => {
      socket.off('drain', done).off('close', done).off('error', done);
      resolve();
    };
    socket.on('drain', done).on('close', done).on('error', done);
  });
}

/** So often a receiver stalls at most: it is slow, but it comes to an end. */
const mostStalls = 50;

/** What has arrived of a stream. */
export class Receiver {
  received = 0;
  /** Where the first byte lies that is not the stream's. */
  altered: number | undefined;
  ended = false;
  error: string | undefined;
  /** Settles with the socket's 'end' or 'close'. */
  readonly over: Promise<void>;
  /** Settles with the socket's 'close'. */
  readonly closed: Promise<void>;

  #stalls = 0;

  /** `moved` is told of everything that arrives; `first`: bytes that were read already. */
  constructor(
    socket: Duplex,
    id: number,
    random: Random,
    stallProbability: number,
    moved: () => void,
    first?: Uint8Array,
  ) {
    const take = (bytes: Uint8Array): void => {
      moved();
      if (this.altered === undefined && !isStream(id, this.received, bytes)) this.altered = this.received;
      this.received += bytes.length;
      if (this.#stalls < mostStalls && random.chance(stallProbability)) {
        this.#stalls++;
        socket.pause();
        setTimeout(() => socket.resume(), random.below(300));
      }
    };
    if (first !== undefined && first.length > 0) take(first);
    socket.on('data', take);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        moved();
        resolve();
      });
    });
    this.over = new Promise((resolve) => {
      socket.once('end', () => {
        moved();
        this.ended = true;
        resolve();
      });
      socket.once('close', () => resolve());
    });
    socket.on('error', (error) => {
      this.error ??= error.message;
    });
  }

  /** What is wrong with a stream that should have come whole; undefined when nothing is. */
  fault(size: number): string | undefined {
    if (this.altered !== undefined) return `altered in the read that begins at byte ${this.altered}`;
    if (this.received !== size) return `${this.received} of ${size} bytes came`;
    if (!this.ended) return 'all bytes came, but no clean end';
    return undefined;
  }
}
