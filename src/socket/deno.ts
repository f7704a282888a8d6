import type { DenoApi, DenoConnection } from './deno_api.ts';
import type { ConnectHandle } from './deno_handle.ts';
import type { Address, Listener, ListenOptions, Network, Socket, SocketHandler } from './socket.ts';

/**
 * TCP on Deno; most backends are reached by bare handles, see deno_handle.ts. Here, one `read` and one `write` at a time per socket. A
 * pending read pins its buffer, so an idle socket waits with a small one; a read that fills it takes a large region from a pool for as
 * long as the burst lasts.
 *
 * A write is done only when its promise is resolved. So that a small message, which nearly always leaves at once, stops nobody, it is
 * copied: the caller has its array back and goes on.
 */
export interface DenoNetworkOptions {
  /** Large read buffers; may be regions of WebAssembly memory that never grows. Default: 16 of 256 KiB, made when needed. */
  readonly readRegions?: Uint8Array[];
  /** Whether memory is short: no socket takes a large buffer then. Default: never. */
  readonly crowded?: () => boolean;
  /** Connects at less cost than this file does, where it can. */
  readonly connectHandle?: ConnectHandle | undefined;
}

/** What an idle socket reads into, in bytes. Small messages need one read. */
const IDLE_BUFFER = 512;
/** What a new socket reads into, and the longest write that is copied: a ClientHello, a server's flight of usual size. */
const HELLO_BUFFER = 2 * 1024;
/** What a busy socket reads into when the pool is empty. */
const SPARE_BUFFER = 32 * 1024;
/** How long accepting rests after it failed, in milliseconds. */
const ACCEPT_PAUSE = 10;

export function createDenoNetwork(deno: DenoApi, options: DenoNetworkOptions = {}): Network {
  const buffers: Buffers = {
    idle: new BufferList(IDLE_BUFFER),
    hello: new BufferList(HELLO_BUFFER),
    large: options.readRegions ?? Array.from({ length: 16 }, () => new Uint8Array(256 * 1024)),
    crowded: options.crowded ?? (() => false),
  };

  return {
    // deno-lint-ignore require-await -- Deno.listen throws at once; the interface promises a rejection.
    async listen(address, accepted, listenOptions: ListenOptions = {}): Promise<Listener> {
      const reusePort = listenOptions.reusePort === true ? { reusePort: true } : {};
      const listener = deno.listen({ hostname: address.host, port: address.port, ...reusePort });
      let open = true;
      const acceptAll = async (): Promise<void> => {
        while (open) {
          try {
            const connection = await listener.accept();
            accepted(new DenoSocket(connection, IDLE, buffers));
          } catch (error) {
            if (!open) return;
            listenOptions.failed?.(error as Error);
            // A failed accept must not end the loop; nor may it spin.
            await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE));
          }
        }
      };
      void acceptAll();
      return {
        address: { host: listener.addr.hostname, port: listener.addr.port },
        close: () => {
          open = false;
          listener.close();
        },
      };
    },

    connect(address, handler): Socket {
      const bare = options.connectHandle?.(address, handler);
      if (bare !== undefined) return bare;
      const socket = new DenoSocket(undefined, handler, buffers);
      deno.connect({ hostname: address.host, port: address.port }).then(
        (connection) => socket.reached(connection),
        (error: unknown) => socket.fail(error),
      );
      return socket;
    },
  };
}

/** Shared by all sockets of a network. */
interface Buffers {
  readonly idle: BufferList;
  readonly hello: BufferList;
  readonly large: Uint8Array[];
  readonly crowded: () => boolean;
}

/** Buffers of one length, cut from larger pieces and used again: an allocation for each socket was a tenth of a handshake's cost. */
class BufferList {
  readonly length: number;
  readonly #free: Uint8Array[] = [];

  constructor(length: number) {
    this.length = length;
  }

  take(): Uint8Array {
    const buffer = this.#free.pop();
    if (buffer !== undefined) return buffer;
    const piece = new Uint8Array(32 * this.length);
    for (let at = this.length; at < piece.length; at += this.length) {
      this.#free.push(piece.subarray(at, at + this.length));
    }
    return piece.subarray(0, this.length);
  }

  giveBack(buffer: Uint8Array): void {
    this.#free.push(buffer);
  }
}

class DenoSocket implements Socket {
  handler: SocketHandler;
  readonly #buffers: Buffers;
  #connection: DenoConnection | undefined;
  #paused = true;
  #reading = false;
  /** Nothing has been read. */
  #fresh = true;
  /** Arrived while the socket was paused; a copy. */
  #held: Uint8Array | undefined;
  /** Being written, or the first to be when there is a connection. */
  #unwritten: Uint8Array | undefined;
  /** What `#unwritten` was copied into. */
  #copy: Uint8Array | undefined;
  /** To be written after it. */
  #queue: Uint8Array[] | undefined;
  #writing = false;
  /** A write returned false and `drained` has not been called since. */
  #draining = false;
  #ending = false;
  #writeSideClosed = false;
  #readSideClosed = false;
  #closed = false;

  constructor(connection: DenoConnection | undefined, handler: SocketHandler, buffers: Buffers) {
    this.handler = handler;
    this.#buffers = buffers;
    this.#connection = connection;
    connection?.setNoDelay(true);
  }

  get remote(): Address {
    return toAddress(this.#connection?.remoteAddr);
  }

  get local(): Address {
    return toAddress(this.#connection?.localAddr);
  }

  reached(connection: DenoConnection): void {
    if (this.#closed) {
      connection.close();
      return;
    }
    connection.setNoDelay(true);
    this.#connection = connection;
    this.handler.connected();
    this.#startWriting();
    this.#startReading();
  }

  fail(error: unknown): void {
    this.#shut(error instanceof Error ? error : new Error(String(error)));
  }

  write(bytes: Uint8Array): boolean {
    if (this.#ending || this.#closed || bytes.length === 0) return true;
    const { hello } = this.#buffers;
    const first = this.#unwritten === undefined;
    const copied = first && bytes.length <= hello.length;
    if (copied) {
      this.#copy = hello.take();
      this.#copy.set(bytes);
      this.#unwritten = this.#copy.subarray(0, bytes.length);
    } else {
      this.#draining = true;
      if (first) this.#unwritten = bytes;
      else if (this.#queue === undefined) this.#queue = [bytes];
      else this.#queue.push(bytes);
    }
    this.#startWriting();
    return copied;
  }

  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    this.#startWriting();
  }

  close(): void {
    if (this.#closed) return;
    this.#readSideClosed = true;
    if (this.#writeSideClosed) return this.destroy();
    this.#ending = true;
    this.#startWriting();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#startReading();
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#close();
    queueMicrotask(() => this.handler.closed(undefined));
  }

  /** `Deno.Conn` cannot send a reset of its own accord. */
  reset(): void {
    this.destroy();
  }

  #startReading(): void {
    if (this.#reading || this.#paused || this.#closed || this.#readSideClosed || this.#connection === undefined) return;
    this.#reading = true;
    const { hello, idle } = this.#buffers;
    if (this.#held === undefined) return this.#read(this.#connection, this.#fresh ? hello.take() : idle.take());
    // A handler is never called from inside a call.
    queueMicrotask(() => {
      this.#reading = false;
      this.#deliverHeld();
      this.#startReading();
    });
  }

  /** Not as an async function: 23 KiB instead of 26 per idle connection (`npm run bench -- --rows memory`). */
  #read(connection: DenoConnection, buffer: Uint8Array): void {
    connection.read(buffer).then(
      (length) => this.#guard(() => this.#arrived(connection, buffer, length)),
      (error: unknown) => {
        this.#stopReading(buffer);
        this.fail(error);
      },
    );
  }

  #arrived(connection: DenoConnection, buffer: Uint8Array, length: number | null): void {
    if (this.#closed || this.#readSideClosed) return this.#stopReading(buffer);
    if (length === null) {
      this.#stopReading(buffer);
      this.#readSideClosed = true;
      this.handler.receivedEnd();
      if (this.#writeSideClosed) this.#shut(undefined);
      return;
    }
    this.#fresh = false;
    const bytes = buffer.subarray(0, length);
    if (this.#paused) this.#held = bytes.slice();
    else this.handler.received(bytes);
    const next = this.#nextBuffer(buffer, length);
    if (this.#paused || this.#closed || this.#readSideClosed) this.#stopReading(next);
    else this.#read(connection, next);
  }

  #stopReading(buffer: Uint8Array): void {
    this.#reading = false;
    this.#giveBack(buffer);
  }

  #deliverHeld(): void {
    const held = this.#held;
    if (held === undefined || this.#paused || this.#closed) return;
    this.#held = undefined;
    this.handler.received(held);
  }

  /** What the read after one that brought `length` bytes into `buffer` goes into. */
  #nextBuffer(buffer: Uint8Array, length: number): Uint8Array {
    const { idle, hello, large, crowded } = this.#buffers;
    if (length === buffer.length && length <= hello.length) {
      this.#giveBack(buffer);
      return (crowded() ? undefined : large.pop()) ?? new Uint8Array(SPARE_BUFFER);
    }
    if (length > hello.length || buffer.length === idle.length) return buffer;
    this.#giveBack(buffer);
    return length > idle.length ? hello.take() : idle.take();
  }

  #giveBack(buffer: Uint8Array): void {
    const { idle, hello, large } = this.#buffers;
    if (buffer.length === idle.length) idle.giveBack(buffer);
    else if (buffer.length === hello.length) hello.giveBack(buffer);
    else if (buffer.length !== SPARE_BUFFER) large.push(buffer);
  }

  #startWriting(): void {
    if (this.#writing || this.#closed || this.#connection === undefined) return;
    if (this.#unwritten !== undefined) this.#write(this.#connection, this.#unwritten);
    else if (this.#ending && !this.#writeSideClosed) this.#closeWriteSide(this.#connection);
  }

  #write(connection: DenoConnection, bytes: Uint8Array): void {
    this.#writing = true;
    connection.write(bytes).then(
      (length) => {
        if (length < bytes.length) this.#write(connection, bytes.subarray(length));
        else this.#guard(() => this.#written());
      },
      (error: unknown) => {
        this.#giveBackCopy();
        this.fail(error);
      },
    );
  }

  #written(): void {
    this.#writing = false;
    this.#giveBackCopy();
    if (this.#closed) return;
    this.#unwritten = this.#queue?.shift();
    if (this.#unwritten === undefined) {
      this.#queue = undefined;
      if (this.#draining) {
        this.#draining = false;
        this.handler.drained();
      }
    }
    this.#startWriting();
  }

  /** A fault of a handler's ends its connection, not the process. */
  #guard(report: () => void): void {
    try {
      report();
    } catch (error) {
      this.fail(error);
    }
  }

  #giveBackCopy(): void {
    if (this.#copy !== undefined) this.#buffers.hello.giveBack(this.#copy);
    this.#copy = undefined;
  }

  #closeWriteSide(connection: DenoConnection): void {
    this.#writeSideClosed = true;
    // Closing sends FIN as well.
    if (this.#readSideClosed) return this.destroy();
    connection.closeWrite().then(
      () => {
        if (this.#readSideClosed) this.#shut(undefined);
      },
      (error: unknown) => this.fail(error),
    );
  }

  /** From what Deno reports only, never from inside a call. */
  #shut(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#close();
    this.handler.closed(error);
  }

  #close(): void {
    // What is being written is still read from.
    if (!this.#writing) this.#giveBackCopy();
    try {
      this.#connection?.close();
    } catch {
      // Closed already.
    }
  }
}

function toAddress(address: { hostname: string; port: number } | undefined): Address {
  return { host: address?.hostname ?? '', port: address?.port ?? 0 };
}

const IDLE: SocketHandler = {
  connected() {},
  received() {},
  receivedEnd() {},
  drained() {},
  closed() {},
};
