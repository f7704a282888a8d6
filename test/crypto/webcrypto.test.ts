import { generateKeyPairSync, sign, verify, webcrypto } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { PublicKey, SignatureProvider } from '../../src/crypto/provider.ts';
import { certificateCrypto } from '../../src/crypto/webcrypto/certificate_crypto.ts';
import { derFromP1363, p1363FromDer } from '../../src/crypto/webcrypto/ecdsa_der.ts';
import { firstProvider } from '../../src/crypto/webcrypto/first_provider.ts';
import { webCryptoSignatures } from '../../src/crypto/webcrypto/signature.ts';
import { Random } from '../support/random.ts';
import { fromHex, WYCHEPROOF, wycheproof } from '../support/wycheproof.ts';

const subtle = webcrypto.subtle as SubtleCrypto;
const signatures = webCryptoSignatures(subtle);
const NO_WYCHEPROOF = 'SALLYPORT_WYCHEPROOF names no folder of vectors';

function rsaKey(spki: Uint8Array, schemes = [0x0804, 0x0805, 0x0806]): PublicKey {
  return { type: 'rsa', schemes, spki, raw: undefined };
}

interface RsaPssTest {
  readonly publicKeyAsn: string;
  readonly publicKeyDer: string;
  readonly tcId: number;
  readonly msg: string;
  readonly sig: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

describe('RSA-PSS', () => {
  it('Wycheproof', async (context) => {
    if (WYCHEPROOF === undefined) return context.skip(NO_WYCHEPROOF);
    const tests = wycheproof<RsaPssTest>('rsa_pss_2048_sha256_mgf1_32_test.json');
    expect(tests.length).toBeGreaterThan(100);
    for (const { publicKeyDer, tcId, msg, sig, result } of tests) {
      const spki = fromHex(publicKeyDer);
      const verifier = await signatures.verifier(rsaKey(spki));
      const good = await verifier?.verify(0x0804, fromHex(msg), fromHex(sig));
      expect(good, `test ${tcId}`).toBe(result === 'valid');
      const algorithm = { kind: 'rsa_pss', hash: 'SHA-256', saltLength: 32 } as const;
      const certificates = certificateCrypto(subtle, signatures);
      const inCertificate = await certificates.verify(rsaKey(spki), algorithm, fromHex(msg), fromHex(sig));
      expect(inCertificate, `test ${tcId}`).toBe(result === 'valid');
    }
  });

  it('signs with each scheme, which node:crypto verifies with a salt as long as the digest alone', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pkcs8 = new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }));
    const schemes = [0x0804, 0x0805, 0x0806];
    const signer = await signatures.signer({ type: 'rsa', schemes, pkcs8, scalar: undefined });
    const content = new Uint8Array([1, 2, 3]);
    for (const [index, scheme] of schemes.entries()) {
      const signature = await signer?.sign(scheme, content) ?? new Uint8Array();
      const hash = ['sha256', 'sha384', 'sha512'][index];
      const saltLength = 32 + 16 * index;
      expect(verify(hash, content, { key: publicKey, padding: 6, saltLength }, signature)).toBe(true);
      expect(verify(hash, content, { key: publicKey, padding: 6, saltLength: saltLength - 1 }, signature)).toBe(false);
    }
    await expect(async () => signer?.sign(0x0809, content)).rejects.toThrow('does not sign with scheme 0x809');
    await expect(async () => signatures.signer({ type: 'rsa', schemes: [0x0403], pkcs8, scalar: undefined })).rejects
      .toThrow('signature scheme 0x403 is not for rsa keys');
  });
});

describe('ECDSA signatures between DER and r ‖ s', () => {
  it('convert both ways, whatever the integers', () => {
    const random = new Random();
    for (let round = 0; round < 500; round++) {
      const half = round % 2 === 0 ? 32 : 48;
      const signature = random.bytes(2 * half);
      // Leading zeros, high bits, whole zeros.
      signature.fill(0, 0, round % 5);
      signature.fill(0, half, half + round % 7);
      if (round % 11 === 0) signature.fill(0, 0, half);
      const der = derFromP1363(signature);
      expect(p1363FromDer(der, half)).toEqual(signature);
      expect(p1363FromDer(der, half - 8)).toBeUndefined();
      for (let cut = 0; cut < der.length; cut++) expect(p1363FromDer(der.subarray(0, cut), half)).toBeUndefined();
    }
  });

  it.each([
    ['a length in long form', '30810602010102 0101'],
    ['a byte too many inside', '300702010102010100'],
    ['a byte too many after it', '300602010102010100'],
    ['a padded integer', '30080202000102020001'],
    ['a negative integer', '3006020181020101'],
    ['an empty integer', '30050200020101'],
    ['three integers', '3009020101020101020101'],
    ['one integer', '3003020101'],
    ['another tag', '3106020101020101'],
    ['another inner tag', '3006030101020101'],
    ['an integer that is too long', `3026022101${'00'.repeat(32)}020101`],
  ])('refuse %s', (_, hex) => {
    expect(p1363FromDer(fromHex(hex.replaceAll(' ', '')), 32)).toBeUndefined();
  });

  it('of P-521 have a length in long form', () => {
    const signature = new Uint8Array(132).fill(0xff);
    const der = derFromP1363(signature);
    expect(der[1]).toBe(0x81);
    expect(p1363FromDer(der, 66)).toEqual(signature);
  });
});

describe('certificateCrypto', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
  const key: PublicKey = { type: 'ecdsa_p256', schemes: [0x0403], spki, raw: spki.subarray(-65) };
  const crypto = certificateCrypto(subtle, signatures);
  const content = new Uint8Array([1, 2, 3]);

  it('verifies ECDSA with any hash', async () => {
    for (const [name, hash] of [['sha256', 'SHA-256'], ['sha384', 'SHA-384'], ['sha512', 'SHA-512']] as const) {
      const signature = new Uint8Array(sign(name, content, privateKey));
      expect(await crypto.verify(key, { kind: 'ecdsa', hash }, content, signature)).toBe(true);
      expect(await crypto.verify(key, { kind: 'ecdsa', hash }, content.subarray(1), signature)).toBe(false);
      const other = hash === 'SHA-256' ? 'SHA-384' : 'SHA-256';
      expect(await crypto.verify(key, { kind: 'ecdsa', hash: other }, content, signature)).toBe(false);
    }
  });

  it('says no when the algorithm is not for the key', async () => {
    const signature = new Uint8Array(64);
    for (
      const algorithm of [
        { kind: 'ed25519' },
        { kind: 'rsa_pkcs1', hash: 'SHA-256' },
        { kind: 'rsa_pss', hash: 'SHA-256', saltLength: 32 },
      ] as const
    ) expect(await crypto.verify(key, algorithm, content, signature)).toBe(false);
    expect(await crypto.verify(rsaKey(spki), { kind: 'ecdsa', hash: 'SHA-256' }, content, signature)).toBe(false);
  });

  it('lets a key under id-RSASSA-PSS sign with PSS and its own hash alone', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const rsaSpki = new Uint8Array(rsa.publicKey.export({ format: 'der', type: 'spki' }));
    const pssKey: PublicKey = { type: 'rsa_pss', schemes: [0x0809], spki: rsaSpki, raw: undefined };
    const pkcs1 = new Uint8Array(sign('sha256', content, rsa.privateKey));
    expect(await crypto.verify(rsaKey(rsaSpki), { kind: 'rsa_pkcs1', hash: 'SHA-256' }, content, pkcs1)).toBe(true);
    expect(await crypto.verify(pssKey, { kind: 'rsa_pkcs1', hash: 'SHA-256' }, content, pkcs1)).toBe(false);
    for (
      const [hash, name, saltLength, expected] of [['SHA-256', 'sha256', 32, true], [
        'SHA-384',
        'sha384',
        48,
        false,
      ]] as const
    ) {
      const pss = new Uint8Array(sign(name, content, { key: rsa.privateKey, padding: 6, saltLength }));
      expect(await crypto.verify(pssKey, { kind: 'rsa_pss', hash, saltLength }, content, pss)).toBe(expected);
      expect(await crypto.verify(rsaKey(rsaSpki), { kind: 'rsa_pss', hash, saltLength }, content, pss)).toBe(true);
    }
  });
});

it('firstProvider: the first that can', async () => {
  const cannot: SignatureProvider = { signer: () => undefined, verifier: () => undefined };
  const signer = { schemes: [1], sign: () => new Uint8Array() };
  const verifier = { schemes: [1], verify: () => true };
  const can: SignatureProvider = { signer: () => signer, verifier: () => verifier };
  const privateKey = { type: 'rsa', schemes: [], pkcs8: new Uint8Array(), scalar: undefined } as const;
  const publicKey = { type: 'rsa', schemes: [], spki: new Uint8Array(), raw: undefined } as const;
  expect(await firstProvider(cannot, can).signer(privateKey)).toBe(signer);
  expect(await firstProvider(can, cannot).verifier(publicKey)).toBe(verifier);
  expect(await firstProvider(cannot).signer(privateKey)).toBeUndefined();
  expect(await firstProvider(cannot).verifier(publicKey)).toBeUndefined();
});
