/** CRLs and OCSP responses made by openssl, for certificates made by us. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/error.ts';
import { loadCredentials, type LoadedCredentials } from '../../src/pki/credentials.ts';
import { KeyUsageBit } from '../../src/pki/encode.ts';
import { PurposeOid } from '../../src/pki/oid.ts';
import { withOcspResponse, withTimestamps } from '../../src/pki/staple.ts';
import { loadTrust, type Trust } from '../../src/pki/trust.ts';
import { type PeerQuestion, type PeerRules, type PeerVerdict, peerVerifier } from '../../src/pki/verify_peer.ts';
import { issue, makeIntermediate, makeRoot, type TestCertificate } from '../support/certificates.ts';
import { OpenSsl } from '../support/openssl.ts';
import { questionOf, testCertificateCrypto, trustIn } from '../support/peer.ts';

const DAY = 86_400_000;
// openssl dates what it makes by the clock.
const now = Date.now();
const validity = { notBefore: now - 10 * DAY, notAfter: now + 100 * DAY };
const crypto = testCertificateCrypto();
const openssl = new OpenSsl();
afterAll(() => openssl.remove());

const root = makeRoot(validity);
const intermediate = makeIntermediate(root, validity);
const good = issue(intermediate, { ...validity, names: ['good.test'] });
const revoked = issue(intermediate, { ...validity, names: ['revoked.test'] });

function serialOf(certificate: TestCertificate): string {
  // Version [0], 5 bytes, is followed by the serial number: 02 10 …
  const at = certificate.der.indexOf(0x10, 11);
  return Buffer.from(certificate.der.subarray(at + 1, at + 17)).toString('hex').toUpperCase();
}

const CONFIG = `
[ca]
default_ca = it
[it]
database = index.txt
crlnumber = crlnumber
default_md = sha256
crl_extensions = extensions
[extensions]
authorityKeyIdentifier = keyid
`;

beforeAll(() => {
  const utc = (time: number): string => new Date(time).toISOString().replace(/[-:T]/g, '').slice(2, 14) + 'Z';
  openssl.write(
    'index.txt',
    [
      ['V', utc(validity.notAfter), '', serialOf(good), 'unknown', '/CN=good.test'],
      ['R', utc(validity.notAfter), utc(now - DAY), serialOf(revoked), 'unknown', '/CN=revoked.test'],
    ].map((fields) => `${fields.join('\t')}\n`).join(''),
  );
  openssl.write('crlnumber', '01\n');
  openssl.write('openssl.cnf', CONFIG);
  openssl.write('root.pem', root.pem);
  openssl.write('root.key', root.keyPem);
  openssl.write('ca.pem', intermediate.pem);
  openssl.write('ca.key', intermediate.keyPem);
  openssl.write('good.pem', good.pem);
  openssl.write('revoked.pem', revoked.pem);
});

function crlBy(authority: string, ...more: string[]): Uint8Array {
  openssl.run(
    ...['ca', '-config', 'openssl.cnf', '-gencrl', '-cert', `${authority}.pem`, '-keyfile', `${authority}.key`],
    ...['-out', 'crl.pem', ...(more.length === 0 ? ['-crldays', '3'] : more)],
  );
  return openssl.read('crl.pem');
}

function ask(question: PeerQuestion, rules: Partial<PeerRules> = {}, at = now): Promise<PeerVerdict> {
  return peerVerifier({ trust: trustIn([root]), ...rules }, crypto).verify(question, at);
}

async function reasonOf(question: PeerQuestion, rules: Partial<PeerRules> = {}, at = now): Promise<string> {
  const verdict = await ask(question, rules, at);
  return verdict.ok ? 'ok' : verdict.reason;
}

describe('CRLs', () => {
  it('say who is revoked', async () => {
    const trust = trustIn([root], [crlBy('ca')]);
    expect(await reasonOf(questionOf(good), { trust })).toBe('ok');
    expect(await reasonOf(questionOf(revoked), { trust })).toBe('certificate_revoked');
    expect(await reasonOf(questionOf(revoked))).toBe('ok');
  });

  it('are refused when out of date, but a revocation stands', async () => {
    const trust = trustIn([root], [crlBy('ca', '-crlhours', '1')]);
    expect(await reasonOf(questionOf(good), { trust }, now + 2 * DAY)).toBe('certificate_unknown');
    expect(await reasonOf(questionOf(revoked), { trust }, now + 2 * DAY)).toBe('certificate_revoked');
  });

  it('are needed for each certificate of the chain when revocation is required', async () => {
    const required = { revocation: 'required' } as const;
    const byCa = crlBy('ca');
    expect(await reasonOf(questionOf(good), { ...required, trust: trustIn([root], []) })).toBe('certificate_unknown');
    expect(await reasonOf(questionOf(good), { ...required, trust: trustIn([root], [byCa]) })).toBe(
      'certificate_unknown',
    );
    const byBoth = new Uint8Array([...byCa, ...crlBy('root')]);
    expect(await reasonOf(questionOf(good), { ...required, trust: trustIn([root], [byBoth]) })).toBe('ok');
  });

  it('count only when the authority signed them', async () => {
    const impostor = makeIntermediate(root, { ...validity, freshKey: true });
    openssl.write('impostor.pem', impostor.pem);
    openssl.write('impostor.key', impostor.keyPem);
    const trust = trustIn([root], [crlBy('impostor')]);
    expect(await reasonOf(questionOf(revoked), { trust })).toBe('ok');
    expect(await reasonOf(questionOf(revoked), { trust, revocation: 'required' })).toBe('certificate_unknown');
  });

  it('count only when the authority may sign them (keyUsage)', async () => {
    const usages = [KeyUsageBit.keyCertSign];
    const certifier = makeIntermediate(root, { ...validity, usages, subject: 'Certifier' });
    openssl.write('certifier.pem', certifier.pem);
    openssl.write('certifier.key', certifier.keyPem);
    const trust = trustIn([root], [crlBy('certifier'), crlBy('root')]);
    const question = questionOf(issue(certifier, validity));
    expect(await reasonOf(question, { trust, revocation: 'required' })).toBe('certificate_unknown');
  });

  it('of one authority may be several files, PEM and DER', async () => {
    crlBy('ca');
    openssl.run('crl', '-in', 'crl.pem', '-outform', 'DER', '-out', 'crl.der');
    expect(await reasonOf(questionOf(revoked), { trust: trustIn([root], [crlBy('root'), openssl.read('crl.der')]) }))
      .toBe(
        'certificate_revoked',
      );
  });

  it('that are partial, or none at all, are refused when they are read', () => {
    openssl.write('openssl.cnf', `${CONFIG}issuingDistributionPoint = critical, @idp\n[idp]\nonlyuser = TRUE\n`);
    const partial = crlBy('ca');
    openssl.write('openssl.cnf', CONFIG);
    const load = (bytes: Uint8Array): Trust =>
      loadTrust([{ bytes: root.der, label: 'r' }], [{ bytes, label: 'my.crl' }], now);
    expect(() => load(partial)).toThrow(/^my\.crl: the CRL cannot be used: it is a delta or partial CRL/);
    expect(() => load(root.der)).toThrow(/^my\.crl: the CRL cannot be used: it is not a CRL/);
    expect(() => load(new TextEncoder().encode(root.pem))).toThrow(/^my\.crl: no CRL in this file/);
    expect(() => load(new Uint8Array())).toThrow(UsageError);
  });

  it('that are old or of strangers give a warning', () => {
    const stranger = loadTrust(
      [{ bytes: root.der, label: 'r' }],
      [{ bytes: crlBy('ca'), label: 'my.crl' }],
      now + 9 * DAY,
    );
    expect(stranger.warnings).toEqual([
      expect.stringMatching(/^my\.crl: this CRL was to be replaced on /),
      expect.stringMatching(/^my\.crl: this CRL is by none of the trusted authorities: it counts for an intermediate/),
    ]);
  });
});

/** An OCSP response by openssl's responder about `name`. */
function respond(name: string, signer: string, ...more: string[]): Uint8Array {
  openssl.run(
    ...['ocsp', '-issuer', 'ca.pem', '-cert', `${name}.pem`, '-reqout', 'request.der', '-no_nonce'],
  );
  openssl.run(
    ...['ocsp', '-index', 'index.txt', '-CA', 'ca.pem', '-rsigner', `${signer}.pem`, '-rkey', `${signer}.key`],
    ...['-reqin', 'request.der', '-respout', 'response.der', ...(more.length === 0 ? ['-ndays', '2'] : more)],
  );
  return openssl.read('response.der');
}

function writeSigner(name: string, purposes: readonly string[], issuer = intermediate): void {
  const signer = issue(issuer, { ...validity, subject: name, names: [], purposes });
  openssl.write(`${name}.pem`, signer.pem);
  openssl.write(`${name}.key`, signer.keyPem);
}

describe('OCSP responses that a peer staples', () => {
  it('say who is revoked', async () => {
    expect(await reasonOf(questionOf(good, { ocspResponse: respond('good', 'ca') }))).toBe('ok');
    expect(await reasonOf(questionOf(revoked, { ocspResponse: respond('revoked', 'ca') }))).toBe('certificate_revoked');
  });

  it('stand for the CRL of the end entity when revocation is required', async () => {
    const rules = { revocation: 'required', trust: trustIn([root], [crlBy('root')]) } as const;
    expect(await reasonOf(questionOf(good), rules)).toBe('certificate_unknown');
    expect(await reasonOf(questionOf(good, { ocspResponse: respond('good', 'ca') }), rules)).toBe('ok');
  });

  it('may be signed by a delegate of the issuer, and by nobody else', async () => {
    writeSigner('delegate', [PurposeOid.ocspSigning]);
    expect(await reasonOf(questionOf(good, { ocspResponse: respond('good', 'delegate') }))).toBe('ok');
    expect(await reasonOf(questionOf(revoked, { ocspResponse: respond('revoked', 'delegate') }))).toBe(
      'certificate_revoked',
    );
    // Another certificate of the same authority is not entitled, nor is a delegate of another authority.
    writeSigner('anyone', [PurposeOid.clientAuth]);
    writeSigner('elsewhere', [PurposeOid.ocspSigning], root);
    // Nor is one that only looks like the issuer's.
    const impostor = makeIntermediate(root, { ...validity, freshKey: true });
    writeSigner('forged', [PurposeOid.ocspSigning], { ...impostor, publicKey: intermediate.publicKey });
    for (const signer of ['anyone', 'elsewhere', 'root', 'forged']) {
      const ocspResponse = respond('good', signer);
      expect(await reasonOf(questionOf(good, { ocspResponse })), signer).toBe('bad_certificate_status_response');
    }
  });

  it('are refused when about another certificate, altered, out of date or not understood', async () => {
    const aboutGood = respond('good', 'ca');
    const reason = (ocspResponse: Uint8Array, at = now): Promise<string> =>
      reasonOf(questionOf(good, { ocspResponse }), {}, at);
    expect(await reasonOf(questionOf(revoked, { ocspResponse: aboutGood }))).toBe('bad_certificate_status_response');
    expect(await reason(aboutGood, now + 5 * DAY)).toBe('bad_certificate_status_response');
    expect(await reason(aboutGood, now - DAY)).toBe('bad_certificate_status_response');
    expect(await reason(new Uint8Array())).toBe('bad_certificate_status_response');
    expect(await reason(new Uint8Array([0x30, 3, 0x0a, 1, 6]))).toBe('bad_certificate_status_response');
    for (let at = 0; at < aboutGood.length; at += 37) {
      expect(await reason(aboutGood.subarray(0, at))).toBe('bad_certificate_status_response');
      const altered = aboutGood.slice();
      altered[at]! ^= 1;
      const result = await reason(altered);
      // The certificate that the response carries along is not signed with it, nor needed: the issuer's own key signed.
      if (result !== 'ok') expect(result, `byte ${at}`).toBe('bad_certificate_status_response');
      else expect(at).toBeGreaterThan(aboutGood.length - intermediate.der.length - 20);
    }
  });
});

describe('OCSP responses to staple', () => {
  let loaded: LoadedCredentials;
  beforeAll(async () => {
    const files = {
      chain: new TextEncoder().encode(good.chainPem),
      key: good.pkcs8,
      labels: { chain: 'chain.pem', key: 'key.pem' },
    };
    loaded = await loadCredentials(files, crypto.signatures, now);
  });

  it('are taken with the date they should be replaced by', async () => {
    const file = respond('good', 'ca');
    const stapled = await withOcspResponse(loaded, file, 'staple.der', crypto, now);
    expect(stapled.credentials.ocspResponse).toEqual(file);
    expect(stapled.warnings).toEqual([]);
    expect(Math.abs((stapled.nextUpdate ?? 0) - (now + 2 * DAY))).toBeLessThan(60_000);
  });

  it('give warnings when out of date, or when the certificate is revoked', async () => {
    const file = respond('good', 'ca');
    const late = await withOcspResponse(loaded, file, 'staple.der', crypto, now + 3 * DAY);
    expect(late.warnings[0]).toMatch(/^staple\.der: this OCSP response is out of date/);
    const chain = new TextEncoder().encode(revoked.chainPem);
    const other = await loadCredentials({ chain, key: revoked.pkcs8, labels: { chain: 'c' } }, crypto.signatures, now);
    const stapled = await withOcspResponse(other, respond('revoked', 'ca'), 'staple.der', crypto, now);
    expect(stapled.warnings[0]).toMatch(/"CN=revoked\.test" is revoked, says its authority/);
    const alone = { ...loaded, credentials: { ...loaded.credentials, chain: loaded.credentials.chain.slice(0, 1) } };
    expect((await withOcspResponse(alone, file, 'staple.der', crypto, now)).warnings[0]).toContain('was not checked');
  });

  it('are refused when they are something else', async () => {
    const attempt = (file: Uint8Array): Promise<unknown> => withOcspResponse(loaded, file, 'staple.der', crypto, now);
    await expect(attempt(respond('revoked', 'ca'))).rejects.toThrow(
      /^staple\.der: this OCSP response is about another/,
    );
    await expect(attempt(respond('good', 'root'))).rejects.toThrow(/is not signed by "CN=Test Intermediate"/);
    await expect(attempt(new Uint8Array([0x30, 3, 0x0a, 1, 6]))).rejects.toThrow(/did not answer: unauthorized/);
    await expect(attempt(good.der)).rejects.toThrow(/^staple\.der: not an OCSP response to staple/);
  });

  it('stand beside timestamps, whose structure is checked', () => {
    const sct = [0, ...new Uint8Array(32), ...new Uint8Array(8), 0, 0, 4, 3, 0, 2, 0x30, 0];
    const list = new Uint8Array([0, 2 * (sct.length + 2), ...[0, sct.length, ...sct], ...[0, sct.length, ...sct]]);
    expect(withTimestamps(loaded, list, 'scts').credentials.signedCertificateTimestamps).toEqual(list);
    for (let length = 0; length < list.length; length++) {
      expect(() => withTimestamps(loaded, list.subarray(0, length), 'scts')).toThrow(/^scts: not a list of signed/);
    }
    const version2 = list.slice();
    version2[4] = 1;
    expect(() => withTimestamps(loaded, version2, 'scts')).toThrow(UsageError);
    expect(() => withTimestamps(loaded, new Uint8Array([0, 0]), 'scts')).toThrow(UsageError);
  });
});
