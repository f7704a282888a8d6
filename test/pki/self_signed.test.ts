import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { webCrypto } from '../../src/crypto/webcrypto/subtle.ts';
import { loadCredentials } from '../../src/pki/credentials.ts';
import { writePem } from '../../src/pki/pem.ts';
import { selfSigned } from '../../src/pki/self_signed.ts';
import { testSignatures } from '../support/signatures.ts';

const DAY = 86_400_000;

it('makes a certificate that OpenSSL and loadCredentials read', async () => {
  const now = Date.UTC(2026, 0, 2, 3, 4, 5);
  const made = await selfSigned({ now, days: 7 }, await webCrypto(), testSignatures);
  const x509 = new X509Certificate(made.certificatePem);
  expect(x509.subject).toBe('CN=localhost');
  expect(x509.ca).toBe(false);
  expect(x509.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
  expect(x509.verify(x509.publicKey)).toBe(true);
  expect(Date.parse(x509.validFrom)).toBe(now - 3_600_000);
  expect(Date.parse(x509.validTo)).toBe(now + 7 * DAY);
  const { info, warnings } = await loadCredentials(
    { chain: made.certificate, key: made.privateKey, labels: { chain: 'memory' } },
    testSignatures,
    now,
  );
  expect(info.dnsNames).toEqual(['localhost']);
  expect(warnings).toEqual([]);
});

it('makes one that curl accepts for each of its names', async () => {
  const made = await selfSigned({ now: Date.now() }, await webCrypto(), testSignatures);
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-self-'));
  writeFileSync(join(folder, 'ca.pem'), made.certificatePem);
  const key = writePem('PRIVATE KEY', made.privateKey);
  const server = createServer({ cert: made.certificatePem, key }, (_, response) => response.end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    for (const name of ['localhost', '127.0.0.1']) {
      const parameters = ['-sS', '--noproxy', '*', '--cacert', join(folder, 'ca.pem'), `https://${name}:${port}/`];
      const { stdout } = await promisify(execFile)('curl', parameters);
      expect(stdout).toBe('hello');
    }
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});
