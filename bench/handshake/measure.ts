/** One process's part: replays recorded handshakes against the server, and tells what they cost. */
import type { ServerConnection } from '../../src/connection/server.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import type { WasmProvider } from '../../src/crypto/wasm/provider.ts';
import type { Recording } from './recording.ts';
import { Server } from './server.ts';

export interface Measured {
  /** Microseconds of CPU, all threads of the process, for one handshake of the first 100, of those up to 1000, and up to 5000. */
  readonly cold: readonly [number, number, number];
  /** Microseconds for one handshake after that: median and least of many samples. */
  readonly median: number;
  readonly least: number;
}

export interface Allocated {
  /** Bytes for one handshake on V8's heap, and in array buffers beside it. */
  readonly heap: number;
  readonly buffers: number;
}

const STEPS = [100, 1000, 5000] as const;
const SAMPLES = 400;
/** Handshakes in a sample: much less than a time slice, so that on a busy machine most samples are not interrupted. */
const SAMPLE = 8;

export function measureTime(provider: WasmProvider, recording: Recording): Measured {
  const replay = new Replay(provider, recording);
  let done = 0;
  const cold = STEPS.map((end) => {
    const before = process.cpuUsage();
    const count = end - done;
    for (; done < end; done++) replay.handshake();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / count;
  });
  const samples: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    const start = performance.now();
    for (let k = 0; k < SAMPLE; k++) replay.handshake();
    samples.push((performance.now() - start) * 1000 / SAMPLE);
  }
  samples.sort((a, b) => a - b);
  return {
    cold: [cold[0]!, cold[1]!, cold[2]!],
    median: samples[SAMPLES >> 1]!,
    least: samples[0]!,
  };
}

/** To be run with a young generation that holds the whole of a sample. */
export function measureAllocation(provider: WasmProvider, recording: Recording): Allocated {
  const replay = new Replay(provider, recording);
  for (let i = 0; i < 5000; i++) replay.handshake();
  const heap: number[] = [];
  const buffers: number[] = [];
  for (let i = 0; i < 41; i++) {
    const before = process.memoryUsage();
    for (let k = 0; k < 100; k++) replay.handshake();
    const after = process.memoryUsage();
    heap.push((after.heapUsed - before.heapUsed) / 100);
    buffers.push((after.arrayBuffers - before.arrayBuffers) / 100);
  }
  // A collection makes one of them negative.
  const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;
  return { heap: median(heap), buffers: median(buffers) };
}

class Replay {
  readonly #server: Server;
  readonly #recording: Recording;
  /** Where the socket would have put what it reads. */
  readonly #input: Uint8Array;
  #next = 0;
  #random: Uint8Array = new Uint8Array(0);
  #used = 0;
  #records = 0;

  constructor({ memory, ...provider }: WasmProvider, recording: Recording) {
    const crypto: CryptoProvider = provider;
    this.#recording = recording;
    this.#input = memory.allocateRegion(64 * 1024);
    const random = (length: number): Uint8Array => this.#random.slice(this.#used, this.#used += length);
    this.#server = new Server(
      crypto,
      provider.signatures,
      recording.identity,
      random,
      memory.allocateRegion(512 * 1024),
    );
    this.#server.answer = true;
  }

  /** The life of a connection: handshake, a byte and its echo, close_notify both ways. */
  handshake(): void {
    const { exchanges } = this.#recording;
    const { random, flights } = exchanges[this.#next++ % exchanges.length]!;
    this.#random = random;
    this.#used = 0;
    const connection = this.#server.connect();
    for (const flight of flights) {
      this.#input.set(flight);
      this.#server.receive(connection, this.#input.subarray(0, flight.length));
      this.#take(connection);
    }
    if (!connection.writeClosed) throw new Error('the connection is not over');
    connection.dispose();
  }

  #take(connection: ServerConnection): void {
    for (const records of connection.takeOutput()) this.#records += records.length;
  }
}
