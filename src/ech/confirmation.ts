import type { Hash } from '../crypto/provider.ts';
import { hkdfExpandLabel } from '../schedule/key_schedule.ts';
import type { Transcript } from '../schedule/transcript.ts';

/** Bytes of either confirmation, RFC 9849 §7.2. */
export const CONFIRMATION_LENGTH = 8;

/** Where they are in a ServerHello: the last bytes of `random`, behind header and legacy_version. */
const IN_SERVER_HELLO = 4 + 2 + 32 - CONFIRMATION_LENGTH;

/**
 * Writes accept_confirmation into `serverHello`, whose random it ends (§7.2). The transcript is that of the inner ClientHello, up to and
 * without this message.
 */
export function confirmInServerHello(
  hash: Hash,
  innerRandom: Uint8Array,
  transcript: Transcript,
  serverHello: Uint8Array,
): void {
  confirm(hash, innerRandom, 'ech accept confirmation', transcript, serverHello, IN_SERVER_HELLO);
}

/** Writes hrr_accept_confirmation into `retryRequest`, whose last extension is to hold it (§7.2.1). */
export function confirmInRetryRequest(
  hash: Hash,
  innerRandom: Uint8Array,
  transcript: Transcript,
  retryRequest: Uint8Array,
): void {
  const place = retryRequest.length - CONFIRMATION_LENGTH;
  confirm(hash, innerRandom, 'hrr ech accept confirmation', transcript, retryRequest, place);
}

function confirm(
  hash: Hash,
  innerRandom: Uint8Array,
  label: string,
  transcript: Transcript,
  message: Uint8Array,
  place: number,
): void {
  message.fill(0, place, place + CONFIRMATION_LENGTH);
  const salt = hash.secret(new Uint8Array(hash.digestLength));
  const secret = salt.extract(innerRandom);
  salt.wipe();
  message.set(hkdfExpandLabel(secret, label, transcript.digestWith(message), CONFIRMATION_LENGTH), place);
  secret.wipe();
}
