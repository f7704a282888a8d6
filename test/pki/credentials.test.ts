import { execFileSync } from 'node:child_process';
import { createPrivateKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/error.ts';
import { type CredentialFiles, loadCredentials, type LoadedCredentials } from '../../src/pki/credentials.ts';
import { issue, KEY_TYPES, makeIntermediate, makeRoot, pem, TEST_NOW } from '../support/certificates.ts';
import { testSignatures } from '../support/signatures.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const root = makeRoot();
const intermediate = makeIntermediate(root);
const leaf = issue(intermediate, { names: ['leaf.test', '*.wild.test', new Uint8Array([192, 0, 2, 1])] });

function load(chain: string | Uint8Array, key?: string | Uint8Array, now = TEST_NOW): Promise<LoadedCredentials> {
  const bytes = (value: string | Uint8Array): Uint8Array => typeof value === 'string' ? text(value) : value;
  const files: CredentialFiles = {
    chain: bytes(chain),
    ...(key === undefined ? {} : { key: bytes(key) }),
    labels: { chain: 'chain.pem', key: 'key.pem' },
  };
  return loadCredentials(files, testSignatures, now);
}

async function refusal(chain: string | Uint8Array, key?: string | Uint8Array): Promise<string> {
  const error = await load(chain, key).then(() => undefined, (error: unknown) => error);
  expect(error).toBeInstanceOf(UsageError);
  const { message } = error as UsageError;
  expect(message).not.toContain('\n');
  return message;
}

describe('loadCredentials', () => {
  it('reads names, dates, key type and what clients must be able to check', async () => {
    const { credentials, info, warnings } = await load(leaf.chainPem, leaf.keyPem);
    expect(credentials.chain).toEqual(leaf.chain);
    expect(info).toEqual({
      subject: 'CN=leaf.test',
      issuer: 'CN=Test Intermediate',
      dnsNames: ['leaf.test', '*.wild.test'],
      ipAddresses: [new Uint8Array([192, 0, 2, 1])],
      notBefore: TEST_NOW - 86_400_000,
      notAfter: TEST_NOW + 20 * 365 * 86_400_000,
      keyType: 'ecdsa_p256',
      schemes: [0x0403],
      chainSchemes: [[0x0403], [0x0403]],
    });
    expect(warnings).toEqual([]);
  });

  it.each(KEY_TYPES)('signs with a key of type %s in each of its schemes', async (type) => {
    const one = issue(root, { type, subject: `signs ${type}`, names: ['signs.test'] });
    const { credentials, info } = await load(one.der, one.pkcs8);
    const content = text('content');
    expect(info.keyType).toBe(type);
    expect(credentials.signer.schemes.length).toBe(type.startsWith('rsa') ? 3 : 1);
    for (const scheme of credentials.signer.schemes) {
      const signature = await credentials.signer.sign(scheme, content);
      const bits = ({ 4: 256, 5: 384, 6: 512, 9: 256, 0xa: 384, 0xb: 512 } as Record<number, number>)[scheme & 0xf] ??
        0;
      const options = type.startsWith('rsa')
        ? { key: one.publicKey, padding: 6, saltLength: bits / 8 }
        : { key: one.publicKey };
      const hash = type === 'ed25519'
        ? null
        : type === 'ecdsa_p256'
        ? 'sha256'
        : type === 'ecdsa_p384'
        ? 'sha384'
        : type === 'ecdsa_p521'
        ? 'sha512'
        : `sha${bits}`;
      expect(verify(hash, content, options, signature)).toBe(true);
    }
  });

  // 9846-4.5.1-9, 9846-4.5.1-10
  it('reads one bundle with key and chain in any order', async () => {
    const parts = [leaf.pem, intermediate.pem, root.pem, leaf.keyPem];
    for (let turn = 0; turn < parts.length; turn++) {
      const turned = [...parts.slice(turn), ...parts.slice(0, turn)];
      for (const bundle of [turned, turned.toReversed()]) {
        const { credentials } = await load(bundle.join('some text between\n'));
        expect(credentials.chain).toEqual([leaf.der, intermediate.der, root.der]);
      }
    }
  });

  it('reads DER: one certificate, several in a row, and keys', async () => {
    const { credentials } = await load(Buffer.concat([intermediate.der, leaf.der]), leaf.pkcs8);
    expect(credentials.chain).toEqual(leaf.chain);
  });

  it('drops a certificate that is there twice and reads CRLF files', async () => {
    const { credentials } = await load((leaf.pem + leaf.chainPem).replaceAll('\n', '\r\n'), leaf.keyPem);
    expect(credentials.chain).toEqual(leaf.chain);
  });

  it('refuses a certificate of another chain', async () => {
    const stranger = makeRoot({ subject: 'Stranger' });
    expect(await refusal(leaf.chainPem + stranger.pem, leaf.keyPem)).toMatch(
      /^chain\.pem: the certificate of "CN=Stranger" does not belong to the chain of "CN=leaf\.test": leave only/,
    );
  });

  it('refuses a key of another certificate, of its type and of another', async () => {
    const sameType = issue(root, { names: ['other.test'] });
    const otherType = issue(root, { type: 'ed25519' });
    expect(await refusal(leaf.chainPem, sameType.keyPem)).toMatch(/^key\.pem: this private key does not belong/);
    expect(await refusal(leaf.chainPem, otherType.keyPem)).toContain(
      "(the key is ed25519, the certificate's is ecdsa_p256)",
    );
    // Without its public half in the file, only a signature tells.
    const bare = createPrivateKey(sameType.keyPem).export({ format: 'jwk' });
    const sec1 = Buffer.concat([
      Buffer.from('302502010104 20'.replaceAll(' ', ''), 'hex'),
      Buffer.from(bare.d ?? '', 'base64url'),
    ]);
    const pkcs8 = Buffer.concat([
      Buffer.from('3041020100301306072a8648ce3d020106082a8648ce3d0301070427', 'hex'),
      sec1,
    ]);
    expect(await refusal(leaf.chainPem, pkcs8)).toMatch(/^key\.pem: this private key does not belong/);
    const { credentials } = await load(sameType.chainPem, pkcs8);
    expect(credentials.chain.length).toBe(1);
  });

  it('warns of certificates that are expired or not valid yet, and goes on', async () => {
    const expired = await load(leaf.chainPem, leaf.keyPem, TEST_NOW + 30 * 365 * 86_400_000);
    expect(expired.warnings[0]).toMatch(
      /^chain\.pem: the certificate of "CN=leaf\.test" expired on 2046-06-10: renew it/,
    );
    const early = await load(leaf.chainPem, leaf.keyPem, TEST_NOW - 30 * 86_400_000);
    expect(early.warnings[0]).toMatch(/is not valid before 2026-06-14/);
  });

  it('warns of certificates that clients will refuse', async () => {
    const nameless = issue(root, { names: [], subject: 'nameless.test' });
    expect((await load(nameless.pem, nameless.keyPem)).warnings[0]).toContain('no subjectAltName');
    const forClients = issue(root, { names: ['c.test'], purposes: ['1.3.6.1.5.5.7.3.2'] });
    expect((await load(forClients.pem, forClients.keyPem)).warnings[0]).toContain('not for servers');
  });

  // 9846-4.3.3-16, 9846-4.5.1.2-10
  it('refuses a chain signed with SHA-1', async () => {
    const sha1 = issue(root, { names: ['sha1.test'], weakHash: 'sha1' });
    expect(await refusal(sha1.pem, sha1.keyPem)).toContain(
      'is signed with SHA-1 with ECDSA, which is broken: request one',
    );
    const weak = makeIntermediate(root, { subject: 'Weak', weakHash: 'sha1' });
    const below = issue(weak, { names: ['below.test'] });
    expect(await refusal(below.chainPem, below.keyPem)).toContain('the certificate of "CN=Weak" is signed with SHA-1');
  });

  // 9846-4.5.1.2-3
  it('refuses a certificate that may not sign handshakes', async () => {
    const forKeys = issue(root, { usages: [2] });
    expect(await refusal(forKeys.pem, forKeys.keyPem)).toContain('not for digital signatures');
  });

  it('says what is wrong with a file', async () => {
    expect(await refusal('hello', leaf.keyPem)).toMatch(/^chain\.pem: neither PEM/);
    expect(await refusal(leaf.keyPem)).toMatch(/^chain\.pem: no certificate in this file/);
    expect(await refusal(leaf.chainPem)).toMatch(/^chain\.pem: no private key in this file \(it has "CERTIFICATE"/);
    expect(await refusal(leaf.chainPem, 'hello')).toMatch(/^key\.pem: neither PEM nor a private key in DER/);
    expect(await refusal(leaf.chainPem, leaf.keyPem + root.keyPem)).toMatch(/^key\.pem: 2 private keys/);
    expect(await refusal(leaf.pem.slice(0, -20), leaf.keyPem)).toMatch(/"BEGIN CERTIFICATE" on line 1 has no "END/);
    expect(await refusal(leaf.pem.replace(/^.{64}$/m, '!'.repeat(64)), leaf.keyPem)).toContain('not base64');
    expect(await refusal(pem('CERTIFICATE', leaf.der.subarray(0, -1)), leaf.keyPem)).toContain(
      'certificate 1 cannot be read',
    );
    expect(await refusal(leaf.chainPem, pem('PRIVATE KEY', leaf.pkcs8.subarray(0, -1)))).toContain(
      'the file is damaged',
    );
    expect(await refusal(pem('PKCS7', leaf.der), leaf.keyPem)).toContain('openssl pkcs7');
    expect(await refusal(leaf.chainPem, pem('OPENSSH PRIVATE KEY', leaf.der))).toContain('ssh-keygen');
  });

  it('never quotes the key in an error', async () => {
    const secret = leaf.keyPem.split('\n')[1] ?? '';
    for (let cut = 1; cut < leaf.pkcs8.length; cut += 5) {
      const message = await refusal(leaf.chainPem, pem('PRIVATE KEY', leaf.pkcs8.subarray(0, cut)));
      expect(message).not.toContain(secret.slice(0, 20));
    }
  });
});

describe('files made by openssl', () => {
  let folder = '';
  const openssl = (...parameters: string[]): void => {
    execFileSync('openssl', parameters, { cwd: folder, stdio: 'pipe' });
  };
  const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-pki-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const kinds: [string, string[], string][] = [
    ['ecdsa_p256', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'ec'],
    ['ecdsa_p384', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'], 'ec'],
    ['ecdsa_p521', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'], 'ec'],
    ['rsa', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], 'rsa'],
    ['rsa_pss', [
      ...['-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048', '-pkeyopt', 'rsa_pss_keygen_md:sha384'],
      ...['-pkeyopt', 'rsa_pss_keygen_mgf1_md:sha384', '-pkeyopt', 'rsa_pss_keygen_saltlen:48'],
    ], ''],
    ['ed25519', ['-algorithm', 'ED25519'], ''],
  ];
  it.each(kinds)('%s: PKCS#8, traditional form, DER and encrypted', async (type, generate, traditional) => {
    openssl('genpkey', ...generate, '-out', 'key.pem');
    openssl(
      ...['req', '-x509', '-key', 'key.pem', '-out', 'cert.pem', '-days', '2', '-subj', '/C=CH/O=Test/CN=made.test'],
      ...['-addext', 'subjectAltName=DNS:made.test,IP:192.0.2.1,email:a@made.test', '-sha384'],
    );
    openssl('x509', '-in', 'cert.pem', '-outform', 'DER', '-out', 'cert.der');
    openssl('pkcs8', '-topk8', '-nocrypt', '-in', 'key.pem', '-outform', 'DER', '-out', 'key.der');
    openssl('pkcs8', '-topk8', '-in', 'key.pem', '-passout', 'pass:secret', '-out', 'encrypted.pem');
    openssl('pkcs8', '-topk8', '-in', 'key.pem', '-passout', 'pass:secret', '-outform', 'DER', '-out', 'encrypted.der');
    const keys = ['key.pem', 'key.der'];
    if (traditional !== '') {
      const form = traditional === 'rsa' ? ['-traditional'] : [];
      openssl(traditional, '-in', 'key.pem', ...form, '-out', 'old.pem');
      openssl(traditional, '-in', 'old.pem', ...form, '-outform', 'DER', '-out', 'old.der');
      const cipher = ['-aes128', '-passout', 'pass:secret'];
      openssl(traditional, '-in', 'old.pem', ...form, ...cipher, '-out', 'old_encrypted.pem');
      keys.push('old.pem', 'old.der');
      expect(await refusal(read('cert.pem'), read('old_encrypted.pem'))).toContain('encrypted');
    }
    for (const key of keys) {
      for (const certificate of ['cert.pem', 'cert.der']) {
        const { info } = await load(read(certificate), read(key));
        expect(info.keyType, key).toBe(type);
        expect(info.subject).toBe('C=CH, O=Test, CN=made.test');
        if (type === 'rsa_pss') expect(info.schemes).toEqual([0x080a]);
      }
    }
    for (const encrypted of ['encrypted.pem', 'encrypted.der']) {
      expect(await refusal(read('cert.pem'), read(encrypted))).toMatch(
        /^key\.pem: the private key is encrypted: decrypt it with "openssl pkey -in key\.pem -out decrypted\.pem"/,
      );
    }
  });

  it('EC files with parameters in front of the key', async () => {
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-out', 'with_parameters.pem');
    openssl('req', '-x509', '-key', 'with_parameters.pem', '-out', 'cert.pem', '-subj', '/CN=a.test');
    expect((await load(read('cert.pem'), read('with_parameters.pem'))).info.keyType).toBe('ecdsa_p256');
  });

  // 9846-4.5.1.2-1
  it('refuses certificates of version 1', async () => {
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'key.pem');
    openssl('req', '-new', '-key', 'key.pem', '-out', 'request.pem', '-subj', '/CN=a.test');
    openssl('x509', '-req', '-in', 'request.pem', '-signkey', 'key.pem', '-out', 'cert.pem');
    expect(await refusal(read('cert.pem'), read('key.pem'))).toContain('is not of X.509 version 3');
  });

  // 9846-4.3.3-12
  it('refuses RSASSA-PSS keys for salts of another length than the digest', async () => {
    const pss = ['-pkeyopt', 'rsa_pss_keygen_md:sha256', '-pkeyopt', 'rsa_pss_keygen_mgf1_md:sha256'];
    const salt = ['-pkeyopt', 'rsa_pss_keygen_saltlen:20', '-pkeyopt', 'rsa_keygen_bits:2048'];
    openssl('genpkey', '-algorithm', 'RSA-PSS', ...pss, ...salt, '-out', 'key.pem');
    openssl('req', '-x509', '-key', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=a.test');
    expect(await refusal(read('cert.pem'), read('key.pem'))).toContain('an RSASSA-PSS key for salts of 20 bytes');
  });

  it('refuses RSA keys below 2048 bits, other curves and other algorithms', async () => {
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:1024',
      '-noenc',
      '-keyout',
      'key.pem',
      '-out',
      'cert.pem',
      '-subj',
      '/CN=a.test',
    );
    expect(await refusal(read('cert.pem'), read('key.pem'))).toContain(
      'an RSA key of 1024 bits (at least 2048 are needed)',
    );
    openssl('ecparam', '-name', 'secp256k1', '-genkey', '-noout', '-out', 'key.pem');
    openssl('req', '-x509', '-key', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=a.test');
    expect(await refusal(read('cert.pem'), read('key.pem'))).toContain(
      'another curve than P-256, P-384 or P-521 (1.3.132.0.10)',
    );
    openssl('genpkey', '-algorithm', 'ED448', '-out', 'key.pem');
    openssl('req', '-x509', '-key', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=a.test');
    expect(await refusal(read('cert.pem'), read('key.pem'))).toContain('a key of an unsupported kind (1.3.101.113)');
  });
});
