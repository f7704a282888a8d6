/** The short run of the fuzzer; `npm run fuzz -- --seconds N --seed S` is the long one. */
import { describe, expect, test } from 'vitest';
import { TlsError } from '../../src/error.ts';
import { type CodecCounts, fuzzCodecs } from './codec_fuzz.ts';
import { CODECS } from './codecs.ts';
import { type ConnectionCounts, fuzzConnection, Surroundings } from './connection_fuzz.ts';
import { fuzzPair, type PairCounts } from './pair_fuzz.ts';
import { Random } from './random.ts';
import { encode } from './tree.ts';

test('decoders throw nothing but TlsError', () => {
  const counts: CodecCounts = { decoded: 0, refused: 0 };
  for (let seed = 1; seed <= 600; seed++) fuzzCodecs(seed, counts);
  // Both ends of the scale are reached: the fuzzer is neither too tame nor too wild.
  expect(counts.decoded).toBeGreaterThan(1000);
  expect(counts.refused).toBeGreaterThan(1000);
});

describe.each(CODECS)('$name', (codec) => {
  // 9846-6-6
  test('no strict prefix is taken for the whole', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const bytes = encode(codec.grammar(new Random(seed)));
      if (refuses(() => codec.decode(bytes))) continue;
      let accepted = 0;
      for (let length = 0; length < bytes.length; length++) {
        if (!refuses(() => codec.decode(bytes.slice(0, length)))) accepted++;
      }
      expect(accepted).toBeLessThanOrEqual(codec.prefixesAllowed === true ? 1 : 0);
      expect(refuses(() => codec.decode(Uint8Array.of(...bytes, 0)))).toBe(true);
    }
  });
});

function refuses(decode: () => unknown): boolean {
  try {
    decode();
    return false;
  } catch (error) {
    if (!(error instanceof TlsError)) throw error;
    return true;
  }
}

test('a server under a client that is honest for a while', async () => {
  const counts: ConnectionCounts = { episodes: 0, handshakes: 0, failures: new Map() };
  for (let seed = 1; seed <= 40; seed++) {
    const around = new Surroundings();
    for (let i = 0; i < 4; i++) await fuzzConnection(4 * seed + i, around, counts);
  }
  expect(counts.handshakes).toBeGreaterThan(25);
  expect(counts.failures.size).toBeGreaterThan(15);
});

test('both roles with a hand on what they send', () => {
  const counts: PairCounts = { episodes: 0, handshakes: 0, failures: new Map() };
  for (let seed = 1; seed <= 100; seed++) fuzzPair(seed, counts);
  expect(counts.handshakes).toBeGreaterThan(10);
  expect(counts.failures.size).toBeGreaterThan(10);
});

test('the same seed gives the same run', async () => {
  const run = async () => {
    const counts: ConnectionCounts = { episodes: 0, handshakes: 0, failures: new Map() };
    const around = new Surroundings();
    for (let seed = 1; seed <= 20; seed++) await fuzzConnection(seed, around, counts);
    return [...counts.failures];
  };
  expect(await run()).toEqual(await run());
});
