/**
 * The server as a whole under a client that is honest for a while: structure-aware, seeded, reproducible.
 *
 * What must hold, whatever comes: no throw, no `internal_error`, one failure at most and silence after it, output bounded by
 * input, an end to every episode, and no handshake without the client's proof where one is required.
 */
import { deflateSync, inflateSync } from 'node:zlib';
import type { ServerConfig } from '../../src/handshake/config.ts';
import { CLIENT, Clock, startServer, TestAntiReplay, TestTickets } from '../support/hostile_server.ts';
import type { MemoryServer } from '../support/memory_server.ts';
import { type Epoch, RawClient, type RawPsk, Type } from '../support/raw_client.ts';
import { type Bytes, concat, extension, message, plainRecord, u8, withExtensions } from '../support/raw_wire.ts';
import { BODIES } from './grammar.ts';
import { Random } from './random.ts';
import { encode, mutate, mutateBytes } from './tree.ts';

export interface ConnectionCounts {
  episodes: number;
  handshakes: number;
  failures: Map<string, number>;
}

const compression = {
  algorithms: [1],
  compress: (_: number, bytes: Uint8Array): Uint8Array => new Uint8Array(deflateSync(bytes)),
  decompress: (_: number, bytes: Uint8Array, length: number): Uint8Array | undefined => {
    try {
      return new Uint8Array(inflateSync(bytes, { maxOutputLength: Math.max(1, length) }));
    } catch {
      return undefined;
    }
  },
};

/** What several episodes share, so that there is something to resume. */
export class Surroundings {
  readonly clock: Clock = new Clock();
  readonly store: TestTickets = new TestTickets();
  readonly antiReplay: TestAntiReplay = new TestAntiReplay();
  psk: RawPsk | undefined;
}

function config(random: Random, { store, antiReplay }: Surroundings): Partial<ServerConfig> {
  return {
    ...random.once(2) ? { tickets: { store } } : {},
    ...random.once(3) ? { tickets: { store }, earlyData: { maxSize: random.pick([0, 100, 16384]), antiReplay } } : {},
    ...random.once(3) ? { clientAuthentication: { mode: random.pick(['request', 'require'] as const) } } : {},
    ...random.once(3) ? { applicationProtocols: ['h2', 'http/1.1'] } : {},
    ...random.once(4) ? { certificateCompression: compression } : {},
    ...random.once(6) ? { requireServerName: true } : {},
    ...random.once(4) ? { maxFragmentLength: random.pick([64, 512]), paddingMultiple: random.pick([1, 32, 1000]) } : {},
    ...random.once(4) ? { receiveFragmentLength: random.pick([64, 1024]) } : {},
    ...random.once(8) ? { groups: [0x17] } : {},
  };
}

function cutter(random: Random): (bytes: Bytes) => Bytes[] {
  const style = random.below(4);
  return (bytes) => {
    if (style < 2 || bytes.length > 5000) return [bytes];
    const parts: Bytes[] = [];
    for (let at = 0; at < bytes.length;) {
      const size = style === 2 ? 1 + random.below(3) : 1 + random.below(200);
      parts.push(bytes.subarray(at, at + size));
      at += size;
    }
    return parts;
  };
}

export async function fuzzConnection(seed: number, around: Surroundings, counts: ConnectionCounts): Promise<void> {
  const random = new Random(seed);
  const options = config(random, around);
  const server = startServer(options, { cut: cutter(random), clock: around.clock });
  const client = new RawClient(server, { group: random.pick([0x1d, 0x1d, 0x17]) });
  if (random.once(2)) client.psk = around.psk;
  const episode = new Episode(random, client, server);
  const started = process.cpuUsage();
  await episode.run();
  check(server, client, episode, options);
  const took = process.cpuUsage(started).user / 1000;
  if (took > 5000) throw new Error(`the episode took ${took} ms`);
  counts.episodes++;
  if (server.info !== undefined) counts.handshakes++;
  const reason = server.reason ?? 'none';
  counts.failures.set(reason, (counts.failures.get(reason) ?? 0) + 1);
  const ticket = client.tickets[0];
  if (ticket !== undefined && server.info !== undefined && client.resumptionSecret !== undefined) {
    around.psk = client.pskOf(ticket);
  }
  if (around.store.sessions.size > 200) around.store.sessions.clear();
}

function check(server: MemoryServer, client: RawClient, episode: Episode, options: Partial<ServerConfig>): void {
  const failures = server.events.filter(({ type }) => type === 'failed');
  if (failures.length > 1) throw new Error('more than one failure');
  if (failures.length === 1 && server.events.at(-1) !== failures[0]) throw new Error('an event after the failure');
  if (server.reason === 'internal_error') throw new Error(`internal_error: ${server.error}`);
  if (client.alerts.length > 2) throw new Error('more than two alerts');
  // The flight with a certificate, and what is echoed, padded and cut small.
  const bound = 200_000 + 40 * episode.sent;
  if (episode.received > bound) throw new Error(`${episode.received} bytes out for ${episode.sent} in`);
  const proven = server.effects.some(({ type }) => type === 'verify_peer') || server.info?.resumed === true;
  if (server.info !== undefined && options.clientAuthentication?.mode === 'require' && !proven) {
    throw new Error('a handshake without the proof that was required');
  }
}

/** One client's life: the honest steps in order, each with a chance of going wrong. */
class Episode {
  readonly #random: Random;
  readonly #client: RawClient;
  readonly #server: MemoryServer;
  /** One step in this many goes wrong. */
  readonly #mildness: number;
  sent: number = 0;
  received: number = 0;
  /** The raw client cannot follow any more: what it sends is noise from here on. */
  #lost: boolean = false;

  constructor(random: Random, client: RawClient, server: MemoryServer) {
    this.#random = random;
    this.#client = client;
    this.#server = server;
    this.#mildness = random.pick([2, 6, 15, 1000]);
  }

  async run(): Promise<void> {
    const client = this.#client;
    const random = this.#random;
    let hello = client.usualHello();
    if (random.once(5)) hello = withExtensions(hello, extension.keyShare([]));
    if (random.once(6)) hello = withExtensions(hello, extension.serverName(random.pick(['a.test', 'b.test'])));
    if (random.once(3)) hello = withExtensions(hello, extension.applicationProtocols(['h2']));
    if (client.psk !== undefined && random.once(2)) hello = withExtensions(hello, extension.earlyData());
    await this.#say(client.encodeHello(hello));
    if (random.once(2) && client.writeKeys.has('early')) await this.#data('early');
    if (client.retry !== undefined && client.serverHello === undefined) {
      await this.#say(client.encodeHello(client.secondHello()));
    }
    if (random.once(3)) await this.#send(plainRecord(Type.changeCipherSpec, u8(1)));
    if (client.encryptedExtensions?.has(42) === true) {
      await this.#data('early');
      await this.#say(message(5, new Uint8Array()), 'early');
    }
    if (client.certificateRequest !== undefined && client.serverHello !== undefined) {
      await this.#say(client.certificateMessage(random.once(4) ? [] : [CLIENT.certificate]));
      await this.#say(client.certificateVerifyMessage(CLIENT.privateKey));
    }
    if (client.serverFinished) {
      await this.#say(client.finishedMessage());
      client.afterFinished();
    }
    for (let steps = random.below(8); steps > 0; steps--) await this.#afterwards();
    if (random.once(2)) await this.#record(Type.alert, Uint8Array.of(1, 0));
    if (random.once(2)) this.#server.end();
    await this.#read();
  }

  async #afterwards(): Promise<void> {
    const client = this.#client;
    switch (this.#random.below(4)) {
      case 0:
        await this.#say(message(24, u8(this.#random.below(2))));
        if (client.writeKeys.has('application')) client.updateWriteKey();
        break;
      case 1:
        await this.#trouble();
        break;
      default:
        await this.#data('application');
    }
  }

  async #data(epoch: Epoch): Promise<void> {
    const length = this.#random.pick([0, 1, 16, 300, 16384]);
    await this.#record(Type.applicationData, new Uint8Array(length).fill(0x61), epoch);
  }

  /** An honest handshake message, or not. */
  async #say(honest: Bytes, epoch: Epoch = this.#client.epoch): Promise<void> {
    const random = this.#random;
    let said = honest;
    if (random.once(this.#mildness)) {
      switch (random.below(6)) {
        case 0:
          return;
        case 1:
          await this.#trouble();
          break;
        case 2:
          said = concat(honest, honest);
          break;
        case 3:
          said = this.#invented(honest[0]!);
          break;
        case 4: {
          const body = mutateBytes(honest.subarray(4), random);
          said = message(honest[0]!, body);
          break;
        }
        default:
          said = mutateBytes(honest, random);
      }
    }
    this.#client.transcript.push(said);
    const size = random.once(4) ? 1 + random.below(100) : 16384;
    for (let at = 0; at < said.length; at += size) {
      await this.#record(Type.handshake, said.subarray(at, at + size), epoch);
    }
  }

  /** A message of `type`, or now and then of any, well formed but for a few mutations. */
  #invented(type: number): Bytes {
    const random = this.#random;
    const kind = random.once(3) ? random.pick([...BODIES.keys()]) : type;
    const tree = BODIES.get(kind)?.(random) ?? [];
    for (let times = random.below(3); times > 0; times--) if (Array.isArray(tree)) mutate(tree, random);
    return message(kind, encode(tree).subarray(0, 60_000));
  }

  async #trouble(): Promise<void> {
    const random = this.#random;
    switch (random.below(5)) {
      case 0:
        return await this.#send(random.bytes(random.length()));
      case 1:
        return await this.#send(plainRecord(random.pick([20, 21, 22, 23, 24, 0]), random.bytes(random.length())));
      case 2:
        return await this.#record(random.pick([0, 20, 21, 22, 23, 24, 255]), random.bytes(random.length()));
      case 3:
        return await this.#record(Type.handshake, this.#invented(random.pick([...BODIES.keys()])));
      default:
        return await this.#record(Type.alert, Uint8Array.of(random.pick([1, 2]), random.below(130)));
    }
  }

  async #record(type: number, content: Bytes, epoch: Epoch = this.#client.epoch): Promise<void> {
    const random = this.#random;
    const known = epoch === 'plaintext' || this.#client.writeKeys.has(epoch);
    const padding = random.once(5) ? random.below(300) : 0;
    const cut = content.subarray(0, 16384);
    let record = this.#client.seal(type, cut, { epoch: known ? epoch : 'plaintext', padding });
    if (random.once(20 * this.#mildness)) record = mutateBytes(record, random);
    await this.#send(record);
  }

  async #send(bytes: Bytes): Promise<void> {
    this.sent += bytes.length;
    this.#server.send(bytes);
    await this.#read();
  }

  async #read(): Promise<void> {
    const failed = this.#server.error !== undefined;
    const bytes = await this.#server.receive();
    this.received += bytes.length;
    if (failed && bytes.length > 0) throw new Error('output after the failure');
    if (this.#lost || bytes.length === 0) return;
    try {
      this.#client.feed(bytes);
    } catch {
      this.#lost = true;
    }
  }
}
