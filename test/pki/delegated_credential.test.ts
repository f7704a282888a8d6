import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadDelegatedCredential } from '../../src/pki/delegated_credential.ts';
import { issue, KEY_TYPES, makeRoot, TEST_NOW, type TestCertificate } from '../support/certificates.ts';
import { delegate, type DelegatedOptions, DELEGATION_USAGE, delegator } from '../support/delegated.ts';
import { FIRST_SCHEME, testCertificateCrypto } from '../support/peer.ts';

const crypto = testCertificateCrypto();
const labels = { credential: 'dc.bin', key: 'dc.key' };
const parent = delegator();

function load(
  owner: TestCertificate,
  { credential, privateKey } = delegate(owner),
  now = TEST_NOW,
  certificate = owner.der,
) {
  const key = new TextEncoder().encode(privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
  return loadDelegatedCredential({ credential, key, labels }, certificate, crypto, now);
}

describe('a delegated credential', () => {
  it.each(KEY_TYPES)('of a certificate with a key of type %s is loaded', async (type) => {
    const owner = delegator({ type });
    const loaded = await load(owner);
    expect(loaded).toMatchObject({ scheme: 0x0403, issuedWith: FIRST_SCHEME[type], expires: TEST_NOW + 3_600_000 });
    expect(loaded.signer.schemes).toEqual([0x0403]);
  });

  it('may have a key of another type', async () => {
    const keys = generateKeyPairSync('ed25519');
    expect(await load(parent, delegate(parent, { scheme: 0x0807, keys }))).toMatchObject({ scheme: 0x0807 });
  });

  it.each<[string, DelegatedOptions, string]>([
    ['has expired', { lifetime: 0 }, 'dc.bin: it expired on 2026-06-15T12:00:00.000Z: make a new one'],
    ['lives for more than seven days', { lifetime: 604801 }, 'dc.bin: it is valid for more than seven days'],
    [
      'was signed over something else',
      { alter: (signed) => signed.map((byte, i) => i === 70 ? byte ^ 1 : byte) },
      'has not signed it',
    ],
    ['names a scheme of another key', { scheme: 0x0503 }, 'dc.bin: its public key is not for scheme 0x0503'],
    [
      'has an RSA key',
      { scheme: 0x0804, keys: generateKeyPairSync('rsa', { modulusLength: 2048 }) },
      'not for scheme 0x0804',
    ],
  ])('that %s is refused', async (_name, options, message) => {
    await expect(load(parent, delegate(parent, options))).rejects.toThrow(message);
  });

  it('lives for seven days at most, not less', async () => {
    expect(await load(parent, delegate(parent, { lifetime: 604800 }))).toBeDefined();
  });

  it('needs a certificate that may delegate, and no other', async () => {
    const plain = issue(makeRoot(), { names: ['plain.test'] });
    await expect(load(plain)).rejects.toThrow('may not delegate: request one with DelegationUsage');
    const other = issue(makeRoot(), { names: ['other.test'], extensions: [DELEGATION_USAGE] });
    await expect(load(parent, delegate(parent), TEST_NOW, other.der)).rejects.toThrow('has not signed it');
  });

  it('needs its own key', async () => {
    const { credential } = delegate(parent);
    await expect(load(parent, { credential, privateKey: delegate(parent).privateKey })).rejects.toThrow('dc.key');
  });

  it('is one, whole', async () => {
    const made = delegate(parent);
    for (let length = 0; length < made.credential.length; length += 7) {
      await expect(load(parent, { ...made, credential: made.credential.subarray(0, length) })).rejects.toThrow(
        'dc.bin: not a',
      );
    }
    const longer = Uint8Array.of(...made.credential, 0);
    await expect(load(parent, { ...made, credential: longer })).rejects.toThrow('dc.bin: not one DelegatedCredential');
  });
});
