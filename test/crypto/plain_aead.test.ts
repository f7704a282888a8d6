/** The AEADs without records, against node:crypto: every combination of lengths around the edges of blocks and batches. */
import { describe, expect, test } from 'vitest';
import { WasmAead } from '../../src/crypto/wasm/aead.ts';
import { nodeProvider } from '../support/node_provider.ts';
import { seededRandom } from '../support/pair.ts';
import { nodeSeal, SUITES } from '../support/sealed_records.ts';
import { wasmProvider } from '../support/wasm.ts';
import { WASM_BUILDS } from '../support/wasm_builds.ts';

const EDGES = [0, 1, 15, 16, 17, 255, 256, 257, 383, 384, 767, 768, 1500, 2047, 2048, 2049, 3000, 5000];

describe.each(WASM_BUILDS)('%s build', (build) => {
  const provider = wasmProvider(build);

  test.each(SUITES)('$name, whatever the lengths', (suite) => {
    const aead = provider.aeads.get(suite.code);
    if (!(aead instanceof WasmAead)) throw new Error('not a WasmAead');
    const random = seededRandom(suite.name);
    const [key, nonce] = [random(suite.keyLength), random(12)];
    for (const additionalLength of EDGES) {
      for (const length of EDGES) {
        const [additional, text] = [random(additionalLength), random(length)];
        const sealed = nodeSeal(suite, key, nonce, additional, text);
        const about = `${additionalLength} and ${length} bytes`;
        expect(Buffer.compare(aead.encrypt(key, nonce, additional, text), sealed), about).toBe(0);
        expect(Buffer.compare(aead.decrypt(key, nonce, additional, sealed) ?? key, text), about).toBe(0);
        const at = (additionalLength + length) % sealed.length;
        sealed[at]! ^= 0x10;
        expect(aead.decrypt(key, nonce, additional, sealed), about).toBeUndefined();
      }
    }
  });
});

test.each(SUITES)('the oracle of $name opens alike', (suite) => {
  const aead = nodeProvider().aeads.get(suite.code)!;
  const random = seededRandom('oracle');
  const [key, nonce, text] = [random(suite.keyLength), random(12), random(100)];
  const sealed = nodeSeal(suite, key, nonce, text, text);
  expect(Buffer.compare(aead.decrypt(key, nonce, text, sealed)!, text)).toBe(0);
  expect(aead.decrypt(key, nonce, text, sealed.subarray(0, 15))).toBeUndefined();
  expect(aead.decrypt(key, nonce, nonce, sealed)).toBeUndefined();
});
