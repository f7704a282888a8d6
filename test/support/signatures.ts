import { webcrypto } from 'node:crypto';
import type { SignatureProvider } from '../../src/crypto/provider.ts';
import { webCryptoSignatures } from '../../src/crypto/webcrypto/signature.ts';

/** All key types by WebCrypto, for tests that do not care who signs. */
export const testSignatures: SignatureProvider = webCryptoSignatures(webcrypto.subtle as SubtleCrypto);
