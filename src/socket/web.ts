import type { Address, Socket, SocketHandler } from './socket.ts';

/** A byte transport as a pair of web streams: what other runtimes' sockets, WebTransport or pipes offer. */
export interface DuplexStreams {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

const NOWHERE: Address = { host: 'stream', port: 0 };

/** A socket over a pair of web streams. `reset` and `destroy` abort both. */
export function webSocket(streams: DuplexStreams, handler: SocketHandler): Socket {
  return new WebStreamSocket(streams, handler);
}

class WebStreamSocket implements Socket {
  readonly remote = NOWHERE;
  readonly local = NOWHERE;
  handler: SocketHandler;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #paused = true;
  #reading = false;
  /** Arrived while a read was under way and the socket was paused meanwhile. */
  #held: Uint8Array | undefined;
  #unwritten = 0;
  #waiting = false;
  #ended = false;
  #writeSideClosed = false;
  #readSideClosed = false;
  #closed = false;

  constructor(streams: DuplexStreams, handler: SocketHandler) {
    this.handler = handler;
    this.#reader = streams.readable.getReader();
    this.#writer = streams.writable.getWriter();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#ended || this.#closed) return true;
    this.#unwritten++;
    // The stream keeps a reference for as long as it likes: it gets its own copy.
    this.#writer.write(bytes.slice()).then(() => this.#written(), (error: unknown) => this.#shut(error));
    if ((this.#writer.desiredSize ?? 1) > 0) return true;
    this.#waiting = true;
    return false;
  }

  end(): void {
    if (this.#ended || this.#closed) return;
    this.#ended = true;
    this.#writer.close().then(() => {
      this.#writeSideClosed = true;
      if (this.#readSideClosed) this.#shut(undefined);
    }, (error: unknown) => this.#shut(error));
  }

  close(): void {
    if (this.#closed) return;
    this.#readSideClosed = true;
    if (this.#writeSideClosed) queueMicrotask(() => this.#shut(undefined));
    else this.end();
  }

  #written(): void {
    if (--this.#unwritten > 0 || !this.#waiting || this.#closed) return;
    this.#waiting = false;
    this.handler.drained();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    // From a microtask: a handler is never called from inside a call.
    if (!this.#reading && !this.#closed && !this.#readSideClosed) queueMicrotask(() => void this.#read());
  }

  destroy(): void {
    if (this.#closed) return;
    queueMicrotask(() => this.#shut(undefined));
  }

  reset(): void {
    this.destroy();
  }

  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (!this.#paused && !this.#closed) {
        const bytes = this.#held ?? (await this.#reader.read()).value;
        this.#held = undefined;
        if (this.#closed || this.#readSideClosed) return;
        if (this.#paused && bytes !== undefined) {
          this.#held = bytes;
        } else if (bytes === undefined) {
          this.#readSideClosed = true;
          this.handler.receivedEnd();
          if (this.#writeSideClosed) this.#shut(undefined);
          return;
        } else {
          this.handler.received(bytes);
        }
      }
    } catch (error) {
      this.#shut(error);
    } finally {
      this.#reading = false;
    }
  }

  #shut(error: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.cancel(error).catch(() => {});
    if (!this.#writeSideClosed) this.#writer.abort(error).catch(() => {});
    this.handler.closed(error === undefined || error instanceof Error ? error : new Error(String(error)));
  }
}
