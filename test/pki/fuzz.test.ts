/**
 * Altered certificates, responses and keys: the answer is always a verdict or a `UsageError`, never another error, never a hang.
 * SALLYPORT_FUZZ_ROUNDS makes it longer, SALLYPORT_SEED other.
 */
import { expect, it } from 'vitest';
import type { CertificateCrypto } from '../../src/crypto/provider.ts';
import { UsageError } from '../../src/error.ts';
import { nameConstraints } from '../../src/pki/encode.ts';
import { loadCredentials } from '../../src/pki/credentials.ts';
import { peerVerifier } from '../../src/pki/verify_peer.ts';
import { issue, KEY_TYPES, makeIntermediate, makeRoot, TEST_NOW } from '../support/certificates.ts';
import { questionOf, testCertificateCrypto, trustIn } from '../support/peer.ts';
import { Random } from '../support/random.ts';

const ROUNDS = Number(process.env['SALLYPORT_FUZZ_ROUNDS'] ?? 300);
const crypto = testCertificateCrypto();
const random = new Random();

/** A few bytes changed, a piece repeated or left out; its own header's length mended half of the time, so that more is looked at. */
function altered(der: Uint8Array): Uint8Array {
  const bytes = Array.from(der);
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const at = random.below(bytes.length);
    const length = 1 + random.below(8);
    const kind = random.below(4);
    if (kind === 0) bytes.splice(at, length);
    else if (kind === 1) bytes.splice(at, 0, ...bytes.slice(at, at + length));
    else bytes[at] = kind === 2 ? random.below(256) : (bytes[at] ?? 0) ^ (1 << random.below(8));
  }
  if (bytes.length > 260 && random.below(2) === 0) {
    bytes.splice(0, 4, 0x30, 0x82, (bytes.length - 4) >> 8, (bytes.length - 4) & 0xff);
  }
  return new Uint8Array(bytes);
}

it('peers with altered certificates get a verdict', async () => {
  const root = makeRoot();
  const constraints = nameConstraints(['a.test', new Uint8Array(8)], ['b.a.test']);
  const middle = makeIntermediate(root, { extensions: [constraints], pathLength: 1 });
  const leaf = issue(middle, { names: ['x.a.test', new Uint8Array(4)] });
  // As if every signature were good: the alterations reach the last checks.
  const credulous: CertificateCrypto = {
    ...crypto,
    signatures: { signer: () => undefined, verifier: ({ schemes }) => ({ schemes, verify: () => true }) },
    verify: () => Promise.resolve(true),
  };
  const verifier = peerVerifier({ trust: trustIn([root]) }, credulous);
  const question = questionOf(leaf);
  const verdicts = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const chain = [leaf.der, middle.der].map((der) => random.below(3) > 0 ? altered(der) : der);
    const verdict = await verifier.verify({ ...question, chain }, TEST_NOW);
    const name = verdict.ok ? 'ok' : verdict.reason;
    verdicts.set(name, (verdicts.get(name) ?? 0) + 1);
    if (!verdict.ok) expect(verdict.detail).not.toMatch(/\p{C}/u);
  }
  // The alterations are neither all harmless nor all caught by the first check.
  expect(verdicts.size).toBeGreaterThan(2);
});

it('altered OCSP responses get a verdict', async () => {
  const root = makeRoot();
  const leaf = issue(root);
  const verifier = peerVerifier({ trust: trustIn([root]) }, crypto);
  // OCSPResponse { successful, [0] { id-pkix-ocsp-basic, BasicOCSPResponse } } with one answer about some certificate.
  const parts = [
    '30770a0100a072307006092b060105050730010104633061304ea2020400180f32303236303631353132303030305a303730',
    '353020300706052b0e03021a04080101010101010101040802020202020202020201058000180f3230323630363135313230',
    '3030305a300a06082a8648ce3d0403020303003000',
  ];
  const response = new Uint8Array(Buffer.from(parts.join(''), 'hex'));
  expect(await verifier.verify(questionOf(leaf, { ocspResponse: response }), TEST_NOW)).toMatchObject({
    ok: false,
    detail: 'a response about another certificate',
  });
  for (let round = 0; round < ROUNDS; round++) {
    const verdict = await verifier.verify(questionOf(leaf, { ocspResponse: altered(response) }), TEST_NOW);
    expect(!verdict.ok && verdict.reason).toBe('bad_certificate_status_response');
  }
});

it.each(KEY_TYPES)('altered files with a key of type %s give a UsageError or are harmless', async (type) => {
  const leaf = issue(makeRoot(), { type, subject: 'fuzz' });
  let refused = 0;
  for (let round = 0; round < ROUNDS / 10; round++) {
    const files = round % 3 === 0 ? { chain: altered(leaf.der), key: leaf.pkcs8 } : {
      chain: leaf.der,
      key: round % 3 === 1 ? altered(leaf.pkcs8) : altered(new TextEncoder().encode(leaf.keyPem)),
    };
    try {
      await loadCredentials({ ...files, labels: { chain: 'c', key: 'k' } }, crypto.signatures, TEST_NOW);
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(0);
});
