/** ML-KEM-768, the hybrid group over it, and ML-KEM-1024, from raw bytes to raw bytes, JavaScript to JavaScript. */
import * as crypto from 'node:crypto';
import { type MlKem, mlKem1024, mlKem768 } from '../../src/crypto/wasm/mlkem.ts';
import { NamedGroup } from '../../src/registry/named_group.ts';
import type { KernelRow, Rows } from './row.ts';

/** What comes before a raw key in a SubjectPublicKeyInfo (RFC 9935). */
const MLKEM_SPKI = {
  768: Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex'),
  1024: Buffer.from('30820632300b06096086480165030404030382062100', 'hex'),
};
const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex');

interface NativeKem {
  encapsulate(key: crypto.KeyObject): { ciphertext: Buffer; sharedKey: Buffer };
  decapsulate(key: crypto.KeyObject, ciphertext: Uint8Array): Buffer;
  generateKeyPairSync(type: string): { publicKey: crypto.KeyObject; privateKey: crypto.KeyObject };
}

/** node:crypto where it has ML-KEM: Node 24.7 and later. */
function nativeKem(): NativeKem | undefined {
  const native = crypto as unknown as NativeKem;
  try {
    native.encapsulate(native.generateKeyPairSync('ml-kem-768').publicKey);
    return native;
  } catch {
    return undefined;
  }
}

function publicKey(prefix: Buffer, raw: Uint8Array): crypto.KeyObject {
  return crypto.createPublicKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'spki' });
}

/** A row's `node`, where the runtime has ML-KEM. */
function where<T>(native: T | undefined, node: (native: T) => void): { node?(): void } {
  return native === undefined ? {} : { node: () => node(native) };
}

function kemRows(size: 768 | 1024, kem: MlKem, native: NativeKem | undefined): KernelRow[] {
  const [seed, message] = [crypto.randomBytes(64), crypto.randomBytes(32)];
  const { encapsulationKey, decapsulationKey } = kem.generateKey(seed);
  const { ciphertext } = kem.encapsulate(encapsulationKey, message)!;
  const nativeKey = native?.generateKeyPairSync(`ml-kem-${size}`);
  const nativeCiphertext = nativeKey && native!.encapsulate(nativeKey.publicKey).ciphertext;
  return [
    {
      name: `ML-KEM-${size} encapsulation from a raw key`,
      ours: () => void kem.encapsulate(encapsulationKey, message),
      ...where(native, ({ encapsulate }) => encapsulate(publicKey(MLKEM_SPKI[size], encapsulationKey))),
    },
    {
      name: `ML-KEM-${size} decapsulation`,
      ours: () => void kem.decapsulate(decapsulationKey, ciphertext),
      ...where(native, ({ decapsulate }) => decapsulate(nativeKey!.privateKey, nativeCiphertext!)),
    },
    {
      name: `ML-KEM-${size} keygen`,
      ours: () => void kem.generateKey(seed),
      ...where(
        native,
        ({ generateKeyPairSync }) =>
          generateKeyPairSync(`ml-kem-${size}`).publicKey.export({ format: 'der', type: 'spki' }),
      ),
    },
  ];
}

export const mlkemRows: Rows = ({ keyExchanges }, instance) => {
  const native = nativeKem();
  const hybrid = keyExchanges.get(NamedGroup.X25519MLKEM768)!;
  const random = crypto.randomBytes(hybrid.respondRandomLength);
  const { share } = hybrid.offer(crypto.randomBytes(hybrid.offerRandomLength));
  return [
    ...kemRows(768, mlKem768(instance), native),
    {
      name: 'X25519MLKEM768 server share',
      ours: () => void hybrid.respond(share, random),
      ...where(native, ({ encapsulate }) => {
        encapsulate(publicKey(MLKEM_SPKI[768], share.subarray(0, 1184)));
        const pair = crypto.generateKeyPairSync('x25519');
        pair.publicKey.export({ format: 'der', type: 'spki' });
        crypto.diffieHellman({ privateKey: pair.privateKey, publicKey: publicKey(X25519_SPKI, share.subarray(1184)) });
      }),
    },
    ...kemRows(1024, mlKem1024(instance), native),
  ];
};
