import { describe, expect, test } from 'vitest';
import { setupBaseR } from '../../src/ech/hpke.ts';
import { HpkeSender } from '../support/ech_client.ts';
import { nodeProvider } from '../support/node_provider.ts';
import { seededRandom } from '../support/pair.ts';
import { wasmProvider } from '../support/wasm.ts';

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const ascii = (text: string) => new TextEncoder().encode(text);
const INFO = ascii('Ode on a Grecian Urn');

describe.each([['WebAssembly', wasmProvider()], ['node:crypto', nodeProvider()]])('HPKE over %s', (_name, crypto) => {
  test('the first vector of RFC 9180 (§A.1.1)', () => {
    const enc = hex('37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431');
    const privateKey = hex('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8');
    const context = setupBaseR(crypto, { kdf: 1, aead: 1 }, enc, privateKey, INFO)!;
    const sealed = hex(
      'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
    );
    expect(Buffer.from(context.open(ascii('Count-0'), sealed)!).toString()).toBe('Beauty is truth, truth beauty');
  });

  test.each([[1, 1], [1, 2], [1, 3], [2, 1], [2, 2], [2, 3]])(
    'KDF %d with AEAD %d, from another sender',
    (kdf, aead) => {
      const random = seededRandom(`hpke ${kdf} ${aead}`);
      const privateKey = random(32);
      const { share } = crypto.keyExchanges.get(0x1d)!.offer(privateKey);
      const sender = new HpkeSender(share, INFO, kdf, aead, random(32));
      const context = setupBaseR(crypto, { kdf, aead }, sender.enc, privateKey, INFO)!;
      for (const [additional, length] of [[0, 0], [300, 200], [2000, 3000], [1, 1]] as const) {
        const [aad, text] = [random(additional), random(length)];
        const sealed = sender.seal(aad, text);
        const altered = sealed.slice();
        altered[0]! ^= 1;
        expect(context.open(aad, altered)).toBeUndefined();
        expect(context.open(random(additional + 1), sealed)).toBeUndefined();
        expect(Buffer.from(context.open(aad, sealed)!)).toEqual(Buffer.from(text));
      }
    },
  );

  test('an encapsulated key that is none, and suites that are not known', () => {
    const privateKey = seededRandom('key')(32);
    for (const length of [0, 31, 33]) {
      expect(setupBaseR(crypto, { kdf: 1, aead: 1 }, new Uint8Array(length), privateKey, INFO)).toBeUndefined();
    }
    // All of these give a shared secret of zeros.
    expect(setupBaseR(crypto, { kdf: 1, aead: 1 }, new Uint8Array(32), privateKey, INFO)).toBeUndefined();
    const { share } = crypto.keyExchanges.get(0x1d)!.offer(privateKey);
    for (const suite of [{ kdf: 3, aead: 1 }, { kdf: 0, aead: 1 }, { kdf: 1, aead: 4 }, { kdf: 1, aead: 0xffff }]) {
      expect(setupBaseR(crypto, suite, share, privateKey, INFO)).toBeUndefined();
    }
  });
});
