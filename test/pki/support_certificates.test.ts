import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { issue, KEY_TYPES, makeIntermediate, makeRoot } from '../support/certificates.ts';

describe('certificates made for tests', () => {
  it.each(KEY_TYPES)('of %s: OpenSSL reads them and finds the signatures good', (type) => {
    const root = makeRoot({ type });
    const intermediate = makeIntermediate(root, { type, pathLength: 0 });
    const leaf = issue(intermediate, { type, names: ['leaf.test', '*.wild.test'] });
    const [leafX509, intermediateX509, rootX509] = [leaf, intermediate, root].map((one) =>
      new X509Certificate(one.der)
    );

    expect(leafX509?.verify(intermediate.publicKey)).toBe(true);
    expect(intermediateX509?.verify(root.publicKey)).toBe(true);
    expect(leafX509?.verify(root.publicKey)).toBe(type.startsWith('rsa'));
    expect(leafX509?.checkIssued(intermediateX509!)).toBe(true);
    expect(intermediateX509?.checkIssued(rootX509!)).toBe(true);
    expect(leafX509?.subjectAltName).toBe('DNS:leaf.test, DNS:*.wild.test');
    expect(leafX509?.checkPrivateKey(leaf.privateKey)).toBe(true);
    expect(leaf.chain.length).toBe(2);
  });
});
