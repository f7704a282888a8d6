import { expect, test } from 'vitest';
import type { Environment } from '../../src/handshake/config.ts';
import { Pair, seededRandom } from '../support/pair.ts';

/** A conversation with a HelloRetryRequest, a client certificate, tickets, data both ways, KeyUpdates and both closes. */
function converse(
  wire: (from: 'client' | 'server', bytes: Uint8Array) => Uint8Array[],
  memory: Pick<Environment, 'memory'> = {},
) {
  const pair = new Pair({
    wire,
    server: { ...memory, groups: [0x0018], applicationProtocols: ['h2', 'http/1.1'], paddingMultiple: 64 },
    client: { groups: [0x001d, 0x0018], applicationProtocols: ['http/1.1'] },
  }).run();
  const data = seededRandom('data');
  for (const length of [1, 1000, 16384, 40000]) {
    pair.client.send(data(length));
    pair.server.send(data(2 * length));
    pair.run();
  }
  pair.client.updateKeys(true);
  pair.client.send(data(10));
  pair.run();
  pair.server.send(data(20));
  pair.run();
  pair.client.close();
  pair.run();
  pair.server.send(data(30));
  pair.server.close();
  pair.run();
  const shape = (events: typeof pair.serverEvents) => {
    const kinds: string[] = [];
    for (const { type } of events) if (kinds.at(-1) !== type) kinds.push(type);
    return kinds;
  };
  return {
    client: pair.received('client').toString('hex'),
    server: pair.received('server').toString('hex'),
    clientEvents: shape(pair.clientEvents),
    serverEvents: shape(pair.serverEvents),
    errors: [pair.client.error, pair.server.error],
  };
}

const whole = converse((_from, bytes) => [bytes]);

test('the conversation runs to its end', () => {
  expect(whole.errors).toEqual([undefined, undefined]);
  expect(whole.serverEvents).toEqual(['handshake', 'data', 'key_update', 'data', 'end']);
  expect(whole.clientEvents).toEqual(['handshake', 'data', 'key_update', 'data', 'end']);
  expect(whole.server.length / 2).toBe(1 + 1000 + 16384 + 40000 + 10);
  expect(whole.client.length / 2).toBe(2 * (1 + 1000 + 16384 + 40000) + 20 + 30);
});

test('byte for byte the same result when delivered one byte at a time', () => {
  expect(converse((_from, bytes) => Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)))).toEqual(whole);
});

/** Cuts into pieces of 1 to 65536 bytes. */
function randomCuts(seed: string): (from: string, bytes: Uint8Array) => Uint8Array[] {
  const random = seededRandom(seed);
  return (_from, bytes) => {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      const [a, b] = random(2) as unknown as [number, number];
      const length = 1 + ((a << 8 | b) >> (a & 15));
      parts.push(bytes.subarray(at, at + length));
      at += length;
    }
    return parts;
  };
}

test('the same result at random cuts', () => {
  for (let seed = 0; seed < 20; seed++) expect(converse(randomCuts(`cut ${seed}`))).toEqual(whole);
});

test('space for incomplete records is given back once each, and nothing in it is read any more', () => {
  const lent = new Set<Uint8Array>();
  let taken = 0;
  const incomplete = {
    take(length: number) {
      const space = new Uint8Array(length + 7).fill(0xee);
      lent.add(space);
      taken++;
      return space;
    },
    giveBack(space: Uint8Array) {
      expect(lent.delete(space)).toBe(true);
      space.fill(0xee);
    },
  };
  const fresh = (length: number) => new Uint8Array(length);
  const environment = { memory: { output: fresh, plaintext: fresh, incomplete } };
  expect(converse(randomCuts('cut 0'), environment)).toEqual(whole);
  expect(taken).toBeGreaterThan(10);
  expect(lent.size).toBe(0);
});

test('a connection that ends within a record gives the space of it back', () => {
  const lent: Uint8Array[] = [];
  const fresh = (length: number) => new Uint8Array(length);
  const incomplete = {
    take: (length: number) => {
      lent.push(fresh(length));
      return lent.at(-1) as Uint8Array;
    },
    giveBack: (space: Uint8Array) => void lent.splice(lent.indexOf(space), 1),
  };
  const { server } = new Pair({ server: { memory: { output: fresh, plaintext: fresh, incomplete } } });
  server.receive(Uint8Array.of(22, 3, 1, 0, 200, 1));
  expect(lent.length).toBe(1);
  server.dispose();
  expect(lent).toEqual([]);
});

test('the same result when every chunk comes in an array that is overwritten afterwards', () => {
  const shared = new Uint8Array(1 << 20);
  const pair = new Pair({
    wire: (_from, bytes) => {
      shared.fill(0xee);
      shared.set(bytes);
      const cut = Math.max(0, bytes.length - 7);
      return [shared.subarray(0, cut), bytes.subarray(cut)];
    },
  }).run();
  pair.client.send(new Uint8Array(50000).fill(7));
  pair.run();
  expect(pair.received('server').equals(Buffer.alloc(50000, 7))).toBe(true);
});
