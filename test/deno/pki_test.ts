/// <reference lib="deno.ns" />
// Certificates under Deno: the same sources, Deno's WebCrypto for RSA and for certificates, WebAssembly for the curves.
import assert from 'node:assert/strict';
import type { KeyType, SignatureProvider } from '../../src/crypto/provider.ts';
import { certificateCrypto } from '../../src/crypto/webcrypto/certificate_crypto.ts';
import { firstProvider } from '../../src/crypto/webcrypto/first_provider.ts';
import { webCryptoSignatures } from '../../src/crypto/webcrypto/signature.ts';
import { loadCredentials } from '../../src/pki/credentials.ts';
import { writePem } from '../../src/pki/pem.ts';
import { selfSigned } from '../../src/pki/self_signed.ts';
import { loadTrust } from '../../src/pki/trust.ts';
import { peerVerifier } from '../../src/pki/verify_peer.ts';
import { issue, makeIntermediate, makeRoot, TEST_NOW, type TestCertificate } from '../support/certificates.ts';
import { wasmProvider } from '../support/wasm.ts';

const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
const inWebCrypto = webCryptoSignatures(crypto.subtle);
const both = firstProvider(wasmProvider().signatures(random), inWebCrypto);

async function checkHandshake(
  leaf: TestCertificate,
  root: TestCertificate,
  signatures: SignatureProvider,
): Promise<void> {
  const files = { chain: new TextEncoder().encode(leaf.chainPem), key: leaf.pkcs8, labels: { chain: 'chain.pem' } };
  const { credentials, warnings } = await loadCredentials(files, signatures, TEST_NOW);
  assert.deepEqual(warnings, []);
  const trust = loadTrust([{ bytes: root.der, label: 'root.pem' }], [], TEST_NOW);
  const verifier = peerVerifier({ trust }, certificateCrypto(crypto.subtle, both));
  const content = new TextEncoder().encode('content');
  for (const scheme of credentials.signer.schemes) {
    const signature = await credentials.signer.sign(scheme, content);
    const question = { role: 'server', serverName: 'localhost', chain: credentials.chain, scheme, content } as const;
    const verdict = await verifier.verify({ ...question, signature }, TEST_NOW);
    assert.equal(verdict.ok, true, JSON.stringify(verdict));
    signature[10] = (signature[10] ?? 0) ^ 1;
    const refused = await verifier.verify({ ...question, signature }, TEST_NOW);
    assert.equal(!refused.ok && refused.reason, 'bad_signature');
  }
}

for (const type of ['ecdsa_p256', 'ecdsa_p384', 'ed25519', 'rsa'] satisfies KeyType[]) {
  Deno.test(`a chain of ${type} is loaded, signs and is verified`, async () => {
    const root = makeRoot({ type });
    const leaf = issue(makeIntermediate(root, { type }), { type });
    await checkHandshake(leaf, root, both);
    await checkHandshake(leaf, root, inWebCrypto);
  });
}

Deno.test("a self-signed certificate is accepted by Deno's own client once it is trusted", async () => {
  const made = await selfSigned({ now: Date.now() }, crypto, both);
  const key = writePem('PRIVATE KEY', made.privateKey);
  using listener = Deno.listenTls({ hostname: '127.0.0.1', port: 0, cert: made.certificatePem, key });
  const accepted = listener.accept();
  const { port } = listener.addr;
  using client = await Deno.connectTls({ hostname: '127.0.0.1', port, caCerts: [made.certificatePem] });
  using server = await accepted;
  await Promise.all([client.handshake(), server.handshake()]);
});

Deno.test('a self-signed certificate is made and loaded', async () => {
  const now = Date.now();
  const made = await selfSigned({ now }, crypto, both);
  const files = { chain: made.certificate, key: made.privateKey, labels: { chain: 'memory' } };
  const { info, warnings } = await loadCredentials(files, both, now);
  assert.deepEqual(info.dnsNames, ['localhost']);
  assert.deepEqual(warnings, []);
});
