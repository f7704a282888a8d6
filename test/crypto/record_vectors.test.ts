/** Wycheproof's vectors of the AEADs, HMAC and HKDF through both builds. */
import { describe, expect, test } from 'vitest';
import { WasmAead } from '../../src/crypto/wasm/aead.ts';
import { UsageError } from '../../src/error.ts';
import { SUITES } from '../support/sealed_records.ts';
import { wasmProvider } from '../support/wasm.ts';
import { WASM_BUILDS } from '../support/wasm_builds.ts';
import { fromHex, WYCHEPROOF, wycheproof } from '../support/wycheproof.ts';

interface AeadVector {
  tcId: number;
  keySize: number;
  key: string;
  iv: string;
  aad: string;
  msg: string;
  ct: string;
  tag: string;
  result: 'valid' | 'invalid' | 'acceptable';
}

interface MacVector {
  tcId: number;
  tagSize: number;
  key: string;
  msg: string;
  tag: string;
  result: 'valid' | 'invalid';
}

interface HkdfVector {
  tcId: number;
  ikm: string;
  salt: string;
  info: string;
  size: number;
  okm: string;
  result: 'valid' | 'invalid';
}

if (WYCHEPROOF === undefined) console.warn('Wycheproof skipped: SALLYPORT_WYCHEPROOF does not name its folder');

describe.skipIf(WYCHEPROOF === undefined).each(WASM_BUILDS)('Wycheproof, %s build', (build) => {
  const provider = wasmProvider(build, { memoryBytes: 4 * 1024 * 1024 });

  test.each(SUITES)('$name', (suite) => {
    const aead = provider.aeads.get(suite.code);
    if (!(aead instanceof WasmAead)) throw new Error('not a WasmAead');
    const file = suite.node === 'chacha20-poly1305' ? 'chacha20_poly1305_test.json' : 'aes_gcm_test.json';
    let checked = 0;
    for (const vector of wycheproof<AeadVector>(file)) {
      if (vector.keySize !== suite.keyLength * 8) continue;
      const [key, iv, aad, text] = [vector.key, vector.iv, vector.aad, vector.msg].map(fromHex) as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ];
      const sealed = fromHex(vector.ct + vector.tag);
      checked++;
      if (iv.length !== 12) {
        expect(() => aead.decrypt(key, iv, aad, sealed), `test ${vector.tcId}`).toThrow(UsageError);
      } else if (vector.result === 'valid') {
        expect(aead.encrypt(key, iv, aad, text), `test ${vector.tcId}`).toEqual(sealed);
        expect(aead.decrypt(key, iv, aad, sealed), `test ${vector.tcId}`).toEqual(text);
      } else {
        expect(aead.decrypt(key, iv, aad, sealed), `test ${vector.tcId}`).toBeUndefined();
      }
    }
    expect(checked).toBeGreaterThan(60);
  });

  test.each(['sha256', 'sha384'] as const)('HMAC and HKDF of %s', (field) => {
    const hash = provider[field];
    for (const vector of wycheproof<MacVector>(`hmac_${field}_test.json`)) {
      const tag = hash.hmac(fromHex(vector.key), fromHex(vector.msg)).subarray(0, vector.tagSize / 8);
      const equal = provider.constantTimeEqual(tag, fromHex(vector.tag));
      expect(equal, `HMAC test ${vector.tcId}`).toBe(vector.result === 'valid');
    }
    for (const vector of wycheproof<HkdfVector>(`hkdf_${field}_test.json`)) {
      const prk = hash.extract(fromHex(vector.salt), fromHex(vector.ikm));
      const expand = () => hash.expand(prk, fromHex(vector.info), vector.size);
      if (vector.result === 'valid') expect(expand(), `HKDF test ${vector.tcId}`).toEqual(fromHex(vector.okm));
      else expect(expand, `HKDF test ${vector.tcId}`).toThrow(UsageError);
    }
  });
});
