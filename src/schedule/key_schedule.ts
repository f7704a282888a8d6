import type { Aead, Hash } from '../crypto/provider.ts';
import { ascii } from '../wire/bytes.ts';

/**
 * The key schedule of RFC 9846 §7: one function for each formula. Every returned array is a secret that its caller wipes.
 *
 *             0
 *             |
 *             v
 *   PSK ->  HKDF-Extract = Early Secret      -> binder key, client early traffic, early exporter
 *             |
 *       Derive-Secret(., "derived", "")
 *             |
 *             v
 *   (EC)DHE -> HKDF-Extract = Handshake Secret -> client and server handshake traffic
 *             |
 *       Derive-Secret(., "derived", "")
 *             |
 *             v
 *   0 -> HKDF-Extract = Main Secret           -> client and server application traffic, exporter, resumption
 */

const EMPTY: Uint8Array = new Uint8Array(0);
const LABEL_PREFIX = 'tls13 ';

/** The labels of §7.1 to §7.3 and their encoding, made once. */
const labelBytes: Map<string, Uint8Array> = new Map();

function labelOf(label: string): Uint8Array {
  let bytes = labelBytes.get(label);
  if (bytes === undefined) {
    bytes = ascii(LABEL_PREFIX + label);
    // Exporter labels come from applications, without end: only those of the schedule are kept.
    if (labelBytes.size < 32) labelBytes.set(label, bytes);
  }
  return bytes;
}

/** HKDF-Expand-Label(Secret, Label, Context, Length), §7.1. */
export function hkdfExpandLabel(
  hash: Hash,
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const name = labelOf(label);
  // struct { uint16 length; opaque label<7..255>; opaque context<0..255>; } HkdfLabel;
  const info = new Uint8Array(2 + 1 + name.length + 1 + context.length);
  info[0] = length >>> 8;
  info[1] = length;
  info[2] = name.length;
  info.set(name, 3);
  info[3 + name.length] = context.length;
  info.set(context, 4 + name.length);
  return hash.expand(secret, info, length);
}

/** Derive-Secret(Secret, Label, Messages), §7.1, with the Transcript-Hash of the messages. */
export function deriveSecret(hash: Hash, secret: Uint8Array, label: string, transcriptHash: Uint8Array): Uint8Array {
  return hkdfExpandLabel(hash, secret, label, transcriptHash, hash.digestLength);
}

const emptyHashes: WeakMap<Hash, Uint8Array> = new WeakMap();

/** Transcript-Hash of no messages. */
function emptyHash(hash: Hash): Uint8Array {
  let digest = emptyHashes.get(hash);
  if (digest === undefined) emptyHashes.set(hash, digest = hash.digest(EMPTY));
  return digest;
}

/** HKDF-Extract(Derive-Secret(previous, "derived", ""), input). Wipes `previous`. */
function nextSecret(hash: Hash, previous: Uint8Array, input: Uint8Array): Uint8Array {
  const salt = deriveSecret(hash, previous, 'derived', emptyHash(hash));
  const next = hash.extract(salt, input);
  salt.fill(0);
  previous.fill(0);
  return next;
}

/** Early Secret from a PSK, or from zeros without one. */
export function earlySecret(hash: Hash, preSharedKey?: Uint8Array): Uint8Array {
  const zeros = new Uint8Array(hash.digestLength);
  return hash.extract(zeros, preSharedKey ?? zeros);
}

/**
 * Handshake Secret from the (EC)DHE secret, or from zeros under psk_ke. `early` is undefined without a PSK (two HKDF steps less); it
 * is wiped.
 */
export function handshakeSecret(hash: Hash, early: Uint8Array | undefined, sharedSecret?: Uint8Array): Uint8Array {
  const input = sharedSecret ?? new Uint8Array(hash.digestLength);
  return early === undefined ? hash.extract(saltWithoutPsk(hash), input) : nextSecret(hash, early, input);
}

const saltsWithoutPsk: WeakMap<Hash, Uint8Array> = new WeakMap();

/** Derive-Secret(Early Secret, "derived", "") where there is no PSK: public, and the same for every connection. */
function saltWithoutPsk(hash: Hash): Uint8Array {
  let salt = saltsWithoutPsk.get(hash);
  if (salt === undefined) {
    salt = deriveSecret(hash, earlySecret(hash), 'derived', emptyHash(hash));
    saltsWithoutPsk.set(hash, salt);
  }
  return salt;
}

/** Main Secret. Wipes the handshake secret. */
export function mainSecret(hash: Hash, handshake: Uint8Array): Uint8Array {
  return nextSecret(hash, handshake, new Uint8Array(hash.digestLength));
}

/** §7.1 and, of imported PSKs, RFC 9258 §5.2. */
const BINDER_LABELS = { resumption: 'res binder', external: 'ext binder', imported: 'imp binder' } as const;

/** The binder value over the Transcript-Hash of the truncated ClientHello, §4.3.11.2. */
export function pskBinder(
  hash: Hash,
  early: Uint8Array,
  kind: keyof typeof BINDER_LABELS,
  transcriptHash: Uint8Array,
): Uint8Array {
  const binderKey = deriveSecret(hash, early, BINDER_LABELS[kind], emptyHash(hash));
  const binder = finishedVerifyData(hash, binderKey, transcriptHash);
  binderKey.fill(0);
  return binder;
}

/** `verify_data` of a Finished message, §4.5.4. */
export function finishedVerifyData(hash: Hash, baseKey: Uint8Array, transcriptHash: Uint8Array): Uint8Array {
  const finishedKey = hkdfExpandLabel(hash, baseKey, 'finished', EMPTY, hash.digestLength);
  const verifyData = hash.hmac(finishedKey, transcriptHash);
  finishedKey.fill(0);
  return verifyData;
}

/** [sender]_write_key and [sender]_write_iv, §7.3. */
export function trafficKeys(hash: Hash, aead: Aead, trafficSecret: Uint8Array): { key: Uint8Array; iv: Uint8Array } {
  return {
    key: hkdfExpandLabel(hash, trafficSecret, 'key', EMPTY, aead.keyLength),
    iv: hkdfExpandLabel(hash, trafficSecret, 'iv', EMPTY, aead.ivLength),
  };
}

/** application_traffic_secret_N+1, §7.2. Wipes the old one. */
export function nextTrafficSecret(hash: Hash, secret: Uint8Array): Uint8Array {
  const next = hkdfExpandLabel(hash, secret, 'traffic upd', EMPTY, hash.digestLength);
  secret.fill(0);
  return next;
}

/** The PSK of one ticket, §4.7.1. */
export function resumptionPreSharedKey(hash: Hash, resumptionSecret: Uint8Array, ticketNonce: Uint8Array): Uint8Array {
  return hkdfExpandLabel(hash, resumptionSecret, 'resumption', ticketNonce, hash.digestLength);
}

/** TLS-Exporter(label, context_value, key_length), §7.5. */
export function exportKeyingMaterial(
  hash: Hash,
  exporterSecret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const secret = deriveSecret(hash, exporterSecret, label, emptyHash(hash));
  const material = hkdfExpandLabel(hash, secret, 'exporter', hash.digest(context), length);
  secret.fill(0);
  return material;
}
