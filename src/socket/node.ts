import net from 'node:net';
import { HandleSockets, loadTcpBinding, type TcpHandle } from './node_handle.ts';
import { NodeReads, type Reader } from './node_reads.ts';
import type { Address, Listener, ListenOptions, Network, Socket, SocketHandler } from './socket.ts';

/**
 * TCP on Node: by its bare handles (node_handle.ts) where they are as we know them and the address is numeric, else by net.Socket, as
 * follows. Every socket of the thread reads into one shared region through the synchronous `onread` callback, so that a read
 * allocates nothing and may bring all of the region at once (with 256 KiB, 0.44 s of CPU per GB against 1.15 s for 'data' events, Node
 * 24).
 *
 * An accepted socket cannot be given `onread`: the server makes it. So the handles of new connections are caught on their way to
 * the server, and the sockets around them are made here. Handles are internals of Node: where one is not what we know, the
 * server makes its socket and that works through 'data' events.
 */
export interface NodeNetworkOptions {
  /** What sockets read into, at least 64 KiB; may be WebAssembly memory that never grows. Default: a fresh array of 256 KiB. */
  readonly readRegion?: Uint8Array;
  /** Whether memory is short: reads then bring no more than 32 KiB. Asked after each read. Default: never. */
  readonly crowded?: () => boolean;
  /** For tests: do without `onread` and without bare handles. */
  readonly plainSockets?: boolean;
  /** For tests: do without bare handles. */
  readonly netSockets?: boolean;
}

export function createNodeNetwork(options: NodeNetworkOptions = {}): Network {
  const reads = new NodeReads(options.readRegion ?? new Uint8Array(256 * 1024), options.crowded ?? (() => false));
  const onread = onReadOption(reads);
  const plain = options.plainSockets ?? false;
  const binding = plain || options.netSockets ? undefined : loadTcpBinding('node');
  const handles = binding && new HandleSockets(binding, reads);

  return {
    async listen(address, accepted, listenOptions = {}): Promise<Listener> {
      const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => {
        accepted(new NodeSocket(socket, UNHANDLED, undefined));
      });
      await startListening(server, address, listenOptions);
      if (!plain) {
        catchHandles(server, (handle) => {
          handle.setNoDelay(true);
          if (handles !== undefined) return accepted(handles.accepted(handle as TcpHandle));
          const options = { handle, onread, allowHalfOpen: true, pauseOnCreate: true };
          accepted(new NodeSocket(new net.Socket(options as unknown as net.SocketConstructorOpts), UNHANDLED, reads));
        });
      }
      const bound = server.address() as net.AddressInfo;
      return { address: { host: bound.address, port: bound.port }, close: () => server.close() };
    },

    connect(address, handler): Socket {
      if (handles?.reaches(address.host)) return handles.connect(address, handler);
      const shared = { host: address.host, port: address.port, noDelay: true, allowHalfOpen: true };
      const socket = net.connect(plain ? shared : { ...shared, onread });
      socket.pause();
      return new NodeSocket(socket, handler, plain ? undefined : reads);
    },
  };
}

function startListening(server: net.Server, address: Address, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const reusePort = options.reusePort === true ? { reusePort: true } : {};
    server.listen({ host: address.host, port: address.port, backlog: 4096, ...reusePort }, () => {
      server.off('error', reject);
      // A failed accept must not end the process; the next one is tried. When files run out, libuv itself resets what waits, and
      // tells nobody.
      server.on('error', (error) => options.failed?.(error));
      resolve();
    });
  });
}

/** What we use of a connection's handle (`TCP` of Node's tcp_wrap). */
interface Handle {
  setNoDelay(noDelay: boolean): void;
  readonly useUserBuffer: unknown;
  readonly readStart: unknown;
}

/** Gives each new connection's handle to `caught`, and to the server only what is not such a handle. */
function catchHandles(server: net.Server, caught: (handle: Handle) => void): void {
  type OnConnection = (this: unknown, status: number, handle: Partial<Handle> | undefined) => void;
  const listening = (server as unknown as { _handle: { onconnection?: OnConnection } | null })._handle;
  const toServer = listening?.onconnection;
  if (listening === null || typeof toServer !== 'function') return;
  listening.onconnection = function (status, handle): void {
    const known = typeof handle?.useUserBuffer === 'function' && typeof handle.readStart === 'function' &&
      typeof handle.setNoDelay === 'function';
    if (known) caught(handle as Handle);
    else toServer.call(this, status, handle);
  };
}

/** Finds the NodeSocket from the net.Socket, so that all sockets share the same functions: no closures per connection. */
const WRAPPER = Symbol('NodeSocket');

type WrappedSocket = net.Socket & { [WRAPPER]: NodeSocket };

const NO_BYTES = new Uint8Array(0);

class NodeSocket implements Socket, Reader {
  handler: SocketHandler;
  readonly #socket: net.Socket;
  readonly #reads: NodeReads | undefined;
  #paused = true;
  /** A write returned false and `drained` has not been called since. */
  #draining = false;
  error: Error | undefined;

  /** `reads`: where it reads through `onread`; undefined: it does not. */
  constructor(socket: net.Socket, handler: SocketHandler, reads: NodeReads | undefined) {
    this.#socket = socket;
    this.#reads = reads;
    this.handler = handler;
    (socket as WrappedSocket)[WRAPPER] = this;
    if (socket.connecting) socket.on('connect', onConnect);
    // A paused socket stays so.
    if (reads === undefined) socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('drain', onDrain);
    socket.on('error', onError);
    socket.on('close', onClose);
  }

  get remote(): Address {
    return { host: this.#socket.remoteAddress ?? '', port: this.#socket.remotePort ?? 0 };
  }

  get local(): Address {
    return { host: this.#socket.localAddress ?? '', port: this.#socket.localPort ?? 0 };
  }

  get mayReadLong(): boolean {
    return true;
  }

  get paused(): boolean {
    return this.#paused;
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) return true;
    socket.write(bytes);
    // Node has tried the system call by now: what is not in `writableLength` is in the kernel.
    if (socket.writableLength === 0) return true;
    if (!this.#draining) {
      this.#draining = true;
      // 'drain' comes only for writes above the high-water mark; below it, an empty write behind this one reports.
      if (!socket.writableNeedDrain) socket.write(NO_BYTES, () => this.reportDrained());
    }
    return false;
  }

  wasClosed(): void {
    this.#reads?.gone(this);
    this.handler.closed(this.error);
  }

  reportDrained(): void {
    if (!this.#draining || this.#socket.destroyed) return;
    if (this.#socket.writableLength > 0) return;
    this.#draining = false;
    this.handler.drained();
  }

  end(): void {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) return;
    // After `end` there is no 'drain' any more.
    if (this.#draining) socket.end(() => this.reportDrained());
    else socket.end();
  }

  close(): void {
    if (this.#socket.destroyed) return;
    this.pause();
    this.#socket.destroySoon();
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }
}

interface OnRead {
  readonly buffer: () => Uint8Array;
  readonly callback: (this: unknown, bytesRead: number, buffer: Uint8Array) => boolean;
}

/** The `onread` option of all sockets. */
function onReadOption(reads: NodeReads): OnRead {
  // What Node gets when it asks for a buffer: for a new socket the short one, after a read what `callback` chose.
  let next: Uint8Array | undefined = reads.short;
  return {
    buffer() {
      const chosen = next;
      next = reads.short;
      // Undefined leaves everything as it is; the types do not know.
      return chosen as Uint8Array;
    },
    /** Node calls it as a method of the net.Socket, and `buffer` right after it. False stops the reading. */
    callback(bytesRead, buffer) {
      const wrapper = (this as WrappedSocket)[WRAPPER];
      wrapper.handler.received(buffer.subarray(0, bytesRead));
      next = reads.next(wrapper, buffer.length > reads.short.length, bytesRead);
      return !wrapper.paused;
    },
  };
}

function onData(this: net.Socket, bytes: Uint8Array): void {
  (this as WrappedSocket)[WRAPPER].handler.received(bytes);
}

function onConnect(this: net.Socket): void {
  (this as WrappedSocket)[WRAPPER].handler.connected();
}

function onEnd(this: net.Socket): void {
  (this as WrappedSocket)[WRAPPER].handler.receivedEnd();
}

function onDrain(this: net.Socket): void {
  (this as WrappedSocket)[WRAPPER].reportDrained();
}

function onError(this: net.Socket, error: Error): void {
  (this as WrappedSocket)[WRAPPER].error = error;
}

function onClose(this: net.Socket): void {
  (this as WrappedSocket)[WRAPPER].wasClosed();
}

function unhandled(): never {
  throw new Error('socket without a handler');
}

const UNHANDLED: SocketHandler = {
  connected: unhandled,
  received: unhandled,
  receivedEnd: unhandled,
  drained: unhandled,
  closed: () => {},
};
