import type { Connection } from '../connection/connection.ts';
import type { HandshakeInfo } from '../handshake/result.ts';
import { TlsError } from '../error.ts';
import type { Socket, SocketHandler } from '../socket/socket.ts';
import type { BufferPool } from './buffer_pool.ts';
import { type EffectHandlers, runEffect } from './effect_runner.ts';

/** What a channel reports. Like a socket, it never calls its handler from inside a call to it. */
export interface ChannelHandler {
  /** Plaintext follows that may be a replay until `onHandshake` comes, which has the same `info`. */
  onEarlyData(info: HandshakeInfo): void;
  onHandshake(info: HandshakeInfo): void;
  /**
   * Application data. True: `bytes` is free again. False: it is still being read from; the channel then keeps it and stops
   * reading until `release`.
   */
  onPlaintext(bytes: Uint8Array): boolean;
  /** close_notify: the peer's direction ended cleanly. Ours is open. */
  onPlaintextEnd(): void;
  /** After a `write` that returned false: everything written has left. */
  onWritable(): void;
  /** The TLS connection is over and the alert, if there is one, is written. The socket is still there. */
  onFailed(error: TlsError): void;
  /** The socket is gone. Exactly once and last. */
  onClosed(error: Error | undefined): void;
}

/**
 * A Connection joined to a socket: bytes in, plaintext out, and back; one write per turn.
 *
 * Memory that one channel can hold: the region of plaintext that the receiver has not taken yet, and the region of records
 * that the socket has not taken yet. While it holds either, nothing more is read from where those bytes come from. While an
 * effect is being answered, the connection keeps what one read brought.
 */
export class Channel implements SocketHandler {
  readonly connection: Connection;
  readonly socket: Socket;
  readonly #handler: ChannelHandler;
  readonly #effects: EffectHandlers;
  readonly #pool: BufferPool;
  /** Plaintext the receiver still reads from; empty array objects are not kept for idle channels. */
  #heldPlaintext: Uint8Array[] | undefined;
  /** Records the socket still reads from. */
  #heldRecords: Uint8Array[] | undefined;
  /** An effect is being answered asynchronously. */
  #waiting = false;
  /** The socket's end came meanwhile. */
  #ended = false;
  /** The receiver takes no more plaintext for now. */
  #blocked = false;
  /** Failed, aborted or closed. */
  #over = false;

  constructor(
    connection: Connection,
    socket: Socket,
    handler: ChannelHandler,
    effects: EffectHandlers,
    pool: BufferPool,
  ) {
    this.connection = connection;
    this.socket = socket;
    this.#handler = handler;
    this.#effects = effects;
    this.#pool = pool;
    socket.handler = this;
  }

  /** Begins to read; a client's ClientHello leaves. */
  start(): void {
    this.#pool.begin();
    this.#flush();
    this.#pool.settle();
    this.socket.resume();
  }

  /** Seals and sends `plaintext`, which is free again at return. False: write no more before `onWritable`. */
  write(plaintext: Uint8Array): boolean {
    if (this.#over) return true;
    this.#pool.begin();
    this.connection.send(plaintext);
    this.#flush();
    this.#pool.settle();
    return this.#heldRecords === undefined;
  }

  /** Sends what waits for the first application data. */
  sendWaiting(): void {
    if (this.#over) return;
    this.#pool.begin();
    this.connection.sendWaiting();
    this.#flush();
    this.#pool.settle();
  }

  /** close_notify, then FIN: our direction has ended, the peer's is open. */
  end(): void {
    if (this.#over) return;
    this.#pool.begin();
    this.connection.close();
    this.#flush();
    this.#pool.settle();
    this.socket.end();
  }

  /**
   * The peer's direction has ended, and so does ours: close_notify, then the socket is closed, which sends FIN as well. The peer's own
   * FIN is not waited for: after close_notify nothing of it matters.
   */
  close(): void {
    if (this.#over) return;
    this.#pool.begin();
    this.connection.close();
    this.#flush();
    this.#pool.settle();
    this.socket.close();
  }

  /** Ends the connection with the alert of `error`, if it has one, and our direction of the socket. */
  abort(error: TlsError): void {
    if (this.#over) return;
    this.#pool.begin();
    this.connection.abort(error);
    this.#flush();
    this.#pool.settle();
    this.#finish();
    this.socket.end();
  }

  /** Stops reading until `release`. */
  block(): void {
    this.#blocked = true;
    this.socket.pause();
  }

  /** The receiver has taken all plaintext that it answered with false, and takes more. */
  release(): void {
    this.#blocked = false;
    const held = this.#heldPlaintext;
    if (held !== undefined) {
      this.#heldPlaintext = undefined;
      for (const bytes of held) this.#pool.release(bytes);
    }
    if (!this.#waiting) this.socket.resume();
  }

  // What the socket reports.

  connected(): void {}

  received(bytes: Uint8Array): void {
    // Nothing of what a failed peer still sends is looked at; reading it lets the alert arrive before a reset could.
    if (this.#over) return;
    // Few peers send anything before they have our answer: only those cost the stopping and starting.
    if (this.#waiting) this.socket.pause();
    this.#pool.begin();
    this.connection.receive(bytes);
    this.#turn();
    this.#pool.settle();
  }

  receivedEnd(): void {
    if (this.#over) return;
    // What came before it has not been looked at yet: close_notify may be there.
    this.#ended = this.#waiting;
    if (this.#ended) return;
    this.#pool.begin();
    this.connection.receiveEnd();
    this.#turn();
    this.#pool.settle();
  }

  drained(): void {
    this.#releaseRecords();
    this.#handler.onWritable();
  }

  closed(error: Error | undefined): void {
    this.#finish();
    this.#releaseRecords();
    this.release();
    this.#handler.onClosed(error);
  }

  /** Everything that one piece of input, or one answer to an effect, brings about. */
  #turn(): void {
    for (;;) {
      this.#deliverEvents();
      const effect = this.connection.pending;
      if (effect === undefined || this.#waiting) break;
      let answer: unknown;
      try {
        answer = runEffect(effect, this.#effects);
      } catch (error) {
        this.connection.reject(error);
        continue;
      }
      if (answer instanceof Promise) {
        this.#awaitAnswer(answer);
        break;
      }
      this.connection.resolve(answer);
    }
    this.#flush();
  }

  #awaitAnswer(answer: Promise<unknown>): void {
    this.#waiting = true;
    const goOn = (answered: () => void): void => {
      if (this.#over) return;
      this.#waiting = false;
      this.#pool.begin();
      answered();
      this.#turn();
      this.#pool.settle();
      if (this.#ended && !this.#waiting) this.receivedEnd();
      if (!this.#blocked && !this.#waiting) this.socket.resume();
    };
    answer.then(
      (value) => goOn(() => this.connection.resolve(value)),
      (error: unknown) => goOn(() => this.connection.reject(error)),
    );
  }

  #deliverEvents(): void {
    for (const event of this.connection.takeEvents()) {
      switch (event.type) {
        case 'data':
          if (!this.#handler.onPlaintext(event.bytes)) this.#holdPlaintext(event.bytes);
          break;
        case 'early_data':
          this.#handler.onEarlyData(event.info);
          break;
        case 'handshake':
          this.#handler.onHandshake(event.info);
          break;
        case 'end':
          this.#handler.onPlaintextEnd();
          break;
        case 'failed':
          // The alert first: the handler may close the socket.
          this.#flush();
          this.#finish();
          this.#handler.onFailed(event.error);
          return;
        case 'key_update':
          break;
      }
    }
  }

  #holdPlaintext(bytes: Uint8Array): void {
    this.#pool.hold(bytes);
    if (this.#heldPlaintext === undefined) this.#heldPlaintext = [bytes];
    else this.#heldPlaintext.push(bytes);
    this.block();
  }

  /** Keys and buffers go now, not when the peer gets round to closing. */
  #finish(): void {
    this.#over = true;
    this.connection.dispose();
  }

  #flush(): void {
    for (const records of this.connection.takeOutput()) {
      if (this.socket.write(records)) continue;
      this.#pool.hold(records);
      if (this.#heldRecords === undefined) this.#heldRecords = [records];
      else this.#heldRecords.push(records);
    }
  }

  #releaseRecords(): void {
    const held = this.#heldRecords;
    if (held === undefined) return;
    this.#heldRecords = undefined;
    for (const bytes of held) this.#pool.release(bytes);
  }
}
