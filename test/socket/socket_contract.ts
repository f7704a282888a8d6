import { once } from 'node:events';
import net from 'node:net';
import type { Socket, SocketHandler } from '../../src/socket/socket.ts';

/** A handler that records what happens and lets a test await it. */
export class Recorder implements SocketHandler {
  readonly chunks: Uint8Array[] = [];
  length = 0;
  ended = false;
  isClosed = false;
  error: Error | undefined;
  drains = 0;
  reached = false;
  /** What to do with each piece, beside recording it. */
  onBytes: ((bytes: Uint8Array) => void) | undefined;
  #waiters: (() => void)[] = [];

  connected(): void {
    this.reached = true;
    this.#wake();
  }

  received(bytes: Uint8Array): void {
    this.chunks.push(bytes.slice());
    this.length += bytes.length;
    this.onBytes?.(bytes);
    this.#wake();
  }

  receivedEnd(): void {
    this.ended = true;
    this.#wake();
  }

  drained(): void {
    this.drains++;
    this.#wake();
  }

  closed(error: Error | undefined): void {
    if (this.isClosed) throw new Error('closed twice');
    this.isClosed = true;
    this.error = error;
    this.#wake();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** Resolves once `condition` holds; it is looked at after each event. */
  async until(condition: (recorder: this) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

/** `length` bytes in which every position can be told from its neighbours. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

/** A loopback server of the test's own, on a free port. */
export async function plainServer(
  onSocket: (socket: net.Socket) => void,
): Promise<{ server: net.Server; port: number }> {
  const server = net.createServer({ allowHalfOpen: true }, onSocket);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as net.AddressInfo).port };
}

/** Writes all of `bytes` in pieces, waiting for `drained` whenever the socket asks for it. */
export async function writeAll(socket: Socket, recorder: Recorder, bytes: Uint8Array, piece: number): Promise<void> {
  for (let offset = 0; offset < bytes.length; offset += piece) {
    const before = recorder.drains;
    if (socket.write(bytes.slice(offset, offset + piece))) continue;
    await recorder.until((it) => it.drains > before || it.isClosed);
    if (recorder.isClosed) throw new Error('closed while writing');
  }
}
