/** Our client side as a stream of Node, for what node:tls has no call for: key updates. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { ClientConnection } from '../../src/connection/client.ts';
import { runEffect } from '../../src/stream/effect_runner.ts';
import { createEngine, type Engine } from '../../src/terminator/engine.ts';
import { loadRuntime } from '../../src/terminator/runtime.ts';
import type { Counts } from './client.ts';
import type { Random } from './random.ts';

/** How often the keys change: before this share of all writes, but not sooner after the last time: servers bound their rate. */
const updateShare = 0.2;
const updatePause = 50;

let engine: Promise<Engine> | undefined;

/** Resolves when the handshake is finished. The certificate is not looked at: that is what node:tls clients do here. */
export async function makeOwnClient(raw: Socket, random: Random, counts: Counts): Promise<OwnClient> {
  engine ??= loadRuntime().then(createEngine);
  // Without the pool of regions, what arrives is ours to keep.
  const { memory: _, ...environment } = (await engine).environment;
  const client = new OwnClient(
    new ClientConnection({ ...environment, serverName: 'localhost' }),
    raw,
    random,
    counts,
  );
  await new Promise<void>((resolve, reject) => {
    client.once('established', resolve).once('error', reject);
    client.once('close', () => reject(new Error('closed within the handshake')));
  });
  return client;
}

export class OwnClient extends Duplex {
  readonly #connection: ClientConnection;
  readonly #raw: Socket;
  readonly #random: Random;
  readonly #counts: Counts;
  #peerEnded = false;
  #nextUpdate = 0;

  constructor(connection: ClientConnection, raw: Socket, random: Random, counts: Counts) {
    super({ allowHalfOpen: true });
    this.#connection = connection;
    this.#raw = raw;
    this.#random = random;
    this.#counts = counts;
    raw.on('data', (bytes: Buffer) => this.#act(() => connection.receive(bytes)));
    raw.on('end', () => this.#act(() => connection.receiveEnd()));
    raw.on('error', (error) => this.destroy(error));
    // After close_notify what has come is still to be read; Node destroys the stream when both directions have ended.
    raw.on('close', () => {
      if (!this.#peerEnded) this.destroy();
    });
    this.#flush();
  }

  override _read(): void {
    this.#raw.resume();
  }

  override _write(bytes: Buffer, _encoding: string, written: (error?: Error) => void): void {
    if (!this.#connection.established) return written(new Error('not established'));
    if (performance.now() > this.#nextUpdate && this.#random.chance(updateShare)) {
      this.#nextUpdate = performance.now() + updatePause;
      this.#connection.updateKeys(this.#random.chance(0.5));
      this.#counts.keyUpdates++;
    }
    this.#connection.send(bytes);
    this.#flush(written);
  }

  override _final(ended: () => void): void {
    this.#connection.close();
    this.#flush();
    this.#raw.end(ended);
  }

  override _destroy(error: Error | null, destroyed: (error: Error | null) => void): void {
    this.#connection.dispose();
    this.#raw.destroy();
    destroyed(error);
  }

  #act(action: () => void): void {
    action();
    for (let effect = this.#connection.pending; effect !== undefined; effect = this.#connection.pending) {
      this.#connection.resolve(runEffect(effect, { verifyPeer: () => true }));
    }
    this.#flush();
    for (const event of this.#connection.takeEvents()) {
      if (event.type === 'handshake') this.emit('established');
      else if (event.type === 'data' && !this.push(event.bytes)) this.#raw.pause();
      else if (event.type === 'key_update') this.#counts.keyUpdatesAnswered++;
      else if (event.type === 'end') this.#endReading();
      else if (event.type === 'failed') this.destroy(event.error);
    }
  }

  #endReading(): void {
    this.#peerEnded = true;
    this.push(null);
  }

  #flush(written?: () => void): void {
    const output = this.#connection.takeOutput();
    output.forEach((bytes, index) => {
      if (index === output.length - 1 && written !== undefined) this.#raw.write(bytes, written);
      else this.#raw.write(bytes);
    });
    if (output.length === 0) written?.();
  }
}
