import type { Secret } from '../crypto/provider.ts';
import { fail } from '../error.ts';
import type { Effect } from '../handshake/effect.ts';
import type { Exporter, Flow, HandshakeIo, Step, Suite } from '../handshake/flow.ts';
import type { HandshakeInfo, HandshakeResult } from '../handshake/result.ts';
import type { RecordReader } from '../record/record_reader.ts';
import type { RecordWriter } from '../record/record_writer.ts';
import { ContentType } from '../registry/content_type.ts';
import { trafficKey } from '../schedule/key_schedule.ts';
import { Writer } from '../wire/writer.ts';
import type { HandshakeBuffer } from './handshake_buffer.ts';

/** Room for a flight with a certificate chain of usual length. Bytes. */
const FLIGHT_CAPACITY = 2048;

/**
 * Flights of handshakes that are over, for the next: an array of this size is not the collector's but malloc's, and made and freed for each
 * handshake it cost 5 % of one.
 */
const spareFlights: Writer[] = [];
const SPARE_FLIGHTS = 16;

/**
 * Runs a handshake on the records of a connection, which drops it when the handshake is over and all it sent has left: nothing of it
 * stays with an idle connection.
 */
export class HandshakeDriver implements HandshakeIo {
  readonly flight: Writer = spareFlights.pop() ?? new Writer(FLIGHT_CAPACITY);
  readonly #reader: RecordReader;
  readonly #writer: RecordWriter;
  readonly #messages: HandshakeBuffer;
  readonly #onEarlyData: (info: HandshakeInfo) => void;
  #flow: Flow<HandshakeResult> | undefined;
  #retired = false;
  #waitsFor: Step | undefined;
  /** Bytes of early data that may still come; undefined while none may. */
  #earlyData: number | undefined;
  #exporter: Exporter | undefined;

  constructor(
    reader: RecordReader,
    writer: RecordWriter,
    messages: HandshakeBuffer,
    onEarlyData: (info: HandshakeInfo) => void,
  ) {
    this.#reader = reader;
    this.#writer = writer;
    this.#messages = messages;
    this.#onEarlyData = onEarlyData;
  }

  /** To be called once, before the first `step`. */
  begin(flow: Flow<HandshakeResult>): void {
    this.#flow = flow;
  }

  /** Whether the handshake is not over yet. */
  get runs(): boolean {
    return this.#flow !== undefined;
  }

  get pending(): Effect | undefined {
    const step = this.#waitsFor;
    return step === undefined || step.type === 'receive' ? undefined : step;
  }

  /** Whether application data may be sent before the handshake is over. */
  get maySend(): boolean {
    return this.#exporter !== undefined;
  }

  /** With `maySend`, before the handshake is over. */
  get exporter(): Exporter | undefined {
    return this.#exporter;
  }

  /** Resumes the handshake with what it waits for. Gives its result when that ends it. */
  step(value: unknown): HandshakeResult | undefined {
    const flow = this.#flow;
    if (flow === undefined) return undefined;
    this.#waitsFor = undefined;
    const next = flow.next(value);
    if (next.done) {
      this.#flow = undefined;
      if (!next.value.lastFlightWaits) this.flush();
      return next.value;
    }
    this.#waitsFor = next.value;
    if (next.value.type === 'receive') this.flush();
    return undefined;
  }

  /** Writes the flight, as few records as it fits in. */
  flush(): void {
    if (this.flight.length > 0) {
      this.#writer.write(ContentType.handshake, this.flight.finish());
      this.flight.clear();
    }
    if (!this.runs) this.#retire();
  }

  /** Application data has come while the handshake runs. */
  receiveEarlyData(length: number): void {
    if (this.#earlyData === undefined) fail('unexpected_application_data', 'before Finished');
    this.#earlyData -= length;
    // §4.3.10
    if (this.#earlyData < 0) fail('too_much_early_data');
  }

  /** Ends the handshake, whose `finally` wipes its secrets. */
  wipe(): void {
    this.#flow?.return(undefined as never);
    this.#flow = undefined;
    this.#waitsFor = undefined;
    this.#retire();
  }

  /** The handshake is over and nothing waits: the flight is another's. */
  #retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.flight.clear();
    if (spareFlights.length < SPARE_FLIGHTS) spareFlights.push(this.flight);
  }

  // What the handshake does to the connection.

  sendChangeCipherSpec(): void {
    this.flush();
    this.#writer.writeChangeCipherSpec();
  }

  setReadSecret({ aead }: Suite, secret: Secret): void {
    // Early data comes under its own key alone.
    this.#earlyData = undefined;
    this.expectBoundary();
    this.#reader.setKey(trafficKey(aead, secret));
  }

  setWriteSecret({ aead }: Suite, secret: Secret): void {
    // 9846-5.1-7
    this.flush();
    this.#writer.setKey(trafficKey(aead, secret), aead.recordLimit);
  }

  expectBoundary(): void {
    this.#messages.expectBoundary();
  }

  limitFragments(length: number): void {
    this.#writer.limitFragments(length);
  }

  limitReceivedFragments(length: number): void {
    this.#reader.setContentLimit(length);
  }

  skipEarlyData(length: number): void {
    this.#reader.skipEarlyData(length);
  }

  acceptEarlyData(length: number, info: HandshakeInfo): void {
    this.#earlyData = length;
    this.#onEarlyData(info);
  }

  setChangeCipherSpec(policy: 'refuse' | 'drop'): void {
    this.#reader.setChangeCipherSpec(policy);
  }

  allowSending(exporter: Exporter): void {
    this.#exporter = exporter;
  }
}
