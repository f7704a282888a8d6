import { ClientConnection } from '../connection/client.ts';
import type { Connection } from '../connection/connection.ts';
import { ServerConnection } from '../connection/server.ts';
import { TlsError } from '../error.ts';
import type { ClientConfig, CommonConfig, ServerConfig } from '../handshake/config.ts';
import type { HandshakeInfo } from '../handshake/result.ts';
import type { Socket } from '../socket/socket.ts';
import { BufferPool } from './buffer_pool.ts';
import { Channel, type ChannelHandler } from './channel.ts';
import type { EffectHandlers } from './effect_runner.ts';

/** A TLS connection as a pair of web streams of plaintext. */
export interface TlsStream {
  readonly info: HandshakeInfo;
  /**
   * So many of the first bytes of `readable` came as early data (0-RTT). They are given only now that the client has finished the
   * handshake, which somebody who replays them cannot; who wants them sooner takes a `ServerConnection`.
   */
  readonly earlyDataLength: number;
  /** Ends with the peer's close_notify; a truncation or another failure is its error (`TlsError`). */
  readonly readable: ReadableStream<Uint8Array>;
  /** Closing it sends close_notify and leaves the other direction open; aborting it ends the connection with an alert. */
  readonly writable: WritableStream<Uint8Array>;
  /** RFC 9846 §7.5. */
  exportKeyingMaterial(label: string, context: Uint8Array, length: number): Uint8Array;
}

/** Acts as the server on an accepted socket. Resolves when the handshake is finished, rejects with the `TlsError` that ended it. */
export function acceptTls(socket: Socket, config: ServerConfig, effects: EffectHandlers): Promise<TlsStream> {
  return startStream(new ServerConnection(ownMemory(config)), socket, effects);
}

/** Acts as the client on a connected socket. */
export function connectTls(socket: Socket, config: ClientConfig, effects: EffectHandlers): Promise<TlsStream> {
  return startStream(new ClientConnection(ownMemory(config)), socket, effects);
}

/** Streams hand bytes on for good, so nothing of theirs may lie in memory that is used again. */
const NO_POOL = new BufferPool(new Uint8Array(0), 1);

function ownMemory<Config extends CommonConfig>(config: Config): Config {
  const { memory: _pooled, ...rest } = config;
  return rest as Config;
}

function startStream(connection: Connection, socket: Socket, effects: EffectHandlers): Promise<TlsStream> {
  return new Promise((resolve, reject) => new StreamAdapter(connection, socket, effects, resolve, reject));
}

class StreamAdapter implements ChannelHandler {
  readonly #channel: Channel;
  readonly #established: (stream: TlsStream) => void;
  readonly #refused: (error: Error) => void;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #readableOpen = true;
  /** What came before the handshake was finished. */
  #early: Uint8Array[] | undefined = [];
  #error: Error | undefined;
  #writable: { readonly go: () => void; readonly stop: (error: Error) => void } | undefined;

  constructor(
    connection: Connection,
    socket: Socket,
    effects: EffectHandlers,
    established: (stream: TlsStream) => void,
    refused: (error: Error) => void,
  ) {
    this.#established = established;
    this.#refused = refused;
    this.#channel = new Channel(connection, socket, this, effects, NO_POOL);
    this.#channel.start();
  }

  onEarlyData(): void {}

  onHandshake(info: HandshakeInfo): void {
    const { connection } = this.#channel;
    const early = this.#early ?? [];
    this.#early = undefined;
    const readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
        for (const bytes of early) controller.enqueue(bytes);
      },
      pull: () => this.#channel.release(),
      cancel: () => this.#abort('the reader has no more interest'),
    });
    const writable = new WritableStream<Uint8Array>({
      write: (bytes) => this.#write(bytes),
      close: () => this.#channel.end(),
      abort: () => this.#abort('the writer gave up'),
    });
    this.#established({
      info,
      earlyDataLength: early.reduce((sum, { length }) => sum + length, 0),
      readable,
      writable,
      exportKeyingMaterial: (label, context, length) => connection.exportKeyingMaterial(label, context, length),
    });
  }

  onPlaintext(bytes: Uint8Array): boolean {
    if (!this.#readableOpen) return true;
    if (this.#early !== undefined) {
      this.#early.push(bytes);
      return true;
    }
    this.#controller.enqueue(bytes);
    if ((this.#controller.desiredSize ?? 0) <= 0) this.#channel.block();
    return true;
  }

  onPlaintextEnd(): void {
    if (!this.#readableOpen) return;
    this.#readableOpen = false;
    this.#controller.close();
  }

  onWritable(): void {
    this.#writable?.go();
  }

  onFailed(error: TlsError): void {
    this.#fail(error);
    this.#channel.socket.end();
  }

  onClosed(error: Error | undefined): void {
    this.#fail(error ?? new TlsError('truncated', 'the socket was closed'));
  }

  #write(bytes: Uint8Array): Promise<void> | void {
    if (this.#error !== undefined) throw this.#error;
    if (this.#channel.write(bytes)) return;
    return new Promise((go, stop) => this.#writable = { go, stop });
  }

  /** Not with `canceled`: its close_notify would make what was sent so far look like all there was. */
  #abort(why: string): void {
    if (this.#error !== undefined) return;
    const error = new TlsError('internal_error', why);
    this.#channel.abort(error);
    this.#fail(error);
  }

  #fail(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#refused(error);
    this.#writable?.stop(error);
    if (!this.#readableOpen || this.#controller === undefined) return;
    this.#readableOpen = false;
    this.#controller.error(error);
  }
}
