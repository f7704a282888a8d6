/**
 * Known answers, computed with another implementation, that a provider must give before it is used: a miscompiled or damaged
 * module, or an engine with a fault, is refused by name instead of protecting anything.
 */
import { SignatureScheme } from '../../registry/signature_scheme.ts';
import type { Aead, CryptoProvider, Hash, KeyExchange } from '../provider.ts';
import { ecdsaSigner, ecdsaVerifier, ed25519Signer, ed25519Verifier } from './signature.ts';
import type { WasmInstance } from './instance.ts';

/** One primitive and whether it gives its known answer. */
export interface KnownAnswer {
  readonly primitive: string;
  passes(provider: CryptoProvider): boolean;
}

/** Throws an error that names the first primitive whose answer is wrong. */
export function selfTest(provider: CryptoProvider, answers: readonly KnownAnswer[]): void {
  for (const { primitive, passes } of answers) {
    if (!passes(provider)) throw new Error(`cryptography self-test failed: ${primitive} gave a wrong answer`);
  }
}

/** `length` bytes counting up from `first`. */
export function counting(length: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => first + i);
}

export function isHex(bytes: Uint8Array, hex: string): boolean {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('') === hex;
}

/** The digest of 'abc' (FIPS 180-4), and 42 bytes of HKDF with inputs that count up, in both ways there are. */
function hashPasses(hash: Hash, abc: string, okm: string): boolean {
  const prk = hash.extract(counting(13, 0), counting(22, 0));
  const info = counting(10, 0xf0);
  const secret = hash.secret(prk);
  const first = secret.derive(info);
  const passes = isHex(hash.digest(Uint8Array.of(0x61, 0x62, 0x63)), abc) && isHex(hash.expand(prk, info, 42), okm) &&
    isHex(secret.expand(info, 42), okm) && isHex(first.reveal().subarray(0, 32), okm.slice(0, 64));
  secret.wipe();
  first.wipe();
  return passes;
}

/** Seals one record of 300 bytes, opens it again, and must refuse it when one bit of it is changed. */
function aeadPasses(provider: CryptoProvider, aead: Aead | undefined, digest: string): boolean {
  if (aead === undefined) return false;
  const key = aead.installKey(counting(aead.keyLength, 0x80), counting(12, 0x40));
  const sequence = 0x1_0000_0005;
  const content = counting(300, 0);
  const record = new Uint8Array(300 + 22);
  const opened = new Uint8Array(record.length);
  try {
    if (key.seal(sequence, 23, content, record, 16384, 1) !== record.length) return false;
    if (!isHex(provider.sha256.digest(record), digest)) return false;
    if (key.open(sequence, record, opened, 16384).produced !== 300) return false;
    if (!provider.constantTimeEqual(opened.subarray(0, 300), content)) return false;
    record[100]! ^= 1;
    return key.open(sequence, record, opened, 16384).stop === 'bad_record_mac';
  } finally {
    key.wipe();
  }
}

export const RECORD_ANSWERS: readonly KnownAnswer[] = [
  {
    primitive: 'SHA-256',
    passes: ({ sha256 }) =>
      hashPasses(
        sha256,
        'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
        '17549b357089ac14572d4466381640cc27d6e2d88e06c83266de68c60ad55bfa1a68a49ea9c028819fce',
      ),
  },
  {
    primitive: 'SHA-384',
    passes: ({ sha384 }) =>
      hashPasses(
        sha384,
        'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7',
        '3013dab1c29108038a86a8f75fc96317cdee1fed005487310c8575e9f2c1e0d07d047ab84d0e8332e13f',
      ),
  },
  {
    primitive: 'ChaCha20-Poly1305',
    passes: (provider) =>
      aeadPasses(
        provider,
        provider.aeads.get(0x1303),
        '44ad797946ea2f99ebe712ab79abc3bfc1a63fb7d8889a9a1d3af2eecf90259a',
      ),
  },
  {
    primitive: 'AES-128-GCM',
    passes: (provider) =>
      aeadPasses(
        provider,
        provider.aeads.get(0x1301),
        '71457a8b4a5c6d112054f378e5754f188ab6ec680ac8779317db457497c753a1',
      ),
  },
  {
    primitive: 'AES-256-GCM',
    passes: (provider) =>
      aeadPasses(
        provider,
        provider.aeads.get(0x1302),
        '83258e01b208a8a0d35b2394d8b6a925007a81290551a5e8edb4bcfde54434f5',
      ),
  },
];

/** Exchanges keys with itself from random bytes that count up; `digest` is that of the client's share, the server's and the secret. */
function keyExchangePasses(provider: CryptoProvider, exchange: KeyExchange, digest: string): boolean {
  const offer = exchange.offer(counting(exchange.offerRandomLength, 1));
  const made = exchange.respond(offer.share, counting(exchange.respondRandomLength, 2));
  const agreed = made && offer.finish(made.share);
  if (made === undefined || agreed === undefined) return false;
  const transcript = provider.sha256.start();
  for (const bytes of [offer.share, made.share, agreed]) transcript.update(bytes);
  const shown = transcript.digest();
  transcript.wipe();
  return provider.constantTimeEqual(agreed, made.secret) && isHex(shown, digest);
}

const KEY_EXCHANGE_DIGESTS: Record<string, string> = {
  X25519MLKEM768: 'fcac5afe70e13c33a6b18431a593f78ec4e1de4d6ea714dd5e5acb21034e1be4',
  x25519: '174955fd529a00ddce35e5f6bdb151146fe660fa10304aaa1903ca3f68c63d9f',
  secp256r1: '6773db82ff9fd2477d877e84298639d140a1e91dfe065e2ccf870eaeb3724341',
  secp384r1: 'b59a2a6af7957ae01b3a5b0b3328165f0c9f06712623e5bf03e431bf7f512800',
  SecP256r1MLKEM768: 'e58e27b20c108754824e94ddaac06c6e93cf717e583922c5f34165ceab2517e3',
  MLKEM1024: '9d21d717a0947fff86d5382d7a37b1a41d5d84958a02703e8d63c740920c105c',
};

/** One answer for each group. */
export function keyExchangeAnswers(exchanges: Iterable<KeyExchange>): KnownAnswer[] {
  return Array.from(exchanges, (exchange) => ({
    primitive: exchange.name,
    passes: (provider) => keyExchangePasses(provider, exchange, KEY_EXCHANGE_DIGESTS[exchange.name]!),
  }));
}

/** Signs 'abc', compares, verifies, and must refuse the signature of something else. */
function signaturePasses({ sha256 }: CryptoProvider, instance: WasmInstance, scheme: number, digest: string): boolean {
  const ecdsa = scheme === SignatureScheme.ecdsa_secp256r1_sha256 ? 'P-256' : 'P-384';
  const ed25519 = scheme === SignatureScheme.ed25519;
  // No randomness is added: the nonce is a function of key and message.
  const signer = ed25519
    ? ed25519Signer(instance, counting(32, 1))
    : ecdsaSigner(instance, ecdsa, counting(ecdsa === 'P-256' ? 32 : 48, 1), (length) => new Uint8Array(length));
  const verifier = ed25519
    ? ed25519Verifier(instance, signer.publicKey)
    : ecdsaVerifier(instance, ecdsa, signer.publicKey);
  const message = Uint8Array.of(0x61, 0x62, 0x63);
  const signature = signer.sign(scheme, message);
  signer.wipe();
  return isHex(sha256.digest(signature), digest) && verifier.verify(scheme, message, signature) &&
    !verifier.verify(scheme, message.subarray(1), signature);
}

const SIGNATURE_DIGESTS = {
  ecdsa_secp256r1_sha256: '8f14778dcf3c4fa9b04425996c627c959555e54cc7a4cbae9f0cea7179460476',
  ecdsa_secp384r1_sha384: 'd97f05b82a595c15403c5248ef1495df8eb5a8171638801ed3dfc8d0b5c66806',
  ed25519: '020cf2e4092f1cceb79b2b254c0b478ab2b7aea9a5835db962f17cf6fadb3eae',
} as const;

/** One answer for each of these schemes. */
export function signatureAnswers(
  instance: WasmInstance,
  schemes: readonly (keyof typeof SIGNATURE_DIGESTS)[],
): KnownAnswer[] {
  return schemes.map((name) => ({
    primitive: name,
    passes: (provider) => signaturePasses(provider, instance, SignatureScheme[name], SIGNATURE_DIGESTS[name]),
  }));
}
