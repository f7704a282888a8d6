/** The provider as a whole: its self-test, its memory, and wrong options. */
import { expect, test } from 'vitest';
import { RegionArena, SlotArena } from '../../src/crypto/wasm/arena.ts';
import { chooseBuild, hasRelaxedSimd } from '../../src/crypto/wasm/instance.ts';
import { testedFirst } from '../../src/crypto/wasm/provider.ts';
import { keyExchangeAnswers, RECORD_ANSWERS, selfTest } from '../../src/crypto/wasm/self_test.ts';
import { UsageError } from '../../src/error.ts';
import { wasmProvider } from '../support/wasm.ts';
import { WASM_BUILDS } from '../support/wasm_builds.ts';

test.each(WASM_BUILDS)('the %s build passes its known answers', (build) => {
  expect(wasmProvider(build).build).toBe(build);
});

test('a runtime with relaxed SIMD gets the relaxed build', () => {
  expect(chooseBuild()).toBe(hasRelaxedSimd() ? 'relaxed' : 'strict');
});

test('a wrong answer is refused by name', () => {
  const provider = wasmProvider();
  const { sha256 } = provider;
  const wrong = {
    ...provider,
    sha384: {
      name: 'SHA-384' as const,
      digestLength: 48,
      digest: (message: Uint8Array) => sha256.digest(message),
      start: () => sha256.start(),
      secret: (bytes: Uint8Array) => sha256.secret(bytes),
      hmac: (key: Uint8Array, message: Uint8Array) => sha256.hmac(key, message),
      extract: (salt: Uint8Array, secret: Uint8Array) => sha256.extract(salt, secret),
      expand: (key: Uint8Array, info: Uint8Array, length: number) => sha256.expand(key, info, length),
    },
  };
  expect(() => selfTest(provider, RECORD_ANSWERS)).not.toThrow();
  expect(() => selfTest(wrong, RECORD_ANSWERS)).toThrow(/SHA-384/);
});

test('an AEAD that accepts anything is refused by name', () => {
  const provider = wasmProvider();
  const aead = provider.aeads.get(0x1303)!;
  const careless = {
    name: aead.name,
    decrypt: aead.decrypt.bind(aead),
    deriveKey: aead.deriveKey.bind(aead),
    keyLength: aead.keyLength,
    ivLength: aead.ivLength,
    tagLength: aead.tagLength,
    recordLimit: aead.recordLimit,
    installKey(key: Uint8Array, iv: Uint8Array) {
      const good = aead.installKey(key, iv);
      return {
        seal: good.seal.bind(good),
        wipe: good.wipe.bind(good),
        open(...args: Parameters<typeof good.open>) {
          const opened = good.open(...args);
          return opened.stop === 'bad_record_mac' ? { ...opened, stop: 'end' as const } : opened;
        },
      };
    },
  };
  const aeads = new Map(provider.aeads).set(0x1303, careless);
  expect(() => selfTest({ ...provider, aeads }, RECORD_ANSWERS)).toThrow(/ChaCha20-Poly1305/);
});

test('a group that only some configurations name is tested once, before its first use', () => {
  const provider = wasmProvider();
  const random = (length: number) => new Uint8Array(length).fill(3);
  for (const exchange of provider.keyExchanges.values()) {
    let times = 0;
    const watched = testedFirst(exchange, () => times++);
    const { share } = watched.offer(random(exchange.offerRandomLength));
    expect(watched.respond(share, random(exchange.respondRandomLength))).toBeDefined();
    expect(times, exchange.name).toBe(exchange.onRequest ? 1 : 0);
  }
  // What it gives is not the answer of the group whose name it has.
  const p384 = provider.keyExchanges.get(0x0018)!;
  const wrong = { ...p384, name: 'x25519' };
  const refused = testedFirst(wrong, () => selfTest(provider, keyExchangeAnswers([wrong])));
  for (let twice = 0; twice < 2; twice++) {
    expect(() => refused.offer(random(p384.offerRandomLength))).toThrow(/x25519 gave a wrong answer/);
    expect(() => refused.respond(new Uint8Array(97), random(p384.respondRandomLength))).toThrow(/self-test failed/);
  }
});

test.each([0, 1000, 65536, 2 ** 32 + 65536, NaN])('a memory of %s bytes is refused', (memoryBytes) => {
  expect(() => wasmProvider('strict', { memoryBytes })).toThrow(UsageError);
});

test('regions are zero, apart, reused and joined', () => {
  const bytes = new Uint8Array(64 * 1024);
  const arena = new RegionArena(bytes, 4096, bytes.length);
  const [a, b, c] = [arena.allocate(5000), arena.allocate(4096), arena.allocate(40_000)] as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  expect([a.byteOffset, b.byteOffset, c.byteOffset]).toEqual([4096, 12288, 16384]);
  expect(a.length).toBe(5000);
  expect(arena.allocate(20_000)).toBeUndefined();
  a.fill(1);
  b.fill(2);
  arena.free(a);
  expect(() => arena.free(a)).toThrow(UsageError);
  expect(() => arena.free(b.subarray(1))).toThrow(UsageError);
  arena.free(b);
  const again = arena.allocate(12_288)!;
  expect(again.byteOffset).toBe(4096);
  expect(again.every((byte) => byte === 0)).toBe(true);
  arena.free(c);
  arena.free(again);
  expect(arena.allocate(bytes.length - 4096)?.byteOffset).toBe(4096);
});

test('slots are wiped, and reused by size', () => {
  const bytes = new Uint8Array(1024);
  const arena = new SlotArena(0, 256, (address, length) => bytes.fill(0, address, address + length));
  const small = arena.slots(44);
  const first = small.allocate();
  expect([first, arena.slots(100).allocate()]).toEqual([0, 48]);
  bytes.fill(9, first, first + 48);
  small.free(first);
  expect(bytes.subarray(0, 48).every((byte) => byte === 0)).toBe(true);
  expect(arena.slots(40).allocate()).toBe(first);
  expect(arena.slots(96).allocate()).toBe(160);
  expect(() => arena.slots(1).allocate()).toThrow(RangeError);
});

test('a full data plane hands out ordinary bytes, which work the same', () => {
  const { memory, aeads } = wasmProvider('strict', { memoryBytes: 4 * 1024 * 1024 });
  const region = memory.allocateRegion(16 * 1024 * 1024);
  expect(memory.holds(region)).toBe(false);
  const key = aeads.get(0x1303)!.installKey(new Uint8Array(32), new Uint8Array(12));
  const content = Uint8Array.of(1, 2, 3);
  const length = key.seal(0, 23, content, region, 16384, 1);
  expect(key.open(0, region.subarray(0, length), region, 16384).produced).toBe(3);
  expect(region.subarray(0, 3)).toEqual(content);
  memory.freeRegion(region);
  expect(region[0]).toBe(0);
});

test('a memory of 256 MiB costs what is touched', () => {
  const before = process.memoryUsage().rss;
  const providers = [wasmProvider(), wasmProvider(), wasmProvider(), wasmProvider()];
  expect(providers.every(({ memory }) => memory.allocateRegion(100).buffer.byteLength === 256 * 1024 * 1024)).toBe(
    true,
  );
  expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
});
