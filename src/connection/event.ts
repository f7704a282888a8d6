import type { TlsError } from '../error.ts';
import type { HandshakeInfo } from '../handshake/result.ts';
import type { Session } from '../session/session.ts';

/** What a connection reports, in order. */
export type ConnectionEvent =
  | { readonly type: 'handshake'; readonly info: HandshakeInfo }
  /**
   * Server: early data is accepted and follows; `info` is what the handshake will have agreed on. Until `handshake` comes, nothing
   * proves that the client is there and this is not a replay.
   */
  | { readonly type: 'early_data'; readonly info: HandshakeInfo }
  /**
   * Application data. `bytes` is a view of `Environment.memory.plaintext`'s space where that is given, else the receiver's own.
   * `early` data (0-RTT) may be a replay: act on it only where that does no harm.
   */
  | { readonly type: 'data'; readonly bytes: Uint8Array; readonly early: boolean }
  /** The peer sent close_notify: its direction ended cleanly. Ours is still open. */
  | { readonly type: 'end' }
  /** Client: a session to resume with. */
  | { readonly type: 'ticket'; readonly session: Session; readonly ticket: Uint8Array }
  /** The peer moved to its next traffic key. */
  | { readonly type: 'key_update'; readonly replyRequested: boolean }
  /** The connection is over; what is in the output still should be sent (the alert). */
  | { readonly type: 'failed'; readonly error: TlsError };
