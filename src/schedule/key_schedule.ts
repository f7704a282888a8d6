import type { Aead, Hash, RecordKey, Secret } from '../crypto/provider.ts';
import { ascii, concat } from '../wire/bytes.ts';

/**
 * The key schedule of RFC 9846 §7: one function for each formula. Every `Secret` and every array that is returned is
 * secret, and its caller wipes it.
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

/**
 * struct { uint16 length; opaque label<7..255>; opaque context<0..255>; } HkdfLabel; by the length of the context and the label, with room
 * for both lengths and the context to be filled in: valid until the next call.
 */
const hkdfLabels: Map<string, Uint8Array>[] = [];

function hkdfLabel(label: string, context: Uint8Array, length: number): Uint8Array {
  const labels = hkdfLabels[context.length] ??= new Map();
  let bytes = labels.get(label);
  if (bytes === undefined) {
    const name = ascii(LABEL_PREFIX + label);
    bytes = concat(Uint8Array.of(0, 0, name.length), name, Uint8Array.of(context.length), context);
    // Exporter labels come from applications, without end: only those of the schedule are kept.
    if (labels.size < 32) labels.set(label, bytes);
  }
  bytes[0] = length >>> 8;
  bytes[1] = length;
  bytes.set(context, bytes.length - context.length);
  return bytes;
}

/** HKDF-Expand-Label(Secret, Label, Context, Length), §7.1, where it leaves the key schedule. */
export function hkdfExpandLabel(secret: Secret, label: string, context: Uint8Array, length: number): Uint8Array {
  return secret.expand(hkdfLabel(label, context, length), length);
}

/** HKDF-Expand-Label(Secret, Label, Context, Hash.length). */
function deriveLabel(hash: Hash, secret: Secret, label: string, context: Uint8Array): Secret {
  return secret.derive(hkdfLabel(label, context, hash.digestLength));
}

/** Derive-Secret(Secret, Label, Messages), §7.1, with the Transcript-Hash of the messages. */
export function deriveSecret(hash: Hash, secret: Secret, label: string, transcriptHash: Uint8Array): Secret {
  return deriveLabel(hash, secret, label, transcriptHash);
}

/** What is public, or the same for all connections, made once for each hash and never wiped. */
interface Constants {
  readonly zeros: Uint8Array;
  /** Transcript-Hash of no messages. */
  readonly emptyHash: Uint8Array;
  /** The salt of the Early Secret. */
  readonly zeroSalt: Secret;
  /** Derive-Secret(Early Secret, "derived", "") where there is no PSK. */
  readonly saltWithoutPsk: Secret;
}

const constants: WeakMap<Hash, Constants> = new WeakMap();

function constantsOf(hash: Hash): Constants {
  let made = constants.get(hash);
  if (made === undefined) {
    const zeros = new Uint8Array(hash.digestLength);
    const emptyHash = hash.digest(EMPTY);
    const zeroSalt = hash.secret(zeros);
    const saltWithoutPsk = deriveSecret(hash, zeroSalt.extract(zeros), 'derived', emptyHash);
    constants.set(hash, made = { zeros, emptyHash, zeroSalt, saltWithoutPsk });
  }
  return made;
}

/** HKDF-Extract(Derive-Secret(previous, "derived", ""), input). Wipes `previous`. */
function nextSecret(hash: Hash, previous: Secret, input: Uint8Array): Secret {
  const salt = deriveSecret(hash, previous, 'derived', constantsOf(hash).emptyHash);
  const next = salt.extract(input);
  salt.wipe();
  previous.wipe();
  return next;
}

/** Early Secret from a PSK, or from zeros without one. */
export function earlySecret(hash: Hash, preSharedKey?: Uint8Array): Secret {
  const { zeroSalt, zeros } = constantsOf(hash);
  return zeroSalt.extract(preSharedKey ?? zeros);
}

/**
 * Handshake Secret from the (EC)DHE secret, or from zeros under psk_ke. `early` is undefined without a PSK (two HKDF steps less); it
 * is wiped.
 */
export function handshakeSecret(hash: Hash, early: Secret | undefined, sharedSecret?: Uint8Array): Secret {
  const { zeros, saltWithoutPsk } = constantsOf(hash);
  const input = sharedSecret ?? zeros;
  return early === undefined ? saltWithoutPsk.extract(input) : nextSecret(hash, early, input);
}

/** Main Secret. Wipes the handshake secret. */
export function mainSecret(hash: Hash, handshake: Secret): Secret {
  return nextSecret(hash, handshake, constantsOf(hash).zeros);
}

/** §7.1 and, of imported PSKs, RFC 9258 §5.2. */
const BINDER_LABELS = { resumption: 'res binder', external: 'ext binder', imported: 'imp binder' } as const;

/** The binder value over the Transcript-Hash of the truncated ClientHello, §4.3.11.2. */
export function pskBinder(
  hash: Hash,
  early: Secret,
  kind: keyof typeof BINDER_LABELS,
  transcriptHash: Uint8Array,
): Uint8Array {
  const binderKey = deriveSecret(hash, early, BINDER_LABELS[kind], constantsOf(hash).emptyHash);
  const binder = finishedVerifyData(hash, binderKey, transcriptHash);
  binderKey.wipe();
  return binder;
}

/** `verify_data` of a Finished message, §4.5.4. */
export function finishedVerifyData(hash: Hash, baseKey: Secret, transcriptHash: Uint8Array): Uint8Array {
  const finishedKey = deriveLabel(hash, baseKey, 'finished', EMPTY);
  const verifyData = finishedKey.mac(transcriptHash);
  finishedKey.wipe();
  return verifyData;
}

/** The key of one direction made of [sender]_write_key and [sender]_write_iv, §7.3. */
export function trafficKey(aead: Aead, trafficSecret: Secret): RecordKey {
  const keyLabel = hkdfLabel('key', EMPTY, aead.keyLength);
  return aead.deriveKey(trafficSecret, keyLabel, hkdfLabel('iv', EMPTY, aead.ivLength));
}

/** application_traffic_secret_N+1, §7.2. Wipes the old one. */
export function nextTrafficSecret(hash: Hash, secret: Secret): Secret {
  const next = deriveLabel(hash, secret, 'traffic upd', EMPTY);
  secret.wipe();
  return next;
}

/** The PSK of one ticket, §4.7.1. */
export function resumptionPreSharedKey(hash: Hash, resumptionSecret: Secret, ticketNonce: Uint8Array): Uint8Array {
  return hkdfExpandLabel(resumptionSecret, 'resumption', ticketNonce, hash.digestLength);
}

/** TLS-Exporter(label, context_value, key_length), §7.5. */
export function exportKeyingMaterial(
  hash: Hash,
  exporterSecret: Secret,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const secret = deriveSecret(hash, exporterSecret, label, constantsOf(hash).emptyHash);
  const material = hkdfExpandLabel(secret, 'exporter', hash.digest(context), length);
  secret.wipe();
  return material;
}
