import type { Secret } from '../crypto/provider.ts';
import { fail, type Reason, TlsError, UsageError } from '../error.ts';
import type { CommonConfig, Limits } from '../handshake/config.ts';
import type { Effect } from '../handshake/effect.ts';
import type { Flow, HandshakeIo } from '../handshake/flow.ts';
import type { HandshakeResult } from '../handshake/result.ts';
import { decodeAlert, encodeAlert } from '../message/alert.ts';
import type { HandshakeMessage } from '../message/handshake.ts';
import { decodeKeyUpdate, encodeKeyUpdate } from '../message/key_update.ts';
import { RecordReader } from '../record/record_reader.ts';
import { MAX_PLAINTEXT_LENGTH, type ReceivedRecord } from '../record/record.ts';
import { RecordWriter } from '../record/record_writer.ts';
import type { AlertName } from '../registry/alert.ts';
import { ContentType } from '../registry/content_type.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { exportKeyingMaterial, nextTrafficSecret, trafficKey } from '../schedule/key_schedule.ts';
import type { ConnectionEvent } from './event.ts';
import { HandshakeBuffer } from './handshake_buffer.ts';
import { HandshakeDriver } from './handshake_driver.ts';

const EMPTY: Uint8Array = new Uint8Array(0);

/**
 * One TLS 1.3 connection without a socket: bytes go in by `receive`, plaintext by `send`; bytes come out by `takeOutput`, plaintext and
 * all else by `takeEvents`. Nothing here waits: where the handshake needs something from outside, `pending` says what.
 *
 * A peer's mistake never throws: it puts the alert into the output and a `failed` event into the events. A caller's mistake throws
 * `UsageError`.
 */
export abstract class Connection {
  protected readonly config: CommonConfig;
  protected readonly limits: Limits;
  readonly #reader: RecordReader;
  readonly #writer: RecordWriter;
  readonly #messages: HandshakeBuffer;
  #events: ConnectionEvent[] = [];

  /** Until the handshake is over and its last flight has left. */
  #handshake: HandshakeDriver | undefined;
  #established: HandshakeResult | undefined;
  /** The secrets of the traffic keys, which the next ones are made of. */
  #readSecret: Secret | undefined;
  #writeSecret: Secret | undefined;

  /** Received application data that waits to be reported as one event. */
  #data: Uint8Array = EMPTY;
  #warningAlerts = 0;
  /** KeyUpdates in a row. */
  #keyUpdates = 0;
  /** KeyUpdates since `#keyUpdateSecond`, in milliseconds since the epoch. */
  #recentKeyUpdates = 0;
  #keyUpdateSecond = 0;
  #owesKeyUpdate = false;
  #awaitsKeyUpdate = false;
  /** Our direction: open until close_notify was sent. */
  #writable = true;
  /** The peer's direction: open until its close_notify. */
  #readable = true;
  #error: TlsError | undefined;
  /** Failed or disposed: nothing more happens. */
  #over = false;

  constructor(config: CommonConfig, limits: Limits) {
    this.config = config;
    this.limits = limits;
    const memory = config.memory ?? { output: allocateOutput, plaintext: allocate };
    this.#reader = new RecordReader(limits, memory);
    this.#writer = new RecordWriter({
      fragmentLimit: config.maxFragmentLength ?? MAX_PLAINTEXT_LENGTH,
      paddingMultiple: config.paddingMultiple ?? 1,
      ramp: config.rampRecords ?? true,
    }, (length) => memory.output(length));
    this.#messages = new HandshakeBuffer(limits);
  }

  /** Post-handshake messages other than KeyUpdate. */
  protected abstract receivePostHandshake(message: HandshakeMessage, established: HandshakeResult): void;

  /** To be called once by the role's constructor. */
  protected start(flow: (io: HandshakeIo) => Flow<HandshakeResult>): void {
    const driver = this.#handshake = new HandshakeDriver(
      this.#reader,
      this.#writer,
      this.#messages,
      (info) => this.report({ type: 'early_data', info }),
    );
    driver.begin(flow(driver));
    this.#guard(() => this.#step(driver, undefined));
  }

  /** What the handshake waits for, if anything: perform it, then call `resolve` or `reject`. */
  get pending(): Effect | undefined {
    return this.#handshake?.pending;
  }

  /** Whether the handshake is complete and the connection has not failed. */
  get established(): boolean {
    return this.#established !== undefined && !this.#over;
  }

  /** Why the connection failed, if it did. */
  get error(): TlsError | undefined {
    return this.#error;
  }

  /** Whether our direction has been closed by `close`, or the connection is over. */
  get writeClosed(): boolean {
    return !this.#writable || this.#over;
  }

  /** Takes bytes of the peer; all are consumed or copied before it returns. */
  receive(bytes: Uint8Array): void {
    // 9846-6-2, 9846-6.1-1, 9846-6.2-2
    if (this.#over || !this.#readable) return;
    if (this.#reader.heldLength > this.limits.pendingInput && this.pending !== undefined) {
      throw new UsageError('receive: an effect is pending; read no more before it is resolved');
    }
    // The hot path: like `#guard`, without a closure.
    this.#reader.supply(bytes);
    try {
      this.#readRecords();
      this.#reader.retain();
      this.#flushData();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The transport has ended: a truncation, unless the peer had sent close_notify. */
  receiveEnd(): void {
    if (this.#over || !this.#readable) return;
    // 9846-6.1-8: without close_notify the data may have been cut off.
    this.#guard(() => fail('truncated', 'the transport ended without close_notify'));
  }

  /** Gives the value that the pending effect asked for (`EffectResult`). */
  resolve(value: unknown): void {
    if (this.#over) return;
    const driver = this.#handshake;
    if (driver?.pending === undefined) throw new UsageError('resolve: nothing is pending');
    this.#guard(() => {
      this.#step(driver, value);
      this.#readRecords();
    });
  }

  /** The pending effect failed: ends the connection with `internal_error`, or as the given TlsError says. */
  reject(error: unknown): void {
    if (this.#over) return;
    this.abort(error instanceof TlsError ? error : new TlsError('internal_error', 'a step of the handshake failed'));
  }

  /** Seals application data into the output. */
  send(plaintext: Uint8Array): void {
    // 9846-2-2, 9846-5.1-18
    if (this.#established === undefined && !this.#handshake?.maySend) {
      throw new UsageError('send: the handshake is not complete');
    }
    if (this.writeClosed) throw new UsageError('send: the connection is closed');
    if (plaintext.length === 0) return;
    try {
      this.#flushFlight();
      // 9846-4.7.3-5: the answer to an update_requested goes before the next application data.
      // 9846-5.5-1: the key is updated before its limit.
      const due = this.#owesKeyUpdate || this.#writer.needsKeyUpdate(plaintext.length);
      // Before the handshake is complete there can be no update.
      if (due && this.#established !== undefined) this.#sendKeyUpdate(false);
      this.#writer.write(ContentType.application_data, plaintext);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Sends what waits for the first application data (`tickets.withFirstData`) without it. */
  sendWaiting(): void {
    if (!this.writeClosed && this.#established !== undefined) this.#guard(() => this.#flushFlight());
  }

  /** Moves to the next sending key; with `requestPeer` the peer is asked to do the same. */
  updateKeys(requestPeer: boolean): void {
    if (!this.established || this.writeClosed) throw new UsageError('updateKeys: the connection is not open');
    // RFC 9846 §4.7.3: at most one request is outstanding.
    // 9846-4.7.3-6
    const request = requestPeer && !this.#awaitsKeyUpdate;
    this.#guard(() => this.#sendKeyUpdate(request));
  }

  /** Ends our direction with close_notify; the peer's stays open. */
  close(): void {
    // 9846-6.1-6
    if (this.writeClosed) return;
    this.#guard(() => {
      // 9846-6.1-3: user_canceled and close_notify, and nothing of the handshake after them.
      if (this.#handshake?.runs) throw new TlsError('canceled', 'closed during the handshake');
      this.#flushFlight();
      this.#sendAlert('close_notify');
      this.#writable = false;
    });
  }

  /** Ends the connection for a reason of ours, such as `handshake_timeout`. */
  abort(error: TlsError | Reason): void {
    if (this.#over) return;
    this.#guard(() => {
      throw typeof error === 'string' ? new TlsError(error) : error;
    });
  }

  /** Bytes for the peer, in order. They are the caller's. */
  takeOutput(): Uint8Array[] {
    return this.#writer.take();
  }

  /** What happened since the last call. */
  takeEvents(): ConnectionEvent[] {
    const events = this.#events;
    if (events.length > 0) this.#events = [];
    return events;
  }

  /**
   * RFC 9846 §7.5 and RFC 5705: keying material bound to this connection. `length` ≤ 255 hashes. A server that has accepted early
   * data has it already before the handshake is over, and then for a client that is not yet authenticated.
   */
  exportKeyingMaterial(label: string, context: Uint8Array, length: number): Uint8Array {
    const exporter = this.#established ?? this.#handshake?.exporter;
    if (exporter === undefined || this.#over) {
      throw new UsageError('exportKeyingMaterial: the handshake is not complete');
    }
    const { suite, exporterSecret } = exporter;
    // 9846-7.5-1
    return exportKeyingMaterial(suite.hash, exporterSecret, label, context, length);
  }

  /** Wipes all keys. To be called when the socket is gone; idempotent. */
  dispose(): void {
    if (!this.#over) this.#wipe();
  }

  /** Runs `action`; a failure becomes an alert and an event. */
  #guard(action: () => void): void {
    try {
      action();
      this.#reader.retain();
      this.#flushData();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(cause: unknown): void {
    // A fault of our own must not take the process along, nor tell the peer more than that it happened.
    const error = cause instanceof TlsError ? cause : new TlsError('internal_error', describe(cause));
    this.#flushData();
    // 9846-6.2-1, 9846-6.2-2
    this.#error = error;
    if (error.alert !== null && error.reason !== 'peer_alert' && this.#writable) {
      this.#flushFlight();
      this.#sendAlert(error.alert);
      if (error.alert === 'user_canceled') this.#sendAlert('close_notify');
    }
    this.#wipe();
    this.#events.push({ type: 'failed', error });
  }

  #wipe(): void {
    this.#over = true;
    this.#handshake?.wipe();
    this.#handshake = undefined;
    // 9846-6-3
    this.#reader.wipe();
    this.#writer.wipe();
    this.#messages.wipe();
    this.#readSecret?.wipe();
    this.#writeSecret?.wipe();
    this.#established?.exporterSecret.wipe();
    this.#established?.resumptionSecret?.wipe();
  }

  #readRecords(): void {
    while (this.#readable && this.pending === undefined) {
      const record = this.#reader.next();
      if (record === undefined) return;
      this.#receiveRecord(record);
    }
  }

  #receiveRecord(record: ReceivedRecord): void {
    // 9846-5.1-3, 9846-5.1-4: handshake messages MUST NOT be interleaved with other record types.
    if (record.type !== ContentType.handshake && !this.#messages.isEmpty) fail('interleaved_handshake');
    switch (record.type) {
      case ContentType.application_data:
        return this.#receiveData(record.content);
      case ContentType.alert:
        return this.#receiveAlert(record.content);
      default:
        this.#messages.add(record.content);
        return this.#receiveMessages();
    }
  }

  #receiveData(content: Uint8Array): void {
    if (this.#established === undefined) this.#handshake?.receiveEarlyData(content.length);
    if (content.length === 0) return;
    this.#keyUpdates = 0;
    // Neighbouring runs become one event, so that what is one region becomes one write.
    const { buffer, byteOffset, length } = this.#data;
    if (length > 0 && buffer === content.buffer && byteOffset + length === content.byteOffset) {
      this.#data = new Uint8Array(buffer, byteOffset, length + content.length);
      return;
    }
    this.#flushData();
    this.#data = content;
  }

  #flushData(): void {
    if (this.#data.length === 0) return;
    this.#events.push({ type: 'data', bytes: this.#data, early: this.#established === undefined });
    this.#data = EMPTY;
  }

  protected report(event: ConnectionEvent): void {
    this.#flushData();
    this.#events.push(event);
  }

  #receiveAlert(content: Uint8Array): void {
    const { name } = decodeAlert(content);
    if (name === 'close_notify') {
      // §6.1: what comes after is ignored.
      if (this.#established === undefined) fail('truncated', 'the peer closed during the handshake');
      this.#readable = false;
      this.report({ type: 'end' });
      return;
    }
    if (name === 'user_canceled') {
      if (++this.#warningAlerts > this.limits.warningAlerts) fail('too_many_warning_alerts');
      return;
    }
    // 9846-6-4, 9846-6-5: all other alerts end the connection, whatever their level.
    throw new TlsError('peer_alert', name, name as AlertName);
  }

  #receiveMessages(): void {
    while (this.pending === undefined && this.#readable) {
      const message = this.#messages.take();
      if (message === undefined) return;
      if (this.#handshake?.runs) this.#step(this.#handshake, message);
      else this.#receivePostHandshake(message);
    }
  }

  #step(driver: HandshakeDriver, value: unknown): void {
    const result = driver.step(value);
    if (result !== undefined) {
      // Early data comes before the handshake is complete.
      this.#flushData();
      this.#established = result;
      this.#readSecret = result.readSecret;
      this.#writeSecret = result.writeSecret;
      if (!result.lastFlightWaits) this.#handshake = undefined;
      // 9846-F.5-4
      this.report({ type: 'handshake', info: result.info });
    }
    // Messages that came together with the one that set this going.
    if (this.pending === undefined && !this.#messages.isEmpty) this.#receiveMessages();
  }

  #receivePostHandshake(message: HandshakeMessage): void {
    const established = this.#established as HandshakeResult;
    if (message.type === HandshakeType.key_update) return this.#receiveKeyUpdate(message, established);
    this.receivePostHandshake(message, established);
  }

  #receiveKeyUpdate(message: HandshakeMessage, { suite }: HandshakeResult): void {
    // 9846-4.7.3-3, 9846-4.7.3-8
    const replyRequested = decodeKeyUpdate(message.body);
    // 9846-4.7.3-10: only updates in a row are counted, not all of a connection
    if (++this.#keyUpdates > this.limits.keyUpdates) fail('too_many_key_updates', 'without data between them');
    const now = this.config.now();
    // A clock that was set back begins a new second as well.
    if (Math.abs(now - this.#keyUpdateSecond) >= 1000) {
      this.#keyUpdateSecond = now;
      this.#recentKeyUpdates = 0;
    }
    if (++this.#recentKeyUpdates > this.limits.keyUpdatesPerSecond) fail('too_many_key_updates', 'within a second');
    this.#readSecret = nextTrafficSecret(suite.hash, this.#readSecret as Secret);
    this.#messages.expectBoundary();
    this.#reader.setKey(trafficKey(suite.aead, this.#readSecret));
    this.#awaitsKeyUpdate = false;
    // Answered when there is something to send: any number of requests costs one answer.
    if (replyRequested) this.#owesKeyUpdate = true;
    this.report({ type: 'key_update', replyRequested });
  }

  #sendKeyUpdate(requestPeer: boolean): void {
    this.#flushFlight();
    const { suite } = this.#established as HandshakeResult;
    // 9846-4.7.3-2, 9846-4.7.3-7
    this.#writer.write(ContentType.handshake, encodeKeyUpdate(requestPeer));
    this.#writeSecret = nextTrafficSecret(suite.hash, this.#writeSecret as Secret);
    this.#writer.setKey(trafficKey(suite.aead, this.#writeSecret), suite.aead.recordLimit);
    this.#owesKeyUpdate = false;
    if (requestPeer) this.#awaitsKeyUpdate = true;
  }

  #sendAlert(name: AlertName): void {
    // 9846-5.1-9
    this.#writer.write(ContentType.alert, encodeAlert(name));
  }

  /** Writes the handshake messages that have not left yet. */
  #flushFlight(): void {
    if (this.#handshake === undefined) return;
    this.#handshake.flush();
    if (!this.#handshake.runs) this.#handshake = undefined;
  }
}

/** Room for a handshake's flight in one piece, where it is of usual size. */
function allocateOutput(length: number): Uint8Array {
  return new Uint8Array(Math.max(length, 4096));
}

function allocate(length: number): Uint8Array {
  return new Uint8Array(length);
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name} in the engine` : 'fault in the engine';
}
