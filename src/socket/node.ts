import net from 'node:net';
import type { Address, Listener, ListenOptions, Network, Socket, SocketHandler } from './socket.ts';

/**
 * TCP on Node. Every socket of the thread reads into one shared region through the synchronous `onread` callback, so that a read
 * allocates nothing and may bring 256 KiB at once (0.44 s of CPU per GB against 1.15 s for 'data' events, Node 24).
 *
 * An accepted socket cannot be given `onread`. So the server leaves it paused, its handle is taken from it, and a second
 * `net.Socket` is made around that. Where the handle is not what we know, sockets work through 'data' events instead.
 */
export interface NodeNetworkOptions {
  /** What sockets read into, at least 64 KiB; may be WebAssembly memory that never grows. Default: a fresh array of 256 KiB. */
  readonly readRegion?: Uint8Array;
  /** For tests: do without the handle. */
  readonly plainSockets?: boolean;
}

export function createNodeNetwork(options: NodeNetworkOptions = {}): Network {
  const readRegion = options.readRegion ?? new Uint8Array(256 * 1024);
  const onread = { buffer: readRegion, callback: onRead };
  const plain = options.plainSockets ?? false;

  return {
    listen(address, accepted, listenOptions = {}): Promise<Listener> {
      const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => {
        accepted(new NodeSocket(plain ? socket : takeOver(socket, onread), UNHANDLED));
      });
      return startListening(server, address, listenOptions);
    },

    connect(address, handler): Socket {
      const shared = { host: address.host, port: address.port, noDelay: true, allowHalfOpen: true };
      const socket = net.connect(plain ? shared : { ...shared, onread });
      socket.pause();
      return new NodeSocket(socket, handler);
    },
  };
}

function startListening(server: net.Server, address: Address, options: ListenOptions): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const reusePort = options.reusePort === true ? { reusePort: true } : {};
    server.listen({ host: address.host, port: address.port, backlog: 4096, ...reusePort }, () => {
      server.off('error', reject);
      // A failed accept (EMFILE) must not end the process; the next one is tried.
      server.on('error', () => {});
      const bound = server.address() as net.AddressInfo;
      resolve({ address: { host: bound.address, port: bound.port }, close: () => server.close() });
    });
  });
}

interface OnRead {
  readonly buffer: Uint8Array;
  readonly callback: (bytesRead: number, buffer: Uint8Array) => boolean;
}

/** The handle of a paused accepted socket, in a socket that reads through `onread`; the same socket where that cannot be. */
function takeOver(accepted: net.Socket, onread: OnRead): net.Socket {
  const shell = accepted as unknown as { _handle: { useUserBuffer?: unknown; readStart?: unknown } | null };
  const handle = shell._handle;
  if (typeof handle?.useUserBuffer !== 'function' || typeof handle.readStart !== 'function') return accepted;
  shell._handle = null;
  const options = { handle, onread, allowHalfOpen: true, pauseOnCreate: true };
  return new net.Socket(options as unknown as net.SocketConstructorOpts);
}

/** Finds the NodeSocket from the net.Socket, so that all sockets share the same functions: no closures per connection. */
const WRAPPER = Symbol('NodeSocket');

type WrappedSocket = net.Socket & { [WRAPPER]: NodeSocket };

const NO_BYTES = new Uint8Array(0);

class NodeSocket implements Socket {
  handler: SocketHandler;
  readonly #socket: net.Socket;
  #paused = true;
  /** A write returned false and `drained` has not been called since. */
  #draining = false;
  error: Error | undefined;

  constructor(socket: net.Socket, handler: SocketHandler) {
    this.#socket = socket;
    this.handler = handler;
    (socket as WrappedSocket)[WRAPPER] = this;
    if (socket.connecting) socket.on('connect', onConnect);
    // Paused sockets stay so; those that read through `onread` never emit it.
    socket.on('data', onData);
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

/** Node calls it as a method of the net.Socket. False stops the reading. */
function onRead(this: unknown, bytesRead: number, buffer: Uint8Array): boolean {
  const wrapper = (this as WrappedSocket)[WRAPPER];
  wrapper.handler.received(buffer.subarray(0, bytesRead));
  return !wrapper.paused;
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
  const wrapper = (this as WrappedSocket)[WRAPPER];
  wrapper.handler.closed(wrapper.error);
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
