import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readRawPublicKey } from '../../src/pki/raw_public_key.ts';
import { type PeerQuestion, peerVerifier } from '../../src/pki/verify_peer.ts';
import { CertificateType } from '../../src/registry/certificate_type.ts';
import { KEY_TYPES, makeRoot, TEST_NOW, type TestCertificate } from '../support/certificates.ts';
import { questionOf, testCertificateCrypto, trustIn } from '../support/peer.ts';

const crypto = testCertificateCrypto();
const spkiOf = ({ privateKey }: TestCertificate) =>
  new Uint8Array(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));

function question(owner: TestCertificate, changes: Partial<PeerQuestion> = {}): PeerQuestion {
  return { ...questionOf(owner), certificateType: CertificateType.RawPublicKey, chain: [spkiOf(owner)], ...changes };
}

async function ask(asked: PeerQuestion, rawPublicKeys: Uint8Array[]) {
  return await peerVerifier({ trust: trustIn([makeRoot()]), rawPublicKeys }, crypto).verify(asked, TEST_NOW);
}

describe('a raw public key', () => {
  it.each(KEY_TYPES)('of type %s is believed when it is known and has signed', async (type) => {
    const owner = makeRoot({ type });
    const spki = spkiOf(owner);
    const verdict = await ask(question(owner), [spki]);
    const digest = Buffer.from(await crypto.digest('SHA-256', spki)).toString('hex');
    expect(verdict).toMatchObject({ ok: true, identity: { fingerprint: digest, dnsNames: [] } });
    expect(await ask(question(owner), [])).toMatchObject({ ok: false, reason: 'certificate_unknown' });
    const other = question(owner, { content: new Uint8Array(130) });
    expect(await ask(other, [spki])).toMatchObject({ ok: false, reason: 'bad_signature' });
  });

  it('is not a certificate, nor a certificate one', async () => {
    const owner = makeRoot();
    const known = [spkiOf(owner), owner.der];
    expect(await ask(question(owner, { chain: [owner.der] }), known)).toMatchObject({ reason: 'decode_error' });
    const asCertificate = question(owner, { certificateType: CertificateType.X509 });
    expect(await ask(asCertificate, known)).toMatchObject({ reason: 'bad_certificate' });
  });

  it('is one whole SubjectPublicKeyInfo', () => {
    const spki = spkiOf(makeRoot());
    for (let length = 0; length < spki.length; length++) {
      expect(() => readRawPublicKey(spki.subarray(0, length))).toThrow(
        expect.objectContaining({ reason: 'decode_error' }),
      );
    }
    expect(() => readRawPublicKey(Uint8Array.of(...spki, 0))).toThrow(
      expect.objectContaining({ reason: 'decode_error' }),
    );
  });
});
