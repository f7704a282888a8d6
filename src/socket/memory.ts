import type { Address, Socket, SocketHandler } from './socket.ts';

/** How much one end takes before `write` returns false, in bytes. */
const WINDOW = 64 * 1024;

/** Two sockets joined in memory, for tests and for TLS over anything. Bytes written are copied and arrive in a microtask. */
export function memorySocketPair(): [Socket, Socket] {
  const left = new MemorySocket({ host: 'memory', port: 1 });
  const right = new MemorySocket({ host: 'memory', port: 2 });
  left.peer = right;
  right.peer = left;
  return [left, right];
}

class MemorySocket implements Socket {
  readonly local: Address;
  handler: SocketHandler = UNHANDLED;
  peer!: MemorySocket;
  readonly #inbox: Uint8Array[] = [];
  #inboxLength = 0;
  #paused = true;
  #scheduled = false;
  #ended = false;
  #peerEnded = false;
  #endDelivered = false;
  #peerWaits = false;
  #closed = false;
  #error: Error | undefined;

  constructor(local: Address) {
    this.local = local;
  }

  get remote(): Address {
    return this.peer.local;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#ended || this.#closed) return true;
    return this.peer.#accept(bytes.slice());
  }

  end(): void {
    if (this.#ended || this.#closed) return;
    this.#ended = true;
    this.peer.#peerEnded = true;
    this.peer.#schedule();
    this.#schedule();
  }

  /** What was written is with the peer already. */
  close(): void {
    this.destroy();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  destroy(): void {
    this.#shut(undefined);
    this.peer.#peerEnded = true;
    this.peer.#schedule();
  }

  reset(): void {
    this.#shut(undefined);
    this.peer.#shut(new Error('connection reset by peer'));
  }

  #accept(bytes: Uint8Array): boolean {
    if (this.#closed) return true;
    this.#inbox.push(bytes);
    this.#inboxLength += bytes.length;
    this.#schedule();
    if (this.#inboxLength <= WINDOW) return true;
    this.#peerWaits = true;
    return false;
  }

  #shut(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.#inbox.length = 0;
    queueMicrotask(() => this.handler.closed(this.#error));
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    while (!this.#paused && !this.#closed) {
      const bytes = this.#inbox.shift();
      if (bytes === undefined) break;
      this.#inboxLength -= bytes.length;
      this.handler.received(bytes);
    }
    if (this.#peerWaits && this.#inboxLength === 0) {
      this.#peerWaits = false;
      this.peer.#reportDrained();
    }
    if (this.#paused || this.#closed || this.#inboxLength > 0) return;
    if (this.#peerEnded && !this.#endDelivered) {
      this.#endDelivered = true;
      this.handler.receivedEnd();
    }
    if (this.#ended && this.#endDelivered) this.#shut(undefined);
  }

  #reportDrained(): void {
    if (!this.#closed) this.handler.drained();
  }
}

const UNHANDLED: SocketHandler = {
  connected() {},
  received() {},
  receivedEnd() {},
  drained() {},
  closed() {},
};
