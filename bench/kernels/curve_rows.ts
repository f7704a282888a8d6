/** Key exchange and signatures on elliptic curves, from raw bytes to raw bytes, JavaScript to JavaScript. */
import * as crypto from 'node:crypto';
import type { WasmInstance } from '../../src/crypto/wasm/instance.ts';
import {
  type EcdsaCurve,
  ecdsaSigner,
  ecdsaVerifier,
  ed25519Signer,
  ed25519Verifier,
} from '../../src/crypto/wasm/signature.ts';
import { NamedGroup } from '../../src/registry/named_group.ts';
import { SignatureScheme } from '../../src/registry/signature_scheme.ts';
import type { KernelRow, OpensslSpeed, Rows } from './row.ts';

/** What a CertificateVerify signs: 64 spaces, a context string with its zero, a SHA-256 transcript hash. */
const CONTENT = crypto.randomBytes(64 + 34 + 32);

const speed = (algorithm: string, column: number, amount = 1): OpensslSpeed => ({
  args: [algorithm],
  column,
  unit: 'ops/s',
  amount,
});

const spki = (raw: Uint8Array) =>
  crypto.createPublicKey({
    key: Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), raw]),
    format: 'der',
    type: 'spki',
  });

/** The shared secret alone: a call of the instance, with the copies in and out that a caller makes. */
function sharedSecret(
  { bytes, scratch }: WasmInstance,
  privateKey: Uint8Array,
  peer: Uint8Array,
  size: number,
  call: (privateKey: number, peer: number, secret: number) => number,
): () => void {
  return () => {
    bytes.set(privateKey, scratch);
    bytes.set(peer, scratch + 64);
    if (call(scratch, scratch + 64, scratch + 256) === 0) throw new Error('no secret');
    bytes.slice(scratch + 256, scratch + 256 + size);
    bytes.fill(0, scratch, scratch + 512);
  };
}

const x25519Rows: Rows = ({ keyExchanges }, instance) => {
  const exchange = keyExchanges.get(NamedGroup.x25519)!;
  const random = crypto.randomBytes(32);
  const peer = exchange.offer(crypto.randomBytes(32)).share;
  const own = crypto.generateKeyPairSync('x25519');
  const imported = spki(peer);
  const { exports } = instance;
  return [
    {
      name: 'X25519 shared secret',
      ours: sharedSecret(instance, random, peer, 32, exports.x25519_shared_secret),
      node: () => void crypto.diffieHellman({ privateKey: own.privateKey, publicKey: imported }),
      openssl: speed('ecdhx25519', 0),
    },
    {
      name: 'X25519 server share (keygen + secret)',
      ours: () => void exchange.respond(peer, random),
      node() {
        const pair = crypto.generateKeyPairSync('x25519');
        pair.publicKey.export({ format: 'der', type: 'spki' });
        crypto.diffieHellman({ privateKey: pair.privateKey, publicKey: spki(peer) });
      },
      openssl: speed('ecdhx25519', 0, 2),
    },
    {
      name: 'X25519 keygen',
      ours: () => exchange.offer(random).wipe(),
      node: () => void crypto.generateKeyPairSync('x25519').publicKey.export({ format: 'der', type: 'spki' }),
      openssl: speed('ecdhx25519', 0),
    },
  ];
};

interface Curve {
  name: EcdsaCurve;
  group: number;
  openssl: string;
  ecdh: string;
  ecdsa: string;
  hash: string;
  scheme: number;
  size: number;
}

const CURVES: Curve[] = [
  {
    name: 'P-256',
    group: NamedGroup.secp256r1,
    openssl: 'prime256v1',
    ecdh: 'ecdhp256',
    ecdsa: 'ecdsap256',
    hash: 'sha256',
    scheme: SignatureScheme.ecdsa_secp256r1_sha256,
    size: 32,
  },
  {
    name: 'P-384',
    group: NamedGroup.secp384r1,
    openssl: 'secp384r1',
    ecdh: 'ecdhp384',
    ecdsa: 'ecdsap384',
    hash: 'sha384',
    scheme: SignatureScheme.ecdsa_secp384r1_sha384,
    size: 48,
  },
];

const weierstrassRows: Rows = (provider, instance) => CURVES.flatMap((curve) => curveOf(curve, provider, instance));

function curveOf(curve: Curve, ...[{ keyExchanges }, instance]: Parameters<Rows>): KernelRow[] {
  const { name, group, openssl, ecdh, ecdsa, hash, scheme, size } = curve;
  const exchange = keyExchanges.get(group)!;
  const random = crypto.randomBytes(exchange.respondRandomLength);
  const [own, other] = [crypto.createECDH(openssl), crypto.createECDH(openssl)];
  const peer = other.generateKeys();
  own.generateKeys();
  const scalar = crypto.randomBytes(size).fill(1, 0, 1);
  const added = new Uint8Array(random.subarray(0, 16));
  const signer = ecdsaSigner(instance, name, scalar, () => added);
  const verifier = ecdsaVerifier(instance, name, signer.publicKey);
  const [x, y] = [signer.publicKey.subarray(1, 1 + size), signer.publicKey.subarray(1 + size)]
    .map((bytes) => Buffer.from(bytes).toString('base64url')) as [string, string];
  const jwk = { kty: 'EC', crv: name, x, y };
  const key = crypto.createPrivateKey({ key: { ...jwk, d: scalar.toString('base64url') }, format: 'jwk' });
  const publicKey = crypto.createPublicKey({ key: jwk, format: 'jwk' });
  const signature = signer.sign(scheme, CONTENT);
  const { exports } = instance;
  const secret = name === 'P-256' ? exports.p256_shared_secret : exports.p384_shared_secret;
  return [
    {
      name: `${name} ECDH`,
      ours: sharedSecret(instance, scalar, peer, size, (a, b, c) => secret(a, b, peer.length, c)),
      node: () => void own.computeSecret(peer),
      openssl: speed(ecdh, 0),
    },
    {
      name: `${name} server share (keygen + secret)`,
      ours: () => void exchange.respond(peer, random),
      node() {
        const fresh = crypto.createECDH(openssl);
        fresh.generateKeys();
        fresh.computeSecret(peer);
      },
      openssl: speed(ecdh, 0, 2),
    },
    {
      name: `ECDSA ${name} sign`,
      ours: () => void signer.sign(scheme, CONTENT),
      node: () => void crypto.sign(hash, CONTENT, key),
      openssl: speed(ecdsa, 0),
    },
    {
      name: `ECDSA ${name} verify`,
      ours: () => void verifier.verify(scheme, CONTENT, signature),
      node: () => void crypto.verify(hash, CONTENT, publicKey, signature),
      openssl: speed(ecdsa, 1),
    },
  ];
}

const ed25519Rows: Rows = (_provider, instance) => {
  const seed = crypto.randomBytes(32);
  const signer = ed25519Signer(instance, seed);
  const verifier = ed25519Verifier(instance, signer.publicKey);
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const key = crypto.createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const publicKey = crypto.createPublicKey(key);
  const signature = signer.sign(SignatureScheme.ed25519, CONTENT);
  return [
    {
      name: 'Ed25519 sign',
      ours: () => void signer.sign(SignatureScheme.ed25519, CONTENT),
      node: () => void crypto.sign(null, CONTENT, key),
      openssl: speed('ed25519', 0),
    },
    {
      name: 'Ed25519 verify',
      ours: () => void verifier.verify(SignatureScheme.ed25519, CONTENT, signature),
      node: () => void crypto.verify(null, CONTENT, publicKey, signature),
      openssl: speed('ed25519', 1),
    },
  ];
};

export const curveRows: Rows = (provider, instance) =>
  [x25519Rows, weierstrassRows, ed25519Rows].flatMap((rows) => rows(provider, instance));
