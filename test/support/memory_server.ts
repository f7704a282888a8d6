/** A server connection in memory, as a `Link` for the raw client: effects are run here, output and events are collected. */
import type { ConnectionEvent } from '../../src/connection/event.ts';
import type { Reason, TlsError } from '../../src/error.ts';
import type { HostConfig } from '../../src/handshake/config.ts';
import type { Effect } from '../../src/handshake/effect.ts';
import { runEffect } from '../../src/stream/effect_runner.ts';
import type { HandshakeInfo } from '../../src/handshake/result.ts';
import { type Bytes, concat } from './raw_wire.ts';
import type { Link } from './raw_client.ts';

/** What this needs of a connection. */
export interface Engine {
  readonly pending: Effect | undefined;
  receive(bytes: Bytes): void;
  receiveEnd(): void;
  send(bytes: Bytes): void;
  close(): void;
  takeOutput(): Uint8Array[];
  takeEvents(): ConnectionEvent[];
  resolve(value: never): void;
  reject(error: Error): void;
}

export interface MemoryServerOptions {
  /** How the bytes of one `send` arrive. Default: at once. */
  readonly cut?: (bytes: Bytes) => Iterable<Bytes>;
  /** Answers an effect instead of the usual answer. */
  readonly effect?: (effect: Effect) => unknown;
  /** Sends application data back. Default true. */
  readonly echo?: boolean;
}

export class MemoryServer implements Link {
  readonly connection: Engine;
  readonly events: ConnectionEvent[] = [];
  readonly effects: Effect[] = [];
  #host: HostConfig | undefined;
  #options: MemoryServerOptions;
  #waiting: Bytes[] = [];
  #ending: boolean = false;

  constructor(connection: Engine, host: HostConfig | undefined, options: MemoryServerOptions = {}) {
    this.connection = connection;
    this.#host = host;
    this.#options = options;
  }

  send(bytes: Bytes): void {
    this.#waiting.push(...this.#options.cut?.(bytes) ?? [bytes]);
  }

  async receive(): Promise<Bytes> {
    await this.#run();
    for (const bytes of this.#waiting.splice(0)) {
      this.connection.receive(bytes);
      await this.#run();
    }
    if (this.#ending) {
      this.#ending = false;
      this.connection.receiveEnd();
      await this.#run();
    }
    return concat(...this.connection.takeOutput());
  }

  end(): void {
    this.#ending = true;
  }

  /** Received application data, early data included. */
  get received(): Bytes {
    return concat(...this.events.flatMap((event) => event.type === 'data' ? [event.bytes] : []));
  }

  get info(): HandshakeInfo | undefined {
    return this.events.find((event) => event.type === 'handshake')?.info;
  }

  get error(): TlsError | undefined {
    return this.events.find((event) => event.type === 'failed')?.error;
  }

  get reason(): Reason | undefined {
    return this.error?.reason;
  }

  async #run(): Promise<void> {
    this.#collect();
    for (let effect = this.connection.pending; effect !== undefined; effect = this.connection.pending) {
      this.effects.push(effect);
      let answer: unknown;
      try {
        answer = await (this.#options.effect?.(effect) ?? this.#answer(effect));
      } catch (error) {
        this.connection.reject(error as Error);
        this.#collect();
        continue;
      }
      this.connection.resolve(answer as never);
      this.#collect();
    }
  }

  #answer(effect: Effect): unknown {
    return runEffect(effect, { selectCredentials: () => this.#host, verifyPeer: () => true });
  }

  #collect(): void {
    const events = this.connection.takeEvents();
    const over = events.some(({ type }) => type === 'failed');
    for (const event of events) {
      if (event.type !== 'data') {
        this.events.push(event);
        continue;
      }
      const bytes = event.bytes.slice();
      this.events.push({ ...event, bytes });
      if (this.#options.echo !== false && !over) this.connection.send(bytes);
    }
  }
}
