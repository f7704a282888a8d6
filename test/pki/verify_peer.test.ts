import { constants, createPublicKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CertificateCrypto } from '../../src/crypto/provider.ts';
import { elementEnd } from '../../src/pki/der.ts';
import {
  algorithmIdentifier,
  encodeCertificate,
  extKeyUsage,
  KeyUsageBit,
  nameConstraints,
  subjectKeyIdentifier,
} from '../../src/pki/encode.ts';
import { PurposeOid, SignatureOid } from '../../src/pki/oid.ts';
import { type PeerQuestion, type PeerRules, type PeerVerdict, peerVerifier } from '../../src/pki/verify_peer.ts';
import {
  issue,
  KEY_TYPES,
  makeCertificate,
  makeIntermediate,
  makeRoot,
  TEST_NOW,
  type TestCertificate,
  type TestCertificateOptions,
} from '../support/certificates.ts';
import { OpenSsl } from '../support/openssl.ts';
import { FIRST_SCHEME, questionOf, testCertificateCrypto, trustIn } from '../support/peer.ts';

const DAY = 86_400_000;
const crypto = testCertificateCrypto();
const root = makeRoot();
const intermediate = makeIntermediate(root);
const leaf = issue(intermediate, { names: ['peer.test'] });

function ask(question: PeerQuestion, rules: Partial<PeerRules> = {}, now = TEST_NOW): Promise<PeerVerdict> {
  return peerVerifier({ trust: trustIn([root]), ...rules }, crypto).verify(question, now);
}

async function reasonOf(question: PeerQuestion, rules: Partial<PeerRules> = {}, now = TEST_NOW): Promise<string> {
  const verdict = await ask(question, rules, now);
  return verdict.ok ? 'ok' : verdict.reason;
}

/** The reason for a leaf made so, below the root or below an intermediate made so. */
function reasonOfLeaf(options: TestCertificateOptions, intermediateOptions?: TestCertificateOptions): Promise<string> {
  const issuer = intermediateOptions === undefined ? root : makeIntermediate(root, intermediateOptions);
  return reasonOf(questionOf(issue(issuer, options)));
}

describe('an honest peer', () => {
  it.each(KEY_TYPES)('with keys of type %s all the way', async (type) => {
    const top = makeRoot({ type, subject: `Root ${type}` });
    const middle = makeIntermediate(top, { type, subject: `Middle ${type}`, pathLength: 0 });
    const peer = issue(middle, { type, names: ['peer.test'] });
    const trust = trustIn([top]);
    expect(await ask(questionOf(peer), { trust })).toMatchObject({ ok: true });
    const altered = questionOf(peer);
    const signature = altered.signature.slice();
    signature[signature.length - 1]! ^= 1;
    expect(await reasonOf({ ...altered, signature }, { trust })).toBe('bad_signature');
    expect(await reasonOf({ ...altered, content: new Uint8Array(130) }, { trust })).toBe('bad_signature');
    expect(await reasonOf({ ...altered, signature: new Uint8Array() }, { trust })).toBe('bad_signature');
  });

  it.each([0x0804, 0x0805, 0x0806])('with RSA and scheme %i', async (scheme) => {
    const peer = issue(root, { type: 'rsa' });
    expect(await reasonOf(questionOf(peer, { scheme }))).toBe('ok');
  });

  it.each([0x0809, 0x080a, 0x080b])('with an RSASSA-PSS key and scheme %i', async (scheme) => {
    const peer = issue(root, { type: 'rsa_pss' });
    expect(await reasonOf(questionOf(peer, { scheme }))).toBe('ok');
  });

  it('whose authorities sign with RSA-PSS', async () => {
    const top = makeRoot({ type: 'rsa', subject: 'PSS root' });
    const peer = issue(top, { pssSignature: true });
    expect(await reasonOf(questionOf(peer), { trust: trustIn([top]) })).toBe('ok');
  });

  it('is told apart by names and fingerprint', async () => {
    const verdict = await ask(questionOf(leaf));
    expect(verdict).toMatchObject({
      ok: true,
      identity: { subject: 'CN=peer.test', issuer: 'CN=Test Intermediate', dnsNames: ['peer.test'] },
    });
    const fingerprint = new X509Certificate(leaf.der).fingerprint256.replaceAll(':', '').toLowerCase();
    expect(verdict.ok && verdict.identity.fingerprint).toBe(fingerprint);
    expect(verdict.ok && verdict.identity.serialNumber).toBe(new X509Certificate(leaf.der).serialNumber.toLowerCase());
  });

  // 9846-4.5.1-12
  it('that sends its chain in another order, with its root, and with certificates of no use', async () => {
    const stranger = makeRoot({ subject: 'Stranger' });
    const top = makeIntermediate(root, { subject: 'Upper' });
    const peer = issue(makeIntermediate(top, { subject: 'Lower' }));
    const [first, ...others] = [...peer.chain, root.der, stranger.der];
    expect(await reasonOf(questionOf(peer, { chain: [first!, ...others.toReversed()] }))).toBe('ok');
  });

  it('whose own certificate is trusted', async () => {
    const self = makeRoot({ subject: 'self', names: ['self.test'], usages: [0], isAuthority: false });
    expect(await reasonOf(questionOf(self), { trust: trustIn([self]) })).toBe('ok');
    expect(await reasonOf(questionOf(self))).toBe('unknown_ca');
    expect(await reasonOf(questionOf(self), { trust: trustIn([self]) }, TEST_NOW + 40 * 365 * DAY)).toBe(
      'certificate_expired',
    );
  });

  it('whose intermediate is trusted, without its root', async () => {
    expect(await reasonOf(questionOf(leaf), { trust: trustIn([intermediate]) })).toBe('ok');
  });

  it('with two certificates of one authority, one of them expired', async () => {
    const old = makeIntermediate(root, { notAfter: TEST_NOW - DAY / 2 });
    expect(await reasonOf(questionOf(leaf, { chain: [leaf.der, old.der, intermediate.der] }))).toBe('ok');
    expect(await reasonOf(questionOf(leaf, { chain: [leaf.der, old.der] }))).toBe('certificate_expired');
  });
});

describe('a peer that comes again', () => {
  const counted = (): { crypto: CertificateCrypto; checked: () => number } => {
    let checked = 0;
    const counting: CertificateCrypto = {
      ...crypto,
      verify(...parameters) {
        checked++;
        return crypto.verify(...parameters);
      },
    };
    return { crypto: counting, checked: () => checked };
  };

  it('has its chain checked once, but proves each time that it has the key', async () => {
    const { crypto: counting, checked } = counted();
    const verifier = peerVerifier({ trust: trustIn([root]) }, counting);
    const question = questionOf(leaf);
    expect(await verifier.verify(question, TEST_NOW)).toMatchObject({ ok: true });
    expect(checked()).toBe(2);
    expect(await verifier.verify(question, TEST_NOW)).toMatchObject({
      ok: true,
      identity: { subject: 'CN=peer.test' },
    });
    expect(checked()).toBe(2);
    const forged = { ...question, content: new Uint8Array(130) };
    expect(await verifier.verify(forged, TEST_NOW)).toMatchObject({ ok: false, reason: 'bad_signature' });
    // Another chain, another purpose.
    expect(await verifier.verify({ ...question, chain: [...leaf.chain, root.der] }, TEST_NOW)).toMatchObject({
      ok: true,
    });
    expect(checked()).toBe(4);
    const server = { ...question, role: 'server', serverName: 'peer.test' } as const;
    expect(await verifier.verify(server, TEST_NOW)).toMatchObject({ ok: true });
    expect(checked()).toBe(6);
    expect(await verifier.verify({ ...server, serverName: 'other.test' }, TEST_NOW)).toMatchObject({ ok: false });
  });

  it('may have expired since', async () => {
    const verifier = peerVerifier({ trust: trustIn([root]) }, crypto);
    const question = questionOf(issue(root, { names: ['brief.test'], notAfter: TEST_NOW + DAY }));
    expect(await verifier.verify(question, TEST_NOW)).toMatchObject({ ok: true });
    expect(await verifier.verify(question, TEST_NOW + 2 * DAY)).toMatchObject({
      ok: false,
      reason: 'certificate_expired',
    });
    expect(await verifier.verify(question, TEST_NOW)).toMatchObject({ ok: true });
  });

  it('is forgotten when many others came since; those that are refused leave no trace', async () => {
    const { crypto: counting, checked } = counted();
    const verifier = peerVerifier({ trust: trustIn([root]) }, counting);
    const question = questionOf(issue(root, { names: ['first.test'] }));
    expect(await verifier.verify(question, TEST_NOW)).toMatchObject({ ok: true });
    const stranger = makeRoot({ subject: 'Stranger' });
    for (let count = 0; count < 128; count++) {
      const authority = count < 64 ? stranger : root;
      const other = issue(authority, { names: ['same.test'] });
      await verifier.verify(questionOf(other), TEST_NOW);
    }
    const before = checked();
    expect(await verifier.verify(question, TEST_NOW)).toMatchObject({ ok: true });
    expect(checked()).toBe(before);
    for (let count = 0; count < 128; count++) {
      await verifier.verify(questionOf(issue(root, { names: ['same.test'] })), TEST_NOW);
    }
    const later = checked();
    expect(await verifier.verify(question, TEST_NOW)).toMatchObject({ ok: true });
    expect(checked()).toBe(later + 1);
  });
});

describe('CertificateVerify', () => {
  // 9846-4.3.3-1, 9846-4.3.3-8, 9846-4.3.3-10, 9846-4.5.2-6, 9846-4.5.2-7
  it('goes with schemes of the key alone', async () => {
    for (const type of KEY_TYPES) {
      const peer = issue(root, { type, subject: `scheme ${type}` });
      for (
        const other of [
          ...KEY_TYPES.filter((one) => one !== type).map((one) => FIRST_SCHEME[one]),
          0x0401,
          0x0201,
          0x0203,
        ]
      ) {
        const question = questionOf(peer);
        expect(await reasonOf({ ...question, scheme: other }), `${type} ${other}`).toBe('bad_signature_scheme');
      }
    }
  });

  // 9846-4.3.3-7, 9846-4.3.3-9, 9846-4.5.2-8, 9846-4.5.2-9
  it('has a salt as long as the digest', async () => {
    const peer = issue(root, { type: 'rsa' });
    const question = questionOf(peer);
    for (const [saltLength, reason] of [[32, 'ok'], [20, 'bad_signature'], [0, 'bad_signature']] as const) {
      const padding = constants.RSA_PKCS1_PSS_PADDING;
      const signature = new Uint8Array(sign('sha256', question.content, { key: peer.privateKey, padding, saltLength }));
      expect(await reasonOf({ ...question, signature }), String(saltLength)).toBe(reason);
    }
    const pkcs1 = new Uint8Array(sign('sha256', question.content, peer.privateKey));
    expect(await reasonOf({ ...question, signature: pkcs1 })).toBe('bad_signature');
  });

  it('is DER, in its one form', async () => {
    const question = questionOf(leaf);
    const { signature } = question;
    const longer = new Uint8Array([...signature, 0]);
    expect(await reasonOf({ ...question, signature: longer })).toBe('bad_signature');
    const longLength = new Uint8Array([0x30, 0x81, ...signature.subarray(1)]);
    expect(await reasonOf({ ...question, signature: longLength })).toBe('bad_signature');
  });

  it('is checked before any chain is built', async () => {
    const question = questionOf(leaf);
    const verdict = await ask({ ...question, signature: new Uint8Array(70), chain: [leaf.der, new Uint8Array([1])] });
    expect(verdict).toMatchObject({ ok: false, reason: 'bad_signature' });
  });
});

describe('a chain that is not valid', () => {
  it('expired, not valid yet: end entity, intermediate, root', async () => {
    expect(await reasonOfLeaf({ notAfter: TEST_NOW - 1000 })).toBe('certificate_expired');
    expect(await reasonOfLeaf({ notBefore: TEST_NOW + 1000 })).toBe('certificate_expired');
    expect(await reasonOfLeaf({ notAfter: TEST_NOW, notBefore: TEST_NOW })).toBe('ok');
    expect(await reasonOfLeaf({}, { notAfter: TEST_NOW - 1000 })).toBe('certificate_expired');
    const old = makeRoot({ subject: 'Old Root', notAfter: TEST_NOW - 1000 });
    expect(await reasonOf(questionOf(issue(old)), { trust: trustIn([old]) })).toBe('certificate_expired');
  });

  it('from an unknown authority, or one that only has the name of a known one', async () => {
    expect(await reasonOf(questionOf(issue(makeRoot({ subject: 'Unknown' }))))).toBe('unknown_ca');
    const impostor = makeRoot({ freshKey: true });
    expect(await reasonOf(questionOf(issue(impostor)))).toBe('unknown_ca');
    // The impostor's key identifier made to fit: only the signature tells.
    const forged = makeCertificate({ ...impostor, publicKey: root.publicKey }, {});
    expect(await reasonOf(questionOf(forged))).toBe('unknown_ca');
    expect(await reasonOf(questionOf(leaf, { chain: [leaf.der] }))).toBe('unknown_ca');
  });

  it('altered anywhere', async () => {
    for (let at = 4; at < leaf.der.length; at += 23) {
      const altered = leaf.der.slice();
      altered[at]! ^= 0x01;
      expect(await reasonOf(questionOf(leaf, { chain: [altered, intermediate.der] })), `byte ${at}`).not.toBe('ok');
    }
    const altered = intermediate.der.slice();
    altered[altered.length - 1]! ^= 1;
    expect(await reasonOf(questionOf(leaf, { chain: [leaf.der, altered] }))).toBe('unknown_ca');
  });

  it('cut off or with something after it', async () => {
    for (let length = 0; length < leaf.der.length; length += 31) {
      const reason = await reasonOf(questionOf(leaf, { chain: [leaf.der.subarray(0, length), intermediate.der] }));
      expect(reason).toBe('bad_certificate');
    }
    expect(await reasonOf(questionOf(leaf, { chain: [new Uint8Array([...leaf.der, 0]), intermediate.der] }))).toBe(
      'bad_certificate',
    );
  });

  it('issued by what is no authority', async () => {
    expect(await reasonOfLeaf({}, { isAuthority: false, usages: [KeyUsageBit.keyCertSign] })).toBe('bad_certificate');
    expect(await reasonOfLeaf({}, { usages: [KeyUsageBit.digitalSignature] })).toBe('bad_certificate');
    const plain = makeIntermediate(root, { isAuthority: false, usages: [] });
    expect(await ask(questionOf(issue(plain)))).toMatchObject({
      detail: expect.stringContaining("is not an authority's and yet issued one"),
    });
    const signer = makeIntermediate(root, { usages: [KeyUsageBit.cRLSign] });
    expect(await ask(questionOf(issue(signer)))).toMatchObject({
      detail: expect.stringContaining("is not an authority's and yet issued one"),
    });
    const victim = issue(root, { names: ['victim.test'], subject: 'victim.test' });
    expect(await reasonOf(questionOf(issue(victim)))).toBe('bad_certificate');
  });

  it('longer than pathLenConstraint allows; self-issued certificates do not count', async () => {
    const zero = makeIntermediate(root, { subject: 'Zero', pathLength: 0 });
    expect(await reasonOf(questionOf(issue(zero)))).toBe('ok');
    expect(await reasonOf(questionOf(issue(makeIntermediate(zero, { subject: 'Below' }))))).toBe('bad_certificate');
    expect(await reasonOf(questionOf(issue(makeIntermediate(zero, { subject: 'Zero', freshKey: true }))))).toBe('ok');
  });

  it('for another purpose: keyUsage, extKeyUsage, of the end entity and above it', async () => {
    // 9846-4.5.1.2-3
    expect(await reasonOfLeaf({ usages: [2] })).toBe('unsupported_certificate');
    expect(await reasonOfLeaf({ usages: [] })).toBe('ok');
    expect(await reasonOfLeaf({ purposes: [PurposeOid.serverAuth] })).toBe('unsupported_certificate');
    expect(await reasonOfLeaf({ purposes: [] })).toBe('ok');
    expect(await reasonOfLeaf({ purposes: [PurposeOid.any] })).toBe('ok');
    expect(await reasonOfLeaf({}, { purposes: [PurposeOid.serverAuth] })).toBe('unsupported_certificate');
    expect(await reasonOfLeaf({}, { purposes: [PurposeOid.clientAuth] })).toBe('ok');
    const forClients = issue(root, { purposes: [PurposeOid.clientAuth] });
    expect(await reasonOf(questionOf(forClients, { role: 'server' }))).toBe('unsupported_certificate');
  });

  it('with a critical extension nobody knows', async () => {
    const unknown = { id: '1.3.6.1.4.1.55555.1', critical: true, value: new Uint8Array([5, 0]) };
    expect(await reasonOfLeaf({ extensions: [unknown] })).toBe('unsupported_certificate');
    expect(await reasonOfLeaf({}, { extensions: [unknown] })).toBe('unsupported_certificate');
    expect(await reasonOfLeaf({ extensions: [{ ...unknown, critical: false }] })).toBe('ok');
  });

  it('with an extension twice, or one that cannot be read', async () => {
    expect(await reasonOfLeaf({ extensions: [extKeyUsage(PurposeOid.clientAuth)] })).toBe('bad_certificate');
    const broken = { id: '2.5.29.30', critical: true, value: new Uint8Array([4, 1, 0]) };
    expect(await reasonOfLeaf({ extensions: [broken] })).toBe('bad_certificate');
    expect(await reasonOfLeaf({}, { extensions: [subjectKeyIdentifier(new Uint8Array(20))] })).toBe('bad_certificate');
  });

  it('without the policies its authority requires, which pkijs finds', async () => {
    // PolicyConstraints { requireExplicitPolicy [0] 0 }
    const explicit = { id: '2.5.29.36', critical: true, value: new Uint8Array([0x30, 3, 0x80, 1, 0]) };
    expect(await reasonOfLeaf({}, { extensions: [explicit] })).toBe('bad_certificate');
  });

  it('signed with SHA-1 or MD5', async () => {
    // 9846-4.5.1.3-4, 9846-4.5.1.3-5, 9846-4.3.3-21
    expect(await reasonOfLeaf({ weakHash: 'sha1' })).toBe('bad_certificate');
    expect(await reasonOfLeaf({}, { weakHash: 'sha1' })).toBe('bad_certificate');
    // 9846-4.3.3-17, 9846-4.5.1.2-8: how a root signs itself does not matter.
    const rsaRoot = makeRoot({ type: 'rsa', subject: 'RSA root', weakHash: 'md5' });
    const trust = trustIn([rsaRoot]);
    expect(await reasonOf(questionOf(issue(rsaRoot)), { trust })).toBe('ok');
    expect(await reasonOf(questionOf(issue(rsaRoot, { weakHash: 'md5' })), { trust })).toBe('bad_certificate');
    expect(await reasonOf(questionOf(issue(rsaRoot, { weakHash: 'sha1' })), { trust })).toBe('bad_certificate');
  });

  // 9846-4.5.1.2-1
  it('of version 1', async () => {
    const openssl = new OpenSsl();
    try {
      const keys = { privateKey: leaf.privateKey, publicKey: leaf.publicKey };
      openssl.write('leaf.key', keys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
      openssl.write('root.pem', root.pem);
      openssl.write('root.key', root.keyPem);
      openssl.run('req', '-new', '-key', 'leaf.key', '-subj', '/CN=old', '-out', 'request.pem');
      const files = ['-in', 'request.pem', '-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial'];
      openssl.run('x509', '-req', ...files, '-days', '3', '-outform', 'DER', '-out', 'leaf.der');
      const question = questionOf(leaf, { chain: [openssl.read('leaf.der')] });
      // openssl dates by the clock.
      const now = Math.max(Date.now(), TEST_NOW);
      expect(await reasonOf(question, {}, now)).toBe('unsupported_certificate');
    } finally {
      openssl.remove();
    }
  });

  it('that names another algorithm outside of what is signed', async () => {
    const toBeSigned = leaf.der.subarray(4, elementEnd(leaf.der, 4, leaf.der.length));
    const signature = new Uint8Array(sign('sha384', toBeSigned, intermediate.privateKey));
    const other = encodeCertificate(toBeSigned, algorithmIdentifier(SignatureOid.ecdsaWithSHA384), signature);
    expect(await ask(questionOf(leaf, { chain: [other, intermediate.der] }))).toMatchObject({
      ok: false,
      reason: 'bad_certificate',
      detail: 'its two signature algorithms differ',
    });
  });

  it('without a certificate', async () => {
    expect(await reasonOf(questionOf(leaf, { chain: [] }))).toBe('empty_certificate');
  });
});

describe('a server', () => {
  const server = issue(root, {
    subject: 'common.test',
    names: [
      'exact.test',
      '*.wild.test',
      new Uint8Array([192, 0, 2, 7]),
      new Uint8Array([0x20, 1, 0xd, 0xb8, ...new Uint8Array(11), 1]),
    ],
  });
  const asServer = (serverName: string | undefined): Promise<string> =>
    reasonOf(questionOf(server, { role: 'server', serverName }));

  it.each([
    'exact.test',
    'EXACT.test',
    'exact.test.',
    'one.wild.test',
    '192.0.2.7',
    '2001:db8::1',
    '2001:DB8:0:0::0:1',
  ])('is for %s', async (name) => {
    expect(await asServer(name)).toBe('ok');
  });

  it.each([
    'common.test',
    'wild.test',
    'one.two.wild.test',
    '.wild.test',
    'sub.exact.test',
    'exact.test.evil.test',
    '192.0.2.8',
    '192.0.2.07',
    '2001:db8::2',
    '::ffff:192.0.2.7',
    '',
  ])('is not for %s', async (name) => {
    expect(await asServer(name)).toBe('bad_certificate');
  });

  it('is not asked for a name when none is wanted', async () => {
    expect(await asServer(undefined)).toBe('ok');
  });
});

describe('name constraints', () => {
  const ip4 = (...bytes: number[]): Uint8Array => new Uint8Array(bytes);
  type Names = readonly (string | Uint8Array)[];
  const reason = (permitted: Names, excluded: Names, names: Names): Promise<string> =>
    reasonOfLeaf({ names, subject: 'constrained' }, {
      subject: 'Constrained',
      extensions: [nameConstraints(permitted, excluded)],
    });

  it.each<[string, Names, Names, Names, string]>([
    ['inside', ['a.test'], [], ['a.test', 'b.a.test', 'c.b.a.test'], 'ok'],
    ['outside', ['a.test'], [], ['b.test'], 'bad_certificate'],
    ['one of several outside (a bug of pkijs)', ['a.test'], [], ['x.a.test', 'b.test'], 'bad_certificate'],
    ['a longer label is not inside', ['a.test'], [], ['xa.test'], 'bad_certificate'],
    ['with a leading dot', ['.a.test'], [], ['x.a.test'], 'ok'],
    ['without regard to case', ['A.test'], [], ['x.a.TEST'], 'ok'],
    ['excluded', [], ['b.a.test'], ['x.b.a.test'], 'bad_certificate'],
    ['not excluded', [], ['b.a.test'], ['x.a.test'], 'ok'],
    ['excluded inside of permitted', ['a.test'], ['b.a.test'], ['b.a.test'], 'bad_certificate'],
    ['a wildcard that could stand for an excluded name', [], ['b.a.test'], ['*.a.test'], 'bad_certificate'],
    ['a wildcard inside', ['a.test'], [], ['*.a.test'], 'ok'],
    ['no constraint on this kind', ['a.test'], [], ['x.a.test', ip4(10, 0, 0, 1)], 'ok'],
    ['an address inside', [ip4(10, 0, 0, 0, 255, 0, 0, 0)], [], [ip4(10, 1, 2, 3)], 'ok'],
    ['an address outside', [ip4(10, 0, 0, 0, 255, 0, 0, 0)], [], [ip4(11, 1, 2, 3)], 'bad_certificate'],
    ['an address excluded', [], [ip4(10, 0, 0, 0, 255, 0, 0, 0)], [ip4(10, 1, 2, 3)], 'bad_certificate'],
    ['everything excluded', [], [''], ['a.test'], 'bad_certificate'],
  ])('%s', async (_, permitted, excluded, names, expected) => {
    expect(await reason(permitted, excluded, names)).toBe(expected);
  });

  it('of an authority above another bind all that is below', async () => {
    const top = makeIntermediate(root, { subject: 'Top', extensions: [nameConstraints(['a.test'], [])] });
    const middle = makeIntermediate(top, { subject: 'Middle' });
    expect(await reasonOf(questionOf(issue(middle, { names: ['x.a.test'] })))).toBe('ok');
    expect(await reasonOf(questionOf(issue(middle, { names: ['x.b.test'] })))).toBe('bad_certificate');
    const rootOfA = makeRoot({ subject: 'Root of a', extensions: [nameConstraints(['a.test'], [])] });
    const trust = trustIn([rootOfA]);
    expect(await reasonOf(questionOf(issue(rootOfA, { names: ['x.a.test'] })), { trust })).toBe('ok');
    expect(await reasonOf(questionOf(issue(rootOfA, { names: ['x.b.test'] })), { trust })).toBe('bad_certificate');
  });
});

describe('the work a chain can cause is bounded', () => {
  async function timed(question: PeerQuestion, rules: Partial<PeerRules> = {}): Promise<[string, number]> {
    const start = performance.now();
    const reason = await reasonOf(question, rules);
    return [reason, performance.now() - start];
  }
  // Loose enough for a busy machine; what is bounded here would otherwise take seconds to hours.
  const SOON = 5000;

  it('certificates of a chain, and their size', async () => {
    const chain = [leaf.der, ...Array.from({ length: 10 }, () => intermediate.der)];
    expect(await reasonOf(questionOf(leaf, { chain }))).toBe('certificate_chain_too_long');
    const large = issue(root, { names: Array.from({ length: 2000 }, (_, index) => `n${index}.large.test`) });
    expect(large.der.length).toBeGreaterThan(16384);
    expect(await reasonOf(questionOf(large))).toBe('bad_certificate');
  });

  it('names times constraints (CVE-2025-58187)', async () => {
    const names = Array.from({ length: 1000 }, (_, index) => `n${index}.z`);
    const constraints = Array.from({ length: 600 }, (_, index) => `c${index}.test`);
    const hostile = makeIntermediate(root, { subject: 'Hostile', extensions: [nameConstraints([], constraints)] });
    const [reason, time] = await timed(questionOf(issue(hostile, { names, subject: 'many' })));
    expect(reason).toBe('bad_certificate');
    expect(time).toBeLessThan(SOON);
    const few = issue(hostile, { names: names.slice(0, 50), subject: 'few' });
    expect((await timed(questionOf(few)))[0]).toBe('ok');
  });

  it('names', async () => {
    const names = Array.from({ length: 1025 }, (_, index) => `${index}.z`);
    const verdict = await ask(questionOf(issue(root, { names })));
    expect(verdict).toMatchObject({
      ok: false,
      reason: 'bad_certificate',
      detail: expect.stringContaining('1025 names'),
    });
  });

  it('policies (CVE-2023-0464)', async () => {
    // CertificatePolicies of n policies 1.2.3.k, and PolicyMappings of each to each: a tree that doubles at each level in other verifiers.
    const der = (tag: number, ...content: Uint8Array[]): Uint8Array => {
      const length = content.reduce((sum, one) => sum + one.length, 0);
      const header = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
      return new Uint8Array([...header, ...content.flatMap((one) => [...one])]);
    };
    const policy = (number: number): Uint8Array => der(6, new Uint8Array([0x2a, 3, 0x81, number]));
    const extensions = (count: number) => {
      const policies = Array.from({ length: count }, (_, index) => policy(index));
      return [
        { id: '2.5.29.32', critical: false, value: der(0x30, ...policies.map((one) => der(0x30, one))) },
        { id: '2.5.29.33', critical: true, value: der(0x30, ...policies.map((one) => der(0x30, one, one))) },
      ];
    };
    const chainOf = (count: number): TestCertificate => {
      let authority = root;
      for (let level = 0; level < 5; level++) {
        authority = makeIntermediate(authority, { subject: `Level ${level}`, extensions: extensions(count) });
      }
      return issue(authority, { extensions: extensions(count).slice(0, 1), names: ['policies.test'] });
    };
    const [reason, time] = await timed(questionOf(chainOf(120)));
    expect(reason).toBe('bad_certificate');
    expect(time).toBeLessThan(SOON);
    const [fine, fineTime] = await timed(questionOf(chainOf(32)));
    expect(fine).toBe('ok');
    expect(fineTime).toBeLessThan(SOON);
  });

  it('ways to build a path: authorities of one name that could all have issued each other', async () => {
    const same = (freshKey: boolean): TestCertificateOptions => ({ subject: 'Same', freshKey, extensions: [] });
    const first = makeRoot(same(false));
    const maze = Array.from({ length: 9 }, () =>
      makeCertificate(undefined, {
        ...same(false),
        isAuthority: true,
        names: [],
      }));
    const peer = issue(first, { names: ['maze.test'] });
    const [reason, time] = await timed(questionOf(peer, { chain: [peer.der, ...maze.map(({ der }) => der)] }));
    expect(reason).toBe('bad_certificate');
    expect(time).toBeLessThan(SOON);
    // With its trusted root at hand the way is found at once, before any detour.
    const found = await reasonOf(questionOf(peer, { chain: [peer.der, ...maze.map(({ der }) => der)] }), {
      trust: trustIn([first]),
    });
    expect(found).toBe('ok');
  });

  it('signatures', async () => {
    // Nine trusted roots of the right name and key identifier, none of which signed it.
    const forged = makeCertificate({ ...makeRoot({ freshKey: true }), publicKey: root.publicKey }, {});
    const impostors = Array.from({ length: 9 }, () => makeRoot());
    let verified = 0;
    const counting: CertificateCrypto = {
      ...crypto,
      verify(...parameters) {
        verified++;
        return crypto.verify(...parameters);
      },
    };
    const rules = { trust: trustIn(impostors), limits: { signatures: 4 } };
    const verdict = await peerVerifier(rules, counting).verify(questionOf(forged), TEST_NOW);
    expect(verdict).toMatchObject({ ok: false, reason: 'unknown_ca' });
    expect(verified).toBe(4);
  });

  it('RSA keys: neither weak nor slow ones', async () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const peer = issue(root, { type: 'rsa', subject: 'weak' });
    expect(weak.publicKey.asymmetricKeyDetails?.modulusLength).toBe(1024);
    const weakPeer = withKey(peer, weak);
    expect(await ask(weakPeer)).toMatchObject({
      ok: false,
      reason: 'unsupported_certificate',
      detail: expect.stringContaining('1024 bits'),
    });
    const slowKey = peer.publicKey.export({ format: 'jwk' });
    // An exponent as long as the modulus, which makes verification as slow as signing.
    const e = Buffer.from(slowKey.n ?? '', 'base64url');
    e[e.length - 1]! |= 1;
    e[0]! = 0x40;
    const jwk = { kty: 'RSA', n: slowKey.n ?? '', e: e.toString('base64url') };
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
    expect(await ask(withKey(peer, { privateKey: peer.privateKey, publicKey }))).toMatchObject({
      ok: false,
      reason: 'unsupported_certificate',
      detail: expect.stringContaining('public exponent'),
    });
  });
});

/** A question with a certificate of the root for another key. */
function withKey(like: TestCertificate, keys: Pick<TestCertificate, 'publicKey' | 'privateKey'>): PeerQuestion {
  return questionOf(like, { chain: [makeCertificate(root, { type: 'rsa', keys }).der] });
}
