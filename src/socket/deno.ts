import type { DenoApi, DenoConnection } from './deno_api.ts';
import type { Address, Listener, ListenOptions, Network, Socket, SocketHandler } from './socket.ts';

/**
 * TCP on Deno: a loop of `read` and a loop of `write` per socket. A pending read pins its buffer, so an idle socket waits with a
 * small one of its own; a read that fills it takes a large region from a pool for as long as the burst lasts.
 */
export interface DenoNetworkOptions {
  /** Large read buffers; may be regions of WebAssembly memory that never grows. Default: 16 of 256 KiB, made when needed. */
  readonly readRegions?: Uint8Array[];
  /** Whether memory is short: no socket takes a large buffer then. Default: never. */
  readonly crowded?: () => boolean;
}

/** What an idle socket reads into, in bytes. Holds a request of usual size, so that small messages need one read. */
const IDLE_BUFFER = 2 * 1024;
/** After a failed accept, in milliseconds. */
const ACCEPT_PAUSE = 10;
/** What a busy socket reads into when the pool is empty. */
const SPARE_BUFFER = 32 * 1024;

export function createDenoNetwork(deno: DenoApi, options: DenoNetworkOptions = {}): Network {
  const large: LargeBuffers = {
    free: options.readRegions ?? Array.from({ length: 16 }, () => new Uint8Array(256 * 1024)),
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
            accepted(new DenoSocket(connection, IDLE, large));
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
      const socket = new DenoSocket(undefined, handler, large);
      deno.connect({ hostname: address.host, port: address.port }).then(
        (connection) => socket.reached(connection),
        (error: unknown) => socket.fail(error),
      );
      return socket;
    },
  };
}

/** Shared by all sockets of a network. */
interface LargeBuffers {
  readonly free: Uint8Array[];
  readonly crowded: () => boolean;
}

class DenoSocket implements Socket {
  handler: SocketHandler;
  readonly #large: LargeBuffers;
  #connection: DenoConnection | undefined;
  #idleBuffer: Uint8Array | undefined;
  #paused = true;
  #reading = false;
  /** Arrived while the socket was paused; a copy. */
  #held: Uint8Array | undefined;
  readonly #unwritten: Uint8Array[] = [];
  #writing = false;
  #ending = false;
  #writeSideClosed = false;
  #readSideClosed = false;
  #closed = false;

  constructor(connection: DenoConnection | undefined, handler: SocketHandler, large: LargeBuffers) {
    this.handler = handler;
    this.#large = large;
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
    this.#unwritten.push(bytes);
    this.#startWriting();
    return false;
  }

  end(): void {
    if (this.#ending || this.#closed) return;
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

  /** Deno cannot send a reset of its own accord. */
  reset(): void {
    this.destroy();
  }

  #startReading(): void {
    if (this.#reading || this.#paused || this.#closed || this.#readSideClosed || this.#connection === undefined) return;
    this.#reading = true;
    void this.#readAll(this.#connection);
  }

  async #readAll(connection: DenoConnection): Promise<void> {
    if (this.#held !== undefined) {
      // A handler is never called from inside a call.
      await undefined;
      this.#deliverHeld();
    }
    let region: Uint8Array | undefined;
    try {
      while (!this.#paused && !this.#closed) {
        const buffer = region ?? (this.#idleBuffer ??= new Uint8Array(IDLE_BUFFER));
        const length = await connection.read(buffer);
        if (this.#closed) return;
        if (length === null) {
          this.#readSideClosed = true;
          this.handler.receivedEnd();
          if (this.#writeSideClosed) this.#shut(undefined);
          return;
        }
        const bytes = buffer.subarray(0, length);
        if (this.#paused) this.#held = bytes.slice();
        else this.handler.received(bytes);
        if (length === buffer.length) region ??= this.#takeLarge();
        else if (region !== undefined && length <= IDLE_BUFFER) region = this.#giveBack(region);
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.#reading = false;
      if (region !== undefined) this.#giveBack(region);
      // Resumed while the last read was being dealt with.
      this.#startReading();
    }
  }

  #deliverHeld(): void {
    const held = this.#held;
    if (held === undefined || this.#paused || this.#closed) return;
    this.#held = undefined;
    this.handler.received(held);
  }

  #takeLarge(): Uint8Array {
    const { free, crowded } = this.#large;
    return (crowded() ? undefined : free.pop()) ?? new Uint8Array(SPARE_BUFFER);
  }

  #giveBack(region: Uint8Array): undefined {
    if (region.length !== SPARE_BUFFER) this.#large.free.push(region);
  }

  #startWriting(): void {
    if (this.#writing || this.#closed || this.#connection === undefined) return;
    if (this.#unwritten.length === 0 && !this.#ending) return;
    this.#writing = true;
    void this.#writeAll(this.#connection);
  }

  async #writeAll(connection: DenoConnection): Promise<void> {
    try {
      while (this.#unwritten.length > 0) {
        const bytes = this.#unwritten[0] as Uint8Array;
        let written = await connection.write(bytes);
        while (written < bytes.length) written += await connection.write(bytes.subarray(written));
        if (this.#closed) return;
        this.#unwritten.shift();
        if (this.#unwritten.length === 0) this.handler.drained();
      }
      this.#writing = false;
      if (this.#ending && !this.#writeSideClosed && !this.#closed) await this.#closeWriteSide(connection);
    } catch (error) {
      this.fail(error);
    }
  }

  async #closeWriteSide(connection: DenoConnection): Promise<void> {
    this.#writeSideClosed = true;
    await connection.closeWrite();
    if (this.#readSideClosed) this.#shut(undefined);
  }

  /** From the loops only, never from inside a call. */
  #shut(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#close();
    this.handler.closed(error);
  }

  #close(): void {
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
