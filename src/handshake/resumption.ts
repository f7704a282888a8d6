import type { Secret } from '../crypto/provider.ts';
import { fail } from '../error.ts';
import type { ClientHello } from '../message/client_hello.ts';
import { PskKeyExchangeMode } from '../message/extension/psk_key_exchange_modes.ts';
import type { HandshakeMessage } from '../message/handshake.ts';
import { encodeNewSessionTicket } from '../message/new_session_ticket.ts';
import { CertificateType } from '../registry/certificate_type.ts';
import { earlySecret, pskBinder, resumptionPreSharedKey } from '../schedule/key_schedule.ts';
import type { Transcript } from '../schedule/transcript.ts';
import { MAX_TICKET_LIFETIME, type Session } from '../session/session.ts';
import { acceptedTypes } from './certificate_type.ts';
import { type ClientAuthentication, DEFAULT_LIMITS, type HostConfig, type ServerConfig } from './config.ts';
import { ask, type Flow, type HandshakeIo, type Secrets, type Suite } from './flow.ts';
import { suiteOf } from './negotiate.ts';
import type { PeerCertificate } from './peer_certificate.ts';

/** The default of `earlyData.ageTolerance`. */
const TICKET_AGE_TOLERANCE = 10_000;

/** What a session must match to be resumed here. */
export interface Binding {
  readonly suite: Suite;
  readonly host: HostConfig;
  readonly serverName: string | undefined;
  readonly applicationProtocol: string | undefined;
  /** What is asked of clients, if anything. */
  readonly clientAuthentication: ClientAuthentication | undefined;
}

export interface ChosenPsk {
  readonly index: number;
  readonly identity: Uint8Array;
  readonly session: Session;
  /** By how much the age that the client claims for its ticket is above what it is, in milliseconds (§8.3). */
  readonly ageSkew: number;
  readonly binder: Uint8Array;
}

/** The first offered PSK that opens and matches; undefined for a full handshake. */
export function* choosePsk(
  config: ServerConfig,
  hello: ClientHello,
  binding: Binding,
): Flow<ChosenPsk | undefined> {
  const offered = hello.extensions.preSharedKey;
  // §4.3.9: a mode the client did not list is not chosen; psk_ke, which has no forward secrecy, never is.
  // 9846-4.2.1-2, 9846-4.3.9-4, 9846-4.3.9-7
  if (!offered || !hello.extensions.pskKeyExchangeModes?.includes(PskKeyExchangeMode.psk_dhe_ke)) return undefined;
  const now = config.now();
  const limit = config.limits?.pskIdentities ?? DEFAULT_LIMITS.pskIdentities;
  for (const [index, { identity, obfuscatedTicketAge }] of offered.identities.slice(0, limit).entries()) {
    let session = config.externalPsk?.(identity);
    if (session === undefined && config.tickets !== undefined) {
      session = yield* ask({ type: 'open_ticket', store: config.tickets.store, ticket: identity, now });
    }
    if (session === undefined || !matches(config, session, binding, now)) continue;
    const claimedAge = (obfuscatedTicketAge - session.ageAdd) >>> 0;
    const ageSkew = claimedAge - (now - session.createdAt);
    return { index, identity, session, ageSkew, binder: offered.binders[index] as Uint8Array };
  }
  return undefined;
}

/** The identity of an external PSK, in a copy; a ticket's says nothing to the application. */
export function externalIdentity(psk: ChosenPsk | undefined): Uint8Array | undefined {
  return psk === undefined || psk.session.kind === 'resumption' ? undefined : psk.identity.slice();
}

/** `ageSkew`, of a ticket. */
export function ticketAgeSkew(psk: ChosenPsk | undefined): number | undefined {
  return psk?.session.kind === 'resumption' ? psk.ageSkew : undefined;
}

/** Who the client has proven to be when the session of `psk` was made; nobody without one. */
export function peerOf(psk: ChosenPsk | undefined): Pick<PeerCertificate, 'chain' | 'type'> {
  const { peerCertificates = [], peerCertificateType = CertificateType.X509 } = psk?.session ?? {};
  return { chain: peerCertificates, type: peerCertificateType };
}

/** A session resumes only where it was made: same hash, name, protocol, configuration and, where it counts, client identity. */
function matches(config: ServerConfig, session: Session, binding: Binding, now: number): boolean {
  // 9846-4.3.11-2, 9846-4.3.11-3, 9846-4.7.1-6: the PSK's hash must be that of the chosen suite.
  if (suiteOf(config.crypto, session.cipherSuite)?.hash !== binding.suite.hash) return false;
  // 9846-4.3.11-1
  if (session.kind !== 'resumption') return true;
  const age = now - session.createdAt;
  const lifetime = Math.min(session.lifetime, MAX_TICKET_LIFETIME);
  if (age < 0 || age > lifetime * 1000) return false;
  // 9846-4.7.1-19: however often it was renewed by resumption.
  if (now - session.authenticatedAt > MAX_TICKET_LIFETIME * 1000) return false;
  if (session.context !== (binding.host.sessionContext ?? '')) return false;
  if (session.serverName !== binding.serverName) return false;
  if (session.applicationProtocol !== binding.applicationProtocol) return false;
  if (session.peerCertificates.length === 0) return binding.clientAuthentication?.mode !== 'require';
  return acceptedTypes(binding.clientAuthentication).includes(session.peerCertificateType ?? CertificateType.X509);
}

/**
 * Adds the ClientHello to the transcript. With a PSK, gives the Early Secret and checks its binder (§4.3.11.2), which covers the
 * ClientHello up to the binders, on the way.
 */
export function enterClientHello(
  config: ServerConfig,
  message: HandshakeMessage,
  hello: ClientHello,
  suite: Suite,
  transcript: Transcript,
  psk: ChosenPsk | undefined,
): Secret | undefined {
  if (psk === undefined) {
    transcript.add(message.bytes);
    return undefined;
  }
  const truncated = message.bytes.length - (hello.extensions.preSharedKey?.bindersLength ?? 0);
  transcript.add(message.bytes.subarray(0, truncated));
  const early = earlySecret(suite.hash, psk.session.secret);
  const expected = pskBinder(suite.hash, early, psk.session.kind, transcript.digest());
  transcript.add(message.bytes.subarray(truncated));
  // 9846-4.3.11-8, 9846-4.3.11-9: a binder that does not validate ends the handshake.
  const valid = config.crypto.constantTimeEqual(expected, psk.binder);
  expected.fill(0);
  if (!valid) {
    early.wipe();
    fail('invalid_binder');
  }
  return early;
}

/** Whether early data under `psk` is accepted (§4.3.10): first identity, same parameters, fresh, and not seen before. */
export function* decideEarlyData(
  config: ServerConfig,
  hello: ClientHello,
  suite: Suite,
  psk: ChosenPsk | undefined,
): Flow<boolean> {
  const { earlyData, now } = config;
  // 9846-4.3.10-7, 9846-F.5-3
  if (!hello.extensions.earlyData || earlyData === undefined || psk === undefined || psk.index !== 0) return false;
  const { session } = psk;
  if (session.kind !== 'resumption' || session.maxEarlyDataSize === 0) return false;
  if (earlyData.allows?.(session) === false) return false;
  // 9846-4.3.10-3
  if (Math.abs(psk.ageSkew) > (earlyData.ageTolerance ?? TICKET_AGE_TOLERANCE)) return false;
  // 9846-4.3.10-8
  if (session.cipherSuite !== suite.cipherSuite) return false;
  // 9846-8-3, 9846-8.2-1, 9846-8.2-2: the binder is validated by now
  return yield* ask({
    type: 'accept_early_data',
    antiReplay: earlyData.antiReplay,
    binder: psk.binder,
    now: now(),
  });
}

/** One of the sixteen values 0x0a0a to 0xfafa (RFC 8701 §2). */
function greaseExtension([random]: Uint8Array): number {
  return 0x0a0a + 0x1010 * ((random as number) & 15);
}

/** Sends the session tickets of a finished handshake (§4.7.1). */
export function* issueTickets(
  config: ServerConfig,
  io: HandshakeIo,
  binding: Binding,
  hello: ClientHello,
  psk: ChosenPsk | undefined,
  peer: Pick<PeerCertificate, 'chain' | 'type'>,
  resumptionSecret: Secret,
  secrets: Secrets,
): Flow<void> {
  const { tickets, earlyData } = config;
  // §4.3.9: a ticket the client could not use (no psk_dhe_ke) is not sent.
  if (!tickets || !hello.extensions.pskKeyExchangeModes?.includes(PskKeyExchangeMode.psk_dhe_ke)) return;
  const lifetime = Math.min(tickets.lifetime ?? 86400, MAX_TICKET_LIFETIME);
  // A client that resumes has used one ticket up and gets one back.
  const count = psk === undefined ? tickets.count ?? 2 : Math.min(tickets.count ?? 2, 1);
  for (let i = 0; i < count; i++) {
    const ticketNonce = Uint8Array.of(i);
    const [a, b, c, d] = config.random(4) as unknown as [number, number, number, number];
    const createdAt = config.now();
    const session: Session = {
      kind: 'resumption',
      secret: secrets.keep(resumptionPreSharedKey(binding.suite.hash, resumptionSecret, ticketNonce)),
      cipherSuite: binding.suite.cipherSuite,
      serverName: binding.serverName,
      applicationProtocol: binding.applicationProtocol,
      context: binding.host.sessionContext ?? '',
      createdAt,
      authenticatedAt: psk?.session.kind === 'resumption' ? psk.session.authenticatedAt : createdAt,
      lifetime,
      // 9846-4.7.1-14
      ageAdd: (a << 24 | b << 16 | c << 8 | d) >>> 0,
      maxEarlyDataSize: earlyData === undefined || earlyData.allows?.(binding) === false ? 0 : earlyData.maxSize,
      peerCertificates: peer.chain,
      peerCertificateType: peer.type,
    };
    const ticket = yield* ask({ type: 'seal_ticket', store: tickets.store, session, now: createdAt });
    if (ticket === undefined) return;
    encodeNewSessionTicket({
      ticketLifetime: lifetime,
      ticketAgeAdd: session.ageAdd,
      ticketNonce,
      ticket,
      maxEarlyDataSize: session.maxEarlyDataSize || undefined,
      greaseExtension: config.grease ? greaseExtension(config.random(1)) : undefined,
    }, io.flight);
  }
}
