/**
 * One connection's failure shows nothing of another's: after every kind of forced error, the memory of others is as it was, and what
 * the failed call has used is wiped.
 */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Aead } from '../../src/crypto/provider.ts';
import { sealedLength } from '../../src/crypto/provider.ts';
import { createWasmProvider, type WasmProvider } from '../../src/crypto/wasm/provider.ts';
import { UsageError } from '../../src/error.ts';
import { WASM_BUILDS, wasmModule } from '../support/wasm_builds.ts';

const random = (length: number) => new Uint8Array(randomBytes(length));
/** More than chance puts in a row anywhere. */
const WINDOW = 8;

/** Whether any 8 bytes in a row of a secret are in the memory outside of the excepted views. */
function isInMemory(provider: WasmProvider, secret: Uint8Array, except: readonly Uint8Array[] = []): boolean {
  const probe = provider.memory.allocateRegion(64);
  expect(provider.memory.holds(probe)).toBe(true);
  const memory = Buffer.from(new Uint8Array(probe.buffer));
  provider.memory.freeRegion(probe);
  for (const view of except) memory.fill(0, view.byteOffset, view.byteOffset + view.length);
  for (let at = 0; at + WINDOW <= secret.length; at += WINDOW) {
    if (memory.includes(Buffer.from(secret.subarray(at, at + WINDOW)))) return true;
  }
  return false;
}

/** A connection's worth: a key, a region, and a record of its own in it. */
function connection(provider: WasmProvider, aead: Aead) {
  const [key, iv, content] = [random(aead.keyLength), random(12), random(1000)];
  const sealing = aead.installKey(key, iv);
  const region = provider.memory.allocateRegion(4096);
  const length = sealing.seal(0, 23, content, region, 16384, 1);
  return { key, iv, content, sealing, region, record: region.subarray(0, length) };
}

describe.each(WASM_BUILDS)('%s build', (build) => {
  const provider = createWasmProvider(wasmModule(build), { memoryBytes: 4 * 1024 * 1024 });

  describe.each([...provider.aeads.values()])('$name', (aead) => {
    test('a forged record: the others keep their memory, nothing of it is released', () => {
      const [own, other] = [connection(provider, aead), connection(provider, aead)];
      const before = other.region.slice();
      const forged = own.record.slice();
      forged[500]! ^= 1;
      own.record.set(forged);
      // In place, apart, and through bytes outside of the memory.
      const outputs = [own.region, provider.memory.allocateRegion(4096), new Uint8Array(4096)];
      for (const output of outputs) {
        output.set(forged);
        const input = output.subarray(0, forged.length);
        expect(own.sealing.open(0, input, output, 16384)).toMatchObject({
          records: 0,
          produced: 0,
          stop: 'bad_record_mac',
        });
        expect(Buffer.from(output).includes(Buffer.from(own.content.subarray(0, WINDOW)))).toBe(false);
      }
      expect(isInMemory(provider, own.content)).toBe(false);
      expect(other.region).toEqual(before);
      // The other one works as before.
      expect(other.sealing.open(0, other.record, other.region, 16384).produced).toBe(1000);
      expect(other.region.subarray(0, 1000)).toEqual(other.content);
      for (const { sealing, region } of [own, other]) {
        sealing.wipe();
        provider.memory.freeRegion(region);
      }
      provider.memory.freeRegion(outputs[1]!);
    });

    test('a wiped key: gone from memory, and its handle opens nothing that comes after it', () => {
      const own = connection(provider, aead);
      own.sealing.wipe();
      expect(isInMemory(provider, own.key)).toBe(false);
      expect(isInMemory(provider, own.iv)).toBe(false);
      // The next key may take the same slot.
      const next = connection(provider, aead);
      expect(() => own.sealing.open(0, next.record, next.region, 16384)).toThrow(UsageError);
      expect(() => own.sealing.seal(0, 23, own.content, new Uint8Array(2000), 16384, 1)).toThrow(UsageError);
      expect(next.sealing.open(0, next.record, next.region, 16384).produced).toBe(1000);
      next.sealing.wipe();
    });

    test('a call that throws changes nothing of others', () => {
      const [own, other] = [connection(provider, aead), connection(provider, aead)];
      const before = other.region.slice();
      const tooShort = new Uint8Array(sealedLength(1000, 16384, 1) - 100);
      expect(() => own.sealing.seal(1, 23, own.content, tooShort, 16384, 1)).toThrow();
      expect(() => own.sealing.open(0, own.record, new Uint8Array(10), 16384)).toThrow(UsageError);
      expect(() => aead.installKey(random(7), random(12))).toThrow();
      expect(other.region).toEqual(before);
      expect(tooShort.every((byte) => byte === 0)).toBe(true);
      for (const { sealing } of [own, other]) sealing.wipe();
    });

    test('a freed region comes back as zeros', () => {
      const own = connection(provider, aead);
      expect(own.sealing.open(0, own.record, own.region, 16384).produced).toBe(1000);
      expect(isInMemory(provider, own.content)).toBe(true);
      provider.memory.freeRegion(own.region);
      expect(isInMemory(provider, own.content)).toBe(false);
      const next = provider.memory.allocateRegion(4096);
      expect(next.every((byte) => byte === 0)).toBe(true);
      own.sealing.wipe();
    });
  });

  test.each([...provider.keyExchanges.values()])('$name: neither success nor refusal leaves secrets', (exchange) => {
    const [offerRandom, respondRandom] = [random(exchange.offerRandomLength), random(exchange.respondRandomLength)];
    const offer = exchange.offer(offerRandom);
    const made = exchange.respond(offer.share, respondRandom)!;
    expect(offer.finish(made.share)).toEqual(made.secret);
    // No point is zero; of ML-KEM alone zeros are a key, but not a coefficient of 4095.
    const invalid = new Uint8Array(exchange.clientShareLength).fill(exchange.group === 0x0202 ? 0xff : 0);
    expect(exchange.respond(invalid, respondRandom)).toBeUndefined();
    for (const secret of [offerRandom, respondRandom, made.secret]) expect(isInMemory(provider, secret)).toBe(false);
  });

  test('hashing leaves no keys', () => {
    for (const hash of [provider.sha256, provider.sha384]) {
      const [key, message] = [random(hash.digestLength), random(100)];
      const tag = hash.hmac(key, message);
      const expanded = hash.expand(key, random(20), 80);
      for (const secret of [key, message, tag, expanded]) expect(isInMemory(provider, secret)).toBe(false);
    }
  });

  test('signing leaves neither key nor nonce', async () => {
    const scalar = random(32);
    scalar[0] = 1;
    const nonceRandom = random(64);
    const signatures = provider.signatures((length) => nonceRandom.slice(0, length));
    for (const type of ['ecdsa_p256', 'ed25519'] as const) {
      const signer = (await signatures.signer({ type, scalar } as Parameters<typeof signatures.signer>[0]))!;
      await signer.sign(signer.schemes[0]!, random(64));
      expect(isInMemory(provider, scalar)).toBe(false);
    }
  });

  test('a full memory is an answer, not a trap', () => {
    const full = createWasmProvider(wasmModule(build), { memoryBytes: 4 * 1024 * 1024 });
    const aead = [...full.aeads.values()][0]!;
    const first = connection(full, aead);
    const before = first.region.slice();
    const regions: Uint8Array[] = [];
    for (let i = 0; i < 10_000 && (i === 0 || full.memory.holds(regions.at(-1)!)); i++) {
      regions.push(full.memory.allocateRegion(65536));
    }
    expect(full.memory.holds(regions.at(-1)!)).toBe(false);
    expect(first.region).toEqual(before);
    expect(first.sealing.open(0, first.record, first.region, 16384).produced).toBe(1000);
  });
});
