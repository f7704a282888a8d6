import { expect, test } from 'vitest';
import { Pair, seededRandom } from '../support/pair.ts';

/** A conversation with a HelloRetryRequest, a client certificate, tickets, data both ways, KeyUpdates and both closes. */
function converse(wire: (from: 'client' | 'server', bytes: Uint8Array) => Uint8Array[]) {
  const pair = new Pair({
    wire,
    server: { groups: [0x0018], applicationProtocols: ['h2', 'http/1.1'], paddingMultiple: 64 },
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

test('the same result at random cuts', () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = seededRandom(`cut ${seed}`);
    const result = converse((_from, bytes) => {
      const parts: Uint8Array[] = [];
      for (let at = 0; at < bytes.length;) {
        const [a, b] = random(2) as unknown as [number, number];
        const length = 1 + ((a << 8 | b) >> (a & 15));
        parts.push(bytes.subarray(at, at + length));
        at += length;
      }
      return parts;
    });
    expect(result).toEqual(whole);
  }
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
