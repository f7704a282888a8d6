import { fail } from '../error.ts';
import { clientHandshake } from '../handshake/client.ts';
import type { ClientConfig } from '../handshake/config.ts';
import type { HandshakeResult } from '../handshake/result.ts';
import type { HandshakeMessage } from '../message/handshake.ts';
import { decodeNewSessionTicket } from '../message/new_session_ticket.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { resumptionPreSharedKey } from '../schedule/key_schedule.ts';
import { MAX_TICKET_LIFETIME } from '../session/session.ts';
import { Connection } from './connection.ts';
import { checkClientConfig } from './options.ts';

/** The client's side of a connection. */
export class ClientConnection extends Connection {
  #tickets = 0;

  constructor(config: ClientConfig) {
    super(config, checkClientConfig(config));
    this.start((io) => clientHandshake(config, io));
  }

  protected override receivePostHandshake(
    message: HandshakeMessage,
    { suite, resumptionSecret, info }: HandshakeResult,
  ): void {
    // 9846-4.7.2-6: post_handshake_auth was not offered, so a CertificateRequest is unexpected.
    if (message.type !== HandshakeType.new_session_ticket) {
      fail('unexpected_message', `handshake type ${message.type} after the handshake`);
    }
    const ticket = decodeNewSessionTicket(message.body, this.limits.extensions);
    // §4.7.1: a lifetime of zero means to discard it.
    if (ticket.ticketLifetime === 0 || resumptionSecret === undefined) return;
    // 9846-4.7.1-3
    if (++this.#tickets > this.limits.tickets) return;
    this.report({
      type: 'ticket',
      ticket: ticket.ticket,
      session: {
        kind: 'resumption',
        secret: resumptionPreSharedKey(suite.hash, resumptionSecret, ticket.ticketNonce),
        cipherSuite: suite.cipherSuite,
        serverName: info.serverName,
        applicationProtocol: info.applicationProtocol,
        context: '',
        createdAt: this.config.now(),
        authenticatedAt: this.config.now(),
        lifetime: Math.min(ticket.ticketLifetime, MAX_TICKET_LIFETIME),
        ageAdd: ticket.ticketAgeAdd,
        maxEarlyDataSize: ticket.maxEarlyDataSize ?? 0,
        peerCertificates: info.peerCertificates,
        peerCertificateType: info.peerCertificateType,
      },
    });
  }
}
