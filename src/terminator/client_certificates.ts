import type { CryptoProvider } from '../crypto/provider.ts';
import { certificateCrypto } from '../crypto/webcrypto/certificate_crypto.ts';
import { peerVerifier } from '../pki/verify_peer.ts';
import type { Trust } from '../pki/trust.ts';
import type { EffectHandlers } from '../stream/effect_runner.ts';
import { ascii, concat } from '../wire/bytes.ts';
import type { Engine } from './engine.ts';

/** Which client certificates are asked for and believed. */
export interface ClientCertificates {
  /** 'request': a client may have none. */
  readonly mode: 'request' | 'require';
  readonly trust: Trust;
  /** See `PeerRules.revocation`. Default 'if_known'. */
  readonly revocation?: 'if_known' | 'required';
}

/** Answers the handshake's `verify_peer`, off the hot path: chains are checked by the runtime's threads. */
export function clientVerifier(
  { webCrypto, signatures }: Engine,
  { trust, revocation = 'if_known' }: ClientCertificates,
): NonNullable<EffectHandlers['verifyPeer']> {
  const verifier = peerVerifier({ trust, revocation }, certificateCrypto(webCrypto.subtle, signatures));
  return async (question) => {
    const verdict = await verifier.verify(question, Date.now());
    return verdict.ok ? true : verdict;
  };
}

/**
 * What a session is bound to, by the end entity's certificate it was made under: that certificate, and the rules for client
 * certificates. So a ticket is of no use at another host, nor under other rules, even where ticket keys are shared.
 */
export function sessionContexts(
  { sha256 }: CryptoProvider,
  clients: ClientCertificates | undefined,
): (leaf: Uint8Array) => string {
  const rules = clients === undefined ? 'none' : `${clients.mode} ${clients.revocation ?? 'if_known'}`;
  const authorities = clients?.trust.authorities.map((name) => sha256.digest(name)) ?? [];
  return (leaf) => {
    const digest = sha256.digest(concat(sha256.digest(leaf), ascii(rules), ...authorities));
    return Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
  };
}
