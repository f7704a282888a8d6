/** What operations with secrets leave on the stack of the instance: nothing. The stack is the first 256 KiB of its memory, growing down. */
import { describe, expect, test } from 'vitest';
import { createAeads } from '../../src/crypto/wasm/aead.ts';
import { createArenas } from '../../src/crypto/wasm/arena.ts';
import { createHashes } from '../../src/crypto/wasm/hash.ts';
import { ecdheKeyExchanges } from '../../src/crypto/wasm/key_exchange.ts';
import { mlKem768 } from '../../src/crypto/wasm/mlkem.ts';
import { ecdsaSigner, ed25519Signer } from '../../src/crypto/wasm/signature.ts';
import { sealedLength } from '../../src/crypto/provider.ts';
import { SignatureScheme } from '../../src/registry/signature_scheme.ts';
import { WASM_BUILDS, wasmBuild } from '../support/wasm_builds.ts';

const STACK = 256 * 1024;
const UNTOUCHED = 0xaa;
/** The exports' own frames, which hold addresses and results but no secrets, lie above what is wiped. */
const OWN_FRAME = 256;

describe.each(WASM_BUILDS)('%s build', (build) => {
  const instance = wasmBuild(build);
  const exchanges = [...ecdheKeyExchanges(instance).values()];
  const random = (length: number) => new Uint8Array(length).fill(0x5c);

  /** Runs `operation` on a painted stack. */
  function expectClean(operation: () => unknown): void {
    operation(); // tables are made at the first use
    const stack = instance.bytes.subarray(0, STACK);
    stack.fill(UNTOUCHED);
    operation();
    const lowest = stack.findIndex((byte) => byte !== UNTOUCHED);
    expect(lowest).toBeGreaterThan(0);
    const touched = stack.subarray(lowest, STACK - OWN_FRAME);
    expect(touched.length).toBeGreaterThan(0);
    expect(touched.findIndex((byte) => byte !== 0 && byte !== UNTOUCHED)).toBe(-1);
  }

  test.each(exchanges.map((exchange) => [exchange.name, exchange] as const))('%s', (_name, exchange) => {
    const share = exchange.offer(random(exchange.offerRandomLength)).share;
    expectClean(() => exchange.respond(share, random(exchange.respondRandomLength)));
    expectClean(() => exchange.offer(random(exchange.offerRandomLength)).finish(share));
  });

  test('the key schedule', () => {
    const { slots } = createArenas(instance);
    const aeads = Object.values(createAeads(instance, slots));
    for (const hash of Object.values(createHashes(instance, slots))) {
      const [bytes, info] = [random(hash.digestLength), new Uint8Array(60)];
      const secret = () => hash.secret(bytes);
      expectClean(() => secret().extract(bytes).wipe());
      expectClean(() => secret().derive(info).wipe());
      expectClean(() => secret().expand(info, 100));
      expectClean(() => secret().mac(info));
      for (const aead of aeads) expectClean(() => aead.deriveKey(secret(), info, info).wipe());
    }
  });

  /** What `operation` leaves on a painted stack. */
  function residue(operation: () => unknown): Uint8Array {
    instance.bytes.fill(UNTOUCHED, 0, STACK);
    operation();
    return instance.bytes.slice(0, STACK - OWN_FRAME);
  }

  // Long calls of AES-GCM leave addresses between the tables they wipe; what they leave must be the same for other keys and contents.
  test('records of all lengths that take a path of their own', () => {
    const { slots } = createArenas(instance);
    const lengths = [0, 64, 300, 600, 1024, 3000, 16384, 40_000];
    for (const aead of Object.values(createAeads(instance, slots))) {
      const residues = [0x5c, 0x93].map((byte) => {
        const key = aead.installKey(new Uint8Array(aead.keyLength).fill(byte), new Uint8Array(12).fill(byte));
        const left = lengths.flatMap((length) => {
          const content = new Uint8Array(length).fill(byte);
          const records = new Uint8Array(sealedLength(length, 16384, 1));
          const opened = new Uint8Array(records.length);
          const sealing = residue(() => key.seal(0, 23, content, records, 16384, 1));
          const opening = residue(() => expect(key.open(0, records, opened, 16384).stop).not.toBe('bad_record_mac'));
          records[7]! ^= 1;
          const refusing = residue(() => expect(key.open(0, records, opened, 16384).stop).toBe('bad_record_mac'));
          return [sealing, opening, refusing];
        });
        key.wipe();
        return left;
      });
      residues[0]!.forEach((left, i) => {
        const lowest = left.findIndex((byte) => byte !== UNTOUCHED);
        expect(lowest).toBeGreaterThan(0);
        const other = residues[1]![i]!;
        expect(left.findIndex((byte, at) => byte !== other[at]), `${aead.name}, operation ${i}`).toBe(-1);
      });
    }
  });

  test('ML-KEM', () => {
    const kem = mlKem768(instance);
    const { encapsulationKey, decapsulationKey } = kem.generateKey(random(64));
    const { ciphertext } = kem.encapsulate(encapsulationKey, random(32))!;
    expectClean(() => kem.generateKey(random(64)));
    expectClean(() => kem.encapsulate(encapsulationKey, random(32)));
    expectClean(() => kem.decapsulate(decapsulationKey, ciphertext));
  });

  test('signing', () => {
    const scalar = (size: number) => new Uint8Array(size).fill(0x3d);
    const p256 = ecdsaSigner(instance, 'P-256', scalar(32), random);
    const p384 = ecdsaSigner(instance, 'P-384', scalar(48), random);
    const ed25519 = ed25519Signer(instance, scalar(32));
    const message = new Uint8Array(130);
    expectClean(() => p256.sign(SignatureScheme.ecdsa_secp256r1_sha256, message));
    expectClean(() => p384.sign(SignatureScheme.ecdsa_secp384r1_sha384, message));
    expectClean(() => ed25519.sign(SignatureScheme.ed25519, message));
    expectClean(() => ecdsaSigner(instance, 'P-256', scalar(32), random));
    expectClean(() => ed25519Signer(instance, scalar(32)));
  });
});
