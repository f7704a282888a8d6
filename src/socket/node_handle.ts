import { isIP } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { NodeReads, Reader } from './node_reads.ts';
import type { Address, Socket, SocketHandler } from './socket.ts';

/**
 * TCP on Node without net.Socket: its handles are used as they are. Every socket of the thread reads into one shared region, so that a
 * read allocates nothing; a socket is one object of ours and one of Node's. Against net.Socket with `onread`: a tenth less CPU per
 * proxied connection and per round trip, and 5 KiB less memory per connection (`npm run bench`).
 *
 * The handles are Node's internals, reached by `process.binding`, and the same in versions 20 to 26. Deno 2.9 has them too, beneath its
 * `node:net`, all but as they are here (`ofDeno`). Where anything about them is not as we know it, `loadTcpBinding` says so, and
 * `node.ts` does without.
 */
interface TcpBinding {
  readonly TCP: new (type: number) => TcpHandle;
  readonly TCPConnectWrap: new () => Request;
  readonly WriteWrap: new () => Request;
  readonly ShutdownWrap: new () => Request;
  readonly clientSocket: number;
  /** What the last call or callback left: see the indices. */
  readonly state: Int32Array;
  readonly bytesOrError: number;
  readonly lastWriteWasAsync: number;
  /** What `onread` returns is not looked at; and what is replaced is not kept. */
  readonly ofDeno: boolean;
}

interface Request {
  /** Without it, the end of the request is not told. */
  oncomplete?: (this: Request, status: number) => void;
  handle?: TcpHandle;
  /** Kept alive until the request is complete. */
  buffer?: Uint8Array | undefined;
}

/** Methods give 0 or a negative error number. */
export interface TcpHandle {
  /** May return what the next read goes into, on Node. */
  onread: (this: TcpHandle) => Uint8Array | undefined;
  useUserBuffer(region: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  writeBuffer(request: Request, bytes: Uint8Array): number;
  /** 1: done at once. */
  shutdown(request: Request): number;
  connect(request: Request, address: string, port: number): number;
  connect6(request: Request, address: string, port: number): number;
  setNoDelay(noDelay: boolean): number;
  getpeername(out: { address?: string; port?: number }): number;
  getsockname(out: { address?: string; port?: number }): number;
  close(): void;
  reset?(): number;
  [OWNER]: HandleSocket | undefined;
}

/** Finds the socket from the handle, so that all sockets share the same functions: no closures per connection. */
const OWNER = Symbol('HandleSocket');

const END_OF_FILE = -4095;

const SOON = Promise.resolve();

const METHODS = [
  ...['useUserBuffer', 'readStart', 'readStop', 'writeBuffer', 'shutdown', 'close'],
  ...['connect', 'connect6', 'setNoDelay', 'getpeername', 'getsockname'],
];

/** Undefined where the runtime's internals are not what this file knows. */
export function loadTcpBinding(runtime: 'node' | 'deno'): TcpBinding | undefined {
  const ofDeno = runtime === 'deno';
  try {
    const { binding } = process as unknown as { binding(name: string): Readonly<Record<string, unknown>> };
    const { TCP, TCPConnectWrap, constants } = binding.call(process, 'tcp_wrap');
    const stream = binding.call(process, 'stream_wrap');
    const { WriteWrap, ShutdownWrap, streamBaseState: state } = stream;
    const { kReadBytesOrError: bytesOrError, kLastWriteWasAsync: lastWriteWasAsync } = stream;
    const { SOCKET: clientSocket } = constants as Readonly<Record<string, unknown>>;
    // Before Deno made them natively, all of these were there, and not all did what they say.
    const methods = ofDeno ? [...METHODS, 'accept'] : METHODS;
    const known = [TCP, TCPConnectWrap, WriteWrap, ShutdownWrap].every((value) => typeof value === 'function') &&
      [bytesOrError, lastWriteWasAsync, clientSocket].every((value) => typeof value === 'number') &&
      ArrayBuffer.isView(state) &&
      methods.every((name) => typeof (TCP as { prototype: Record<string, unknown> }).prototype[name] === 'function');
    if (!known) return undefined;
    const found = {
      TCP,
      TCPConnectWrap,
      WriteWrap,
      ShutdownWrap,
      clientSocket,
      state,
      bytesOrError,
      lastWriteWasAsync,
      ofDeno,
    };
    return found as unknown as TcpBinding;
  } catch {
    return undefined;
  }
}

/** Makes sockets around handles, all of which read as `reads` says. */
export class HandleSockets {
  readonly binding: TcpBinding;
  readonly reads: NodeReads;
  /** A write request that was not used up: most writes are done at once. */
  spareWrite: Request | undefined;
  #numericHost = '';
  /** Sockets that are closed and have not been told. */
  #closed: HandleSocket[] = [];

  constructor(binding: TcpBinding, reads: NodeReads) {
    this.binding = binding;
    this.reads = reads;
  }

  /**
   * Tells the socket that it is closed as soon as what runs now is over. Not by the callback of the handle's `close`: libuv enters
   * JavaScript for each, and Node keeps it in a property that it adds to the handle.
   */
  closed(socket: HandleSocket): void {
    if (this.#closed.push(socket) === 1) SOON.then(this.#tellClosed);
  }

  readonly #tellClosed = (): void => {
    const sockets = this.#closed;
    this.#closed = [];
    for (const socket of sockets) socket.wasClosed();
  };

  /** Whether `host` is an address, as a handle wants it, and no name. */
  reaches(host: string): boolean {
    // Backends are few, mostly one.
    if (host === this.#numericHost) return true;
    if (isIP(host) === 0) return false;
    this.#numericHost = host;
    return true;
  }

  /** The socket around the handle of a new connection. */
  accepted(handle: TcpHandle): Socket {
    return new HandleSocket(this, handle, UNHANDLED, true);
  }

  /** `reaches(address.host)`. */
  connect(address: Address, handler: SocketHandler): Socket {
    const { TCP, TCPConnectWrap, clientSocket } = this.binding;
    const handle = new TCP(clientSocket);
    const socket = new HandleSocket(this, handle, handler, false);
    const request = new TCPConnectWrap();
    request.handle = handle;
    request.oncomplete = onConnected;
    const error = address.host.includes(':')
      ? handle.connect6(request, address.host, address.port)
      : handle.connect(request, address.host, address.port);
    if (error !== 0) process.nextTick(() => socket.fail('connect', error));
    return socket;
  }
}

/** Each costs 56 bytes as long as the socket lives: Node keeps what it replaces. After so many, it stays short. */
const MOST_SHORTENINGS = 16;

class HandleSocket implements Socket, Reader {
  handler: SocketHandler;
  readonly #sockets: HandleSockets;
  readonly #handle: TcpHandle;
  #buffer: Uint8Array;
  #shortenings = 0;
  #connected: boolean;
  #paused = true;
  #reading = false;
  /** Written before the connection stood. */
  #early: Uint8Array[] | undefined;
  /** Writes that the kernel has not taken. */
  #unwritten = 0;
  #ending = false;
  #readSideClosed = false;
  #closed = false;
  #error: Error | undefined;

  constructor(sockets: HandleSockets, handle: TcpHandle, handler: SocketHandler, connected: boolean) {
    this.#sockets = sockets;
    this.#handle = handle;
    this.handler = handler;
    this.#connected = connected;
    handle[OWNER] = this;
    handle.onread = onRead;
    this.#buffer = sockets.reads.short;
    handle.useUserBuffer(this.#buffer);
  }

  get remote(): Address {
    const out: { address?: string; port?: number } = {};
    if (!this.#closed) this.#handle.getpeername(out);
    return { host: out.address ?? '', port: out.port ?? 0 };
  }

  get local(): Address {
    const out: { address?: string; port?: number } = {};
    if (!this.#closed) this.#handle.getsockname(out);
    return { host: out.address ?? '', port: out.port ?? 0 };
  }

  write(bytes: Uint8Array): boolean {
    if (this.#ending || this.#closed || bytes.length === 0) return true;
    if (!this.#connected) {
      if (this.#early === undefined) this.#early = [bytes];
      else this.#early.push(bytes);
      return false;
    }
    return this.#send(bytes);
  }

  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    if (this.#connected) this.#endWriting();
  }

  close(): void {
    if (this.#closed) return;
    this.#readSideClosed = true;
    if (this.#ending) this.#closeWhenDone();
    else this.end();
    if (!this.#closed) this.pause();
  }

  pause(): void {
    this.#paused = true;
    if (!this.#reading) return;
    this.#reading = false;
    this.#handle.readStop();
  }

  resume(): void {
    this.#paused = false;
    if (this.#reading || this.#closed || this.#readSideClosed || !this.#connected) return;
    this.#reading = true;
    const error = this.#handle.readStart();
    if (error !== 0) process.nextTick(() => this.fail('read', error));
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle.close();
    this.#sockets.closed(this);
  }

  reset(): void {
    if (this.#closed) return;
    this.#closed = true;
    // A socket that is shutting down cannot be reset; one that is connecting need not be, and Deno would leave it open.
    if (!this.#connected || this.#handle.reset === undefined || this.#handle.reset() !== 0) this.#handle.close();
    this.#sockets.closed(this);
  }

  get mayReadLong(): boolean {
    return this.#shortenings < MOST_SHORTENINGS;
  }

  shorten(): void {
    if (this.#closed) return;
    this.#shortenings++;
    this.#buffer = this.#sockets.reads.short;
    this.#handle.useUserBuffer(this.#buffer);
  }

  /** From Node's callbacks only, never from inside a call. */
  fail(operation: string, error: number): void {
    if (this.#closed) return;
    this.#error = systemError(operation, error);
    this.destroy();
  }

  // What Node reports.

  reached(status: number): void {
    if (this.#closed) return;
    if (status !== 0) return this.fail('connect', status);
    this.#handle.setNoDelay(true);
    this.#connected = true;
    const early = this.#early;
    this.#early = undefined;
    for (const bytes of early ?? []) this.#send(bytes);
    if (this.#ending) this.#endWriting();
    this.handler.connected();
    if (early !== undefined && this.#unwritten === 0 && !this.#closed) this.handler.drained();
    if (!this.#paused) this.resume();
  }

  /** Something was read into the buffer, or the end or an error. Returns the buffer for the next read when that is another. */
  readable(): Uint8Array | undefined {
    const { binding, reads } = this.#sockets;
    const length = binding.state[binding.bytesOrError] as number;
    if (this.#closed || length === 0) return undefined;
    if (length > 0) {
      this.handler.received(this.#buffer.subarray(0, length));
      const next = reads.next(this, this.#buffer.length > reads.short.length, length);
      if (next === undefined) return undefined;
      this.#buffer = next;
      if (!binding.ofDeno) return next;
      if (!this.#closed) this.#handle.useUserBuffer(next);
      return undefined;
    }
    this.#readEnded(length);
    return undefined;
  }

  #readEnded(status: number): void {
    if (status !== END_OF_FILE) return this.fail('read', status);
    this.#readSideClosed = true;
    this.#reading = false;
    this.handler.receivedEnd();
    this.#closeWhenDone();
  }

  written(status: number): void {
    this.#unwritten--;
    if (this.#closed) return;
    if (status !== 0) return this.fail('write', status);
    if (this.#unwritten > 0) return;
    this.handler.drained();
    this.#closeWhenDone();
  }

  /** Both directions have ended, or the peer's is not waited for, and everything written has left. */
  #closeWhenDone(): void {
    if (this.#ending && this.#readSideClosed && this.#unwritten === 0) this.destroy();
  }

  wasClosed(): void {
    this.#sockets.reads.gone(this);
    this.#handle[OWNER] = undefined;
    this.handler.closed(this.#error);
  }

  #send(bytes: Uint8Array): boolean {
    const { binding, spareWrite } = this.#sockets;
    const request = spareWrite ?? new binding.WriteWrap();
    this.#sockets.spareWrite = undefined;
    request.handle = this.#handle;
    request.oncomplete = onWritten;
    const error = this.#handle.writeBuffer(request, bytes);
    if (error !== 0) {
      process.nextTick(() => this.fail('write', error));
      return true;
    }
    if (binding.state[binding.lastWriteWasAsync] === 0) {
      this.#sockets.spareWrite = request;
      return true;
    }
    request.buffer = bytes;
    this.#unwritten++;
    return false;
  }

  /**
   * FIN, after everything written. Closing sends it as well, so that the direction which ends last costs no system call of its own. A
   * peer that is gone already is told of by reading.
   */
  #endWriting(): void {
    if (this.#readSideClosed) return this.#closeWhenDone();
    const request = new this.#sockets.binding.ShutdownWrap();
    request.handle = this.#handle;
    this.#handle.shutdown(request);
  }
}

/** Without a stack, which would show the event loop alone: collecting it is most of what a connection costs that is reset. */
function systemError(operation: string, error: number): Error {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const code = getSystemErrorName(error);
  const made = Object.assign(new Error(`${operation} ${code}`), { code, syscall: operation });
  Error.stackTraceLimit = stackTraceLimit;
  return made;
}

function onRead(this: TcpHandle): Uint8Array | undefined {
  return this[OWNER]?.readable();
}

function onWritten(this: Request, status: number): void {
  this.buffer = undefined;
  this.handle?.[OWNER]?.written(status);
}

function onConnected(this: Request, status: number): void {
  this.handle?.[OWNER]?.reached(status);
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
