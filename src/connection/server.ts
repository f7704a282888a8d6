import { fail } from '../error.ts';
import type { ServerConfig } from '../handshake/config.ts';
import { serverHandshake } from '../handshake/server.ts';
import type { HandshakeMessage } from '../message/handshake.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { Connection } from './connection.ts';
import { checkServerConfig } from './options.ts';

/** The server's side of a connection. */
export class ServerConnection extends Connection {
  constructor(config: ServerConfig) {
    super(config, checkServerConfig(config));
    this.start((io) => serverHandshake(config, io));
  }

  protected override receivePostHandshake(message: HandshakeMessage): void {
    // 9846-4.2.2-3: TLS 1.3 has no renegotiation.
    if (message.type === HandshakeType.client_hello) fail('renegotiation');
    fail('unexpected_message', `handshake type ${message.type} after the handshake`);
  }
}
