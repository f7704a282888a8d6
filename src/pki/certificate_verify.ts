import type { CertificateCrypto, PublicKey } from '../crypto/provider.ts';
import { CertificateError } from './der.ts';

/** What a CertificateVerify message proves, with what it is over. */
export interface Proof {
  readonly scheme: number;
  readonly content: Uint8Array;
  readonly signature: Uint8Array;
}

/** RFC 9846 §4.5.2: a scheme that belongs to the key, and a good signature. `owner` names the key in messages. */
export async function checkCertificateVerify(
  publicKey: PublicKey | CertificateError,
  owner: string,
  { scheme, content, signature }: Proof,
  crypto: CertificateCrypto,
): Promise<void> {
  if (publicKey instanceof CertificateError) {
    throw new CertificateError(publicKey.reason, `${owner} has ${publicKey.message}`);
  }
  const key = publicKey;
  const name = `0x${scheme.toString(16).padStart(4, '0')}`;
  // 9846-4.5.2-6, 9846-4.5.2-7: no key has a scheme with SHA-1.
  if (!key.schemes.includes(scheme)) {
    throw new CertificateError('bad_signature_scheme', `scheme ${name} with a key of type ${key.type}`);
  }
  // 9846-4.5.2-8, 9846-4.5.2-9
  if (!(await isGoodSignature())) throw new CertificateError('bad_signature', `CertificateVerify with scheme ${name}`);

  async function isGoodSignature(): Promise<boolean> {
    try {
      const verifier = await crypto.signatures.verifier(key);
      return await verifier?.verify(scheme, content, signature) ?? false;
    } catch {
      // The key is not one: a point off the curve, say.
      throw new CertificateError('bad_certificate', `${owner} has a key that is not valid`);
    }
  }
}
