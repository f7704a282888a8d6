/** Record protection in both builds: random batches against two other implementations, edges, forgeries, wiping. */
import { describe, expect, test } from 'vitest';

import { sealedLength } from '../../src/crypto/provider.ts';
import { UsageError } from '../../src/error.ts';
import { CASES, timeFor } from '../support/differential.ts';
import { Random } from '../support/random.ts';
import { concat, nobleSeal, nodeSeal, sealRecord, SUITES } from '../support/sealed_records.ts';
import { wasmProvider } from '../support/wasm.ts';
import { WASM_BUILDS } from '../support/wasm_builds.ts';

const MEMORY = { memoryBytes: 8 * 1024 * 1024 };
const LIMIT = 16384;

/** As `toEqual`, but quick. */
function expectSame(actual: Uint8Array, expected: Uint8Array, hint: string): void {
  expect(Buffer.compare(actual, expected), hint).toBe(0);
}

/** Lengths around the edges of blocks and batches of blocks. */
const EDGES = [16, 32, 48, 64, 96, 128, 192, 256, 480, 512, 768, 1024, 2048, 4096].flatMap((n) => [n - 1, n, n + 1]);

function randomLength(random: Random): number {
  const kind = random.below(40);
  if (kind < 20) return 1 + random.below(200);
  if (kind < 34) return random.pick(EDGES);
  if (kind < 39) return 1 + random.below(3000);
  return LIMIT - random.below(40);
}

/** Where input and output of a case lie. */
const PLACES = ['in place', 'apart', 'from outside', 'to outside', 'outside'] as const;
type Place = typeof PLACES[number];

/** Two views for `open` of an input, which is copied there. */
function place(provider: ReturnType<typeof wasmProvider>, where: Place, input: Uint8Array) {
  const take = (inside: boolean) =>
    inside ? provider.memory.allocateRegion(Math.max(1, input.length)) : new Uint8Array(Math.max(1, input.length));
  const from = take(where === 'in place' || where === 'apart' || where === 'to outside');
  const to = where === 'in place' ? from : take(where === 'apart' || where === 'from outside');
  from.set(input);
  return {
    from: from.subarray(0, input.length),
    to: to.subarray(0, input.length),
    free() {
      provider.memory.freeRegion(from);
      if (to !== from) provider.memory.freeRegion(to);
    },
  };
}

describe.each(WASM_BUILDS)('%s build', (build) => {
  const provider = wasmProvider(build, MEMORY);

  describe.each(SUITES)('$name', (suite) => {
    const aead = provider.aeads.get(suite.code)!;
    const install = (random: Random) => {
      const key = random.bytes(suite.keyLength);
      const iv = random.bytes(12);
      return { key, iv, recordKey: aead.installKey(key, iv) };
    };

    test('opens batches that others sealed', timeFor(CASES), () => {
      const random = new Random();
      for (let i = 0; i < CASES; i++) {
        const { key, iv, recordKey } = install(random);
        const sequence = random.pick([0, random.below(1000), 0xffff_ffff, 2 ** 40 + random.below(1000)]);
        const contents = Array.from({ length: 1 + random.below(5) }, () => random.bytes(randomLength(random)));
        const short = contents.every((content) => content.length < 300);
        const records = contents.map((content, n) => {
          const padding = random.pick([0, 0, 1, random.below(40)]);
          const pad = content.length + padding > LIMIT ? 0 : padding;
          const seal = short && random.below(4) === 0 ? nobleSeal : nodeSeal;
          return sealRecord(seal, suite, key, iv, sequence + n, content, 23, pad);
        });
        const input = concat(records);
        const where = random.pick(PLACES);
        const { from, to, free } = place(provider, where, input);
        const opened = recordKey.open(sequence, from, to, LIMIT);
        const expected = concat(contents);
        expect({ ...opened }).toMatchObject({
          records: records.length,
          consumed: input.length,
          produced: expected.length,
          stop: 'end',
        });
        expectSame(to.subarray(0, expected.length), expected, `case ${i}, ${where}`);
        if (from !== to && where !== 'in place') expectSame(from, input, `input of case ${i} was changed`);
        free();
        recordKey.wipe();
      }
    });

    test('seals as others do', timeFor(CASES), () => {
      const random = new Random();
      for (let i = 0; i < CASES; i++) {
        const { key, iv, recordKey } = install(random);
        const sequence = random.pick([0, random.below(1000), 0xffff_fffe, 2 ** 40 + random.below(1000)]);
        const content = random.bytes(
          random.pick([0, randomLength(random), randomLength(random) + randomLength(random)]),
        );
        const limit = random.pick([LIMIT, LIMIT, 64 + random.below(2000)]);
        const multiple = random.pick([1, 1, 16, 64, 256, 1 + random.below(300), 20000]);
        const contentType = random.pick([21, 22, 23]);
        const expected: Uint8Array[] = [];
        for (let at = 0; at === 0 || at < content.length; at += limit) {
          const fragment = content.subarray(at, at + limit);
          const inner = Math.min(Math.ceil((fragment.length + 1) / multiple) * multiple, 16385);
          const seal = fragment.length < 300 && random.below(4) === 0 ? nobleSeal : nodeSeal;
          const padding = inner - fragment.length - 1;
          expected.push(sealRecord(seal, suite, key, iv, sequence + expected.length, fragment, contentType, padding));
        }
        const room = sealedLength(content.length, limit, Math.min(multiple, 16385));
        const inside = random.below(2) === 0;
        const from = inside
          ? provider.memory.allocateRegion(Math.max(1, content.length))
          : new Uint8Array(content.length);
        const to = inside ? provider.memory.allocateRegion(room) : new Uint8Array(room);
        from.set(content);
        const source = from.subarray(0, content.length);
        const written = recordKey.seal(sequence, contentType, source, to, limit, multiple);
        expectSame(to.subarray(0, written), concat(expected), `case ${i}`);
        provider.memory.freeRegion(from);
        provider.memory.freeRegion(to);
        recordKey.wipe();
      }
    });

    test('every length up to 1200, both ways', () => {
      const random = new Random();
      const { key, iv, recordKey } = install(random);
      const all = random.bytes(1200);
      const sealed = provider.memory.allocateRegion(1300);
      for (let length = 0; length <= 1200; length++) {
        const content = all.subarray(0, length);
        const written = recordKey.seal(length, 23, content, sealed, LIMIT, 1);
        const record = sealed.subarray(0, written);
        expectSame(record, sealRecord(nodeSeal, suite, key, iv, length, content, 23, 0), `length ${length}`);
        const opened = recordKey.open(length, record, record, LIMIT);
        expect(opened.stop).toBe(length === 0 ? 'other' : 'end');
        expectSame(record.subarray(0, length), content, `length ${length}`);
      }
      provider.memory.freeRegion(sealed);
      recordKey.wipe();
    });

    test('refuses a record with any byte changed, and releases nothing of it', () => {
      const random = new Random();
      const { key, iv, recordKey } = install(random);
      for (const length of [1, 40, 300, 700]) {
        const first = sealRecord(nodeSeal, suite, key, iv, 7, random.bytes(50), 23, 0);
        const second = sealRecord(nodeSeal, suite, key, iv, 8, random.bytes(length), 23, 3);
        const third = sealRecord(nodeSeal, suite, key, iv, 9, random.bytes(20), 23, 0);
        const region = provider.memory.allocateRegion(first.length + second.length + third.length);
        const output = provider.memory.allocateRegion(region.length);
        for (let i = 0; i < second.length; i++) {
          // A changed length is not a whole record any more, which the caller rules out.
          if (i === 3 || i === 4) continue;
          const forged = second.slice();
          forged[i]! ^= 1 << random.below(8);
          region.set(concat([first, forged, third]));
          output.fill(0xaa);
          const opened = recordKey.open(7, region, output, LIMIT);
          const expected = { records: 1, consumed: first.length, produced: 50, stop: 'bad_record_mac' };
          expect({ ...opened }, `byte ${i}`).toMatchObject(expected);
          const released = output.subarray(50).some((byte) => byte !== 0 && byte !== 0xaa && byte !== 23);
          expect(released, `byte ${i}`).toBe(false);
        }
        provider.memory.freeRegion(region);
        provider.memory.freeRegion(output);
      }
      recordKey.wipe();
    });

    test('refuses a record under the number of another', () => {
      const random = new Random();
      const { key, iv, recordKey } = install(random);
      const record = sealRecord(nodeSeal, suite, key, iv, 0x1_0000_0000, random.bytes(50), 23, 0);
      for (const sequence of [0, 1, 0xffff_ffff, 0x2_0000_0000]) {
        expect(recordKey.open(sequence, record, new Uint8Array(record.length), LIMIT).stop).toBe('bad_record_mac');
      }
      expect(recordKey.open(0x1_0000_0000, record, new Uint8Array(record.length), LIMIT).stop).toBe('end');
      recordKey.wipe();
    });

    test.each(PLACES)('stops after what is not plain application data, %s', (where) => {
      const random = new Random();
      const { key, iv, recordKey } = install(random);
      const data = random.bytes(100);
      const before = sealRecord(nodeSeal, suite, key, iv, 0, data, 23, 5);
      const after = sealRecord(nodeSeal, suite, key, iv, 2, data, 23, 0);
      const cases = [
        { content: Uint8Array.of(1, 0), type: 21, padding: 0, expected: { contentType: 21, contentLength: 2 } },
        { content: random.bytes(400), type: 22, padding: 30, expected: { contentType: 22, contentLength: 400 } },
        { content: new Uint8Array(0), type: 23, padding: 9, expected: { contentType: 23, contentLength: 0 } },
        { content: new Uint8Array(0), type: 0, padding: 9, expected: { contentType: 0, contentLength: 0 } },
        { content: random.bytes(1001), type: 23, padding: 0, expected: { contentType: 23, contentLength: 1001 } },
      ];
      for (const { content, type, padding, expected } of cases) {
        const record = sealRecord(nodeSeal, suite, key, iv, 1, content, type, padding);
        const { from, to, free } = place(provider, where, concat([before, record, after]));
        const opened = { ...recordKey.open(0, from, to, 1000) };
        expect(opened).toEqual({
          records: 2,
          consumed: before.length + record.length,
          produced: 100,
          stop: 'other',
          // All zeros: the byte that would be the type is padding too.
          paddingLength: padding + (type === 0 ? 1 : 0),
          ...expected,
        });
        expectSame(to.subarray(0, 100), data, 'data before');
        expectSame(to.subarray(100, 100 + content.length), content, 'the other content');
        free();
      }
      recordKey.wipe();
    });

    test('many records and megabytes from outside the memory', () => {
      const random = new Random();
      const { key, iv, recordKey } = install(random);
      const content = random.bytes(1_500_000);
      const sealed = new Uint8Array(sealedLength(content.length, LIMIT, 1));
      expect(recordKey.seal(5, 23, content, sealed, LIMIT, 1)).toBe(sealed.length);
      const last = Math.ceil(content.length / LIMIT) - 1;
      const tail = sealRecord(nodeSeal, suite, key, iv, 5 + last, content.subarray(last * LIMIT), 23, 0);
      expectSame(sealed.subarray(-tail.length), tail, 'last record');
      const opened = recordKey.open(5, sealed, sealed, LIMIT);
      expect(opened).toMatchObject({
        records: last + 1,
        consumed: sealed.length,
        produced: content.length,
        stop: 'end',
      });
      expectSame(sealed.subarray(0, content.length), content, 'content');
      recordKey.wipe();
    });

    test('a wiped key is gone from the memory, and refuses work', () => {
      const random = new Random();
      const { key, iv, recordKey } = install(random);
      const record = sealRecord(nodeSeal, suite, key, iv, 0, random.bytes(3000), 23, 0);
      recordKey.open(0, record, new Uint8Array(record.length), LIMIT);
      recordKey.seal(0, 23, random.bytes(3000), new Uint8Array(4000), LIMIT, 1);
      const memory = wholeMemory(provider);
      expect(contains(memory, iv)).toBe(true);
      recordKey.wipe();
      recordKey.wipe();
      expect(contains(memory, iv)).toBe(false);
      for (const part of [key, key.subarray(0, 16), key.subarray(-16), key.subarray(8, 16)]) {
        expect(contains(memory, part)).toBe(false);
      }
      expect(() => recordKey.open(0, record, record, LIMIT)).toThrow(UsageError);
      expect(() => recordKey.seal(0, 23, iv, record, LIMIT, 1)).toThrow(UsageError);
    });

    test('misuse is named', () => {
      expect(() => aead.installKey(new Uint8Array(suite.keyLength - 1), new Uint8Array(12))).toThrow(UsageError);
      expect(() => aead.installKey(new Uint8Array(suite.keyLength), new Uint8Array(8))).toThrow(UsageError);
      const recordKey = aead.installKey(new Uint8Array(suite.keyLength), new Uint8Array(12));
      const inside = provider.memory.allocateRegion(200);
      const short = inside.subarray(100, 120);
      expect(() => recordKey.open(0, inside, short, LIMIT)).toThrow(UsageError);
      expect(() => recordKey.seal(0, 23, inside.subarray(0, 50), short, LIMIT, 1)).toThrow(UsageError);
      expect(() => recordKey.seal(0, 23, inside.subarray(0, 50), short, 0, 1)).toThrow(UsageError);
      expect(() => recordKey.seal(0, 23, inside.subarray(0, 50), short, LIMIT, 0)).toThrow(UsageError);
      provider.memory.freeRegion(inside);
      recordKey.wipe();
    });
  });

  test('40,000 keys fit', () => {
    const large = wasmProvider(build);
    const keys = SUITES.flatMap((suite) => {
      const aead = large.aeads.get(suite.code)!;
      const key = new Uint8Array(suite.keyLength);
      return Array.from({ length: 40_000 }, () => aead.installKey(key, new Uint8Array(12)));
    });
    keys.forEach((key) => key.wipe());
  });
});

function wholeMemory(provider: ReturnType<typeof wasmProvider>): Uint8Array {
  const region = provider.memory.allocateRegion(16);
  provider.memory.freeRegion(region);
  return new Uint8Array(region.buffer);
}

function contains(memory: Uint8Array, part: Uint8Array): boolean {
  return Buffer.from(memory.buffer).indexOf(part) >= 0;
}
