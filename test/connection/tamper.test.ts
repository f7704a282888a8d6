import { describe, expect, test } from 'vitest';
import { Pair, settle } from '../support/pair.ts';

/** A pair past its handshake, whose next bytes from the client are the test's to alter. */
function established(): Pair {
  return new Pair().run();
}

function deliver(pair: Pair, alter: (record: Uint8Array) => void): Pair {
  pair.client.send(Uint8Array.from({ length: 100 }, (_, i) => i));
  const [record] = pair.client.takeOutput() as [Uint8Array];
  alter(record);
  pair.server.receive(record);
  return pair;
}

describe('one altered bit', () => {
  test('anywhere in a protected record ends the connection with bad_record_mac and releases nothing', () => {
    for (let bit = 5 * 8; bit < (5 + 100 + 17) * 8; bit += 5) {
      const pair = deliver(established(), (record) => {
        record[bit >> 3] = (record[bit >> 3] as number) ^ 1 << (bit & 7);
      });
      expect(pair.server.error?.reason).toBe('bad_record_mac');
      expect(pair.server.error?.alert).toBe('bad_record_mac');
      expect(pair.server.takeEvents().map((event) => event.type)).toEqual(['failed']);
      // The peer is told.
      pair.client.receive(pair.server.takeOutput()[0] as Uint8Array);
      expect(pair.client.error?.reason).toBe('peer_alert');
      expect(pair.client.error?.alert).toBe('bad_record_mac');
    }
  });

  test('in the header of a protected record fails as well', () => {
    const outcomes = [0, 1, 2, 3, 4].map((index) =>
      deliver(established(), (record) => {
        record[index] = (record[index] as number) ^ 1;
      }).server.error?.reason
    );
    // The type is another, the version is authenticated, the length waits for more or leaves bytes over.
    expect(outcomes).toEqual([
      'unexpected_record_type',
      'bad_record_mac',
      'bad_record_mac',
      undefined,
      'bad_record_mac',
    ]);
  });

  test('in any handshake record of either side is found', () => {
    for (const side of ['client', 'server'] as const) {
      for (let chunk = 0; chunk < 2; chunk++) {
        let seen = 0;
        const pair = new Pair({
          wire: (from, bytes) => {
            if (from === side && seen++ === chunk) bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
            return [bytes];
          },
        }).run();
        const sent = seen > chunk;
        expect(sent ? [pair.client.error, pair.server.error].some((error) => error !== undefined) : true).toBe(true);
      }
    }
  });
});

describe('order', () => {
  test('a replayed record fails', () => {
    const pair = established();
    pair.client.send(Uint8Array.of(1, 2, 3));
    const [record] = pair.client.takeOutput() as [Uint8Array];
    pair.server.receive(record.slice());
    pair.server.receive(record.slice());
    expect(pair.server.error?.reason).toBe('bad_record_mac');
  });

  test('a dropped record is noticed by the next', () => {
    const pair = established();
    pair.client.send(Uint8Array.of(1));
    pair.client.takeOutput();
    pair.client.send(Uint8Array.of(2));
    for (const chunk of pair.client.takeOutput()) pair.server.receive(chunk);
    expect(pair.server.error?.reason).toBe('bad_record_mac');
  });
});

describe('the end', () => {
  test('without close_notify is a truncation', () => {
    const pair = established();
    pair.server.receiveEnd();
    expect(pair.server.error?.reason).toBe('truncated');
    expect(pair.server.takeOutput()).toEqual([]);
  });

  test('with close_notify is clean, and what comes after is ignored', () => {
    const pair = established();
    pair.client.close();
    pair.run();
    pair.server.receive(new Uint8Array(100));
    pair.server.receiveEnd();
    expect(pair.server.error).toBeUndefined();
    expect(pair.serverEvents.at(-1)?.type).toBe('end');
  });

  test('in the middle of the handshake is a truncation', () => {
    const pair = new Pair();
    pair.server.receive((pair.client.takeOutput()[0] as Uint8Array).subarray(0, 100));
    pair.server.receiveEnd();
    settle(pair.server);
    expect(pair.server.error?.reason).toBe('truncated');
  });
});
