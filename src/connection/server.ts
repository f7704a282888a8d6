import { fail, UsageError } from '../error.ts';
import type { ServerConfig } from '../handshake/config.ts';
import { serverHandshake } from '../handshake/server.ts';
import type { HandshakeMessage } from '../message/handshake.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { MAX_TICKET_LIFETIME } from '../session/session.ts';
import { Connection, range } from './connection.ts';

const OPTIONS: Record<keyof ServerConfig, true> = {
  crypto: true,
  random: true,
  now: true,
  memory: true,
  cipherSuites: true,
  groups: true,
  applicationProtocols: true,
  paddingMultiple: true,
  maxFragmentLength: true,
  receiveFragmentLength: true,
  certificateCompression: true,
  keyLog: true,
  limits: true,
  clientAuthentication: true,
  verifySchemes: true,
  requireServerName: true,
  tickets: true,
  earlyData: true,
  externalPsk: true,
};

/** The server's side of a connection. */
export class ServerConnection extends Connection {
  constructor(config: ServerConfig) {
    for (const name in config) if (!(name in OPTIONS)) throw new UsageError(`unknown option: ${name}`);
    if (config.earlyData !== undefined && config.tickets === undefined) {
      throw new UsageError('earlyData needs tickets');
    }
    // 9846-4.7.1-11
    range('tickets.lifetime', config.tickets?.lifetime, 1, MAX_TICKET_LIFETIME);
    range('tickets.count', config.tickets?.count, 0, 16);
    range('earlyData.maxSize', config.earlyData?.maxSize, 0, 0xffffffff);
    super(config);
    this.start((io) => serverHandshake(config, io));
  }

  protected override receivePostHandshake(message: HandshakeMessage): void {
    // 9846-4.2.2-3: TLS 1.3 has no renegotiation.
    if (message.type === HandshakeType.client_hello) fail('renegotiation');
    fail('unexpected_message', `handshake type ${message.type} after the handshake`);
  }
}
