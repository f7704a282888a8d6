import type { HostConfig } from '../handshake/config.ts';
import type { ClientHelloInfo, Effect, EffectResult } from '../handshake/effect.ts';

type VerifyPeerEffect = Extract<Effect, { type: 'verify_peer' }>;

/** What a handshake asks of the world outside, apart from what brings its own methods along (signers, ticket stores). */
export interface EffectHandlers {
  /** Servers. Undefined ends the handshake with unrecognized_name. */
  selectCredentials?(clientHello: ClientHelloInfo): HostConfig | undefined | Promise<HostConfig | undefined>;
  /** Clients, and servers that ask for certificates. True, or why the peer is refused. */
  verifyPeer?(effect: VerifyPeerEffect): EffectResult['verify_peer'] | Promise<EffectResult['verify_peer']>;
}

/**
 * The value to resolve `effect` with (`EffectResult`), or a promise of it. Synchronous wherever what it calls is, so that a P-256
 * handshake needs no promise.
 */
export function runEffect(effect: Effect, handlers: EffectHandlers): unknown {
  switch (effect.type) {
    case 'select_credentials':
      return handlers.selectCredentials?.(effect.clientHello);
    case 'sign':
      return effect.signer.sign(effect.scheme, effect.content);
    case 'verify_peer':
      return handlers.verifyPeer?.(effect) ?? 'certificate_unknown';
    case 'open_ticket':
      return effect.store.open(effect.ticket, effect.now);
    case 'seal_ticket':
      return effect.store.seal(effect.session, effect.now);
    case 'accept_early_data':
      return effect.antiReplay.accept(effect.binder, effect.now);
  }
}
