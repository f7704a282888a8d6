import { ServerConnection } from '../connection/server.ts';
import type { HandshakeInfo } from '../handshake/result.ts';
import { TlsError } from '../error.ts';
import type { ServerConfig } from '../handshake/config.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Address, Network, Socket, SocketHandler } from '../socket/socket.ts';
import type { BufferPool } from '../stream/buffer_pool.ts';
import { Channel, type ChannelHandler } from '../stream/channel.ts';
import type { EffectHandlers } from '../stream/effect_runner.ts';
import { concat } from '../wire/bytes.ts';
import type { Deadlines } from './deadlines.ts';
import { proxyHeader, type ProxyProtocol } from './proxy_protocol.ts';

/** Plaintext that may wait for the backend, in bytes; what one read brings may come on top. */
const EARLY_LIMIT = 16 * 1024;

/** What all tunnels of a terminator share. */
export interface TunnelContext {
  readonly network: Network;
  readonly pool: BufferPool;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly config: ServerConfig;
  readonly effects: EffectHandlers;
  readonly proxyProtocol: ProxyProtocol;
  /** Tunnels whose handshake is not finished. */
  readonly handshakes: Deadlines<Tunnel>;
  /** Tunnels whose backend has not answered. */
  readonly connects: Deadlines<Tunnel>;
  /** Tunnels whose tickets wait for the backend's first bytes. */
  readonly tickets: Deadlines<Tunnel>;
  /** Tunnels that have said their last word and give the client a moment to read it. */
  readonly farewells: Deadlines<Tunnel>;
  /** The backend for a connection; undefined when there is none. */
  target(info: HandshakeInfo): Address | undefined;
  /** Both sockets are gone. */
  finished(tunnel: Tunnel): void;
}

/**
 * One client and its backend. Plaintext goes from the channel's `onPlaintext` to the backend's socket and from the backend's
 * `received` to the channel; each side is read only while the other takes what comes.
 */
export class Tunnel implements ChannelHandler, SocketHandler {
  readonly #context: TunnelContext;
  readonly #client: Channel;
  /** Known from the start where the log or the backend will be told: a socket that is gone tells no address. */
  readonly #peer: Address | undefined;
  readonly #startTime = performance.now();
  #connectTime = 0;
  #info: HandshakeInfo | undefined;
  /** The handshake is finished; before that, `#info` is that of early data. */
  #secured = false;
  #backend: Socket | undefined;
  #connected = false;
  /** For the backend, once it is reached: the PROXY protocol header, and the plaintext that came meanwhile. */
  #early: Uint8Array | undefined;
  #clientGone = false;
  #backendGone = true;
  /** The client's close_notify came; the backend's end came. */
  #clientEnded = false;
  #backendEnded = false;
  /** The client is to be told of the end as soon as its handshake is finished. */
  #endDue = false;
  /** One line per connection. */
  #logged = false;
  #finished = false;
  #received = 0;
  #sent = 0;

  constructor(context: TunnelContext, socket: Socket) {
    this.#context = context;
    if (context.log.shows('info') || context.proxyProtocol !== 'off') this.#peer = socket.remote;
    this.#client = new Channel(new ServerConnection(context.config), socket, this, context.effects, context.pool);
    context.handshakes.add(this);
    this.#client.start();
  }

  // The client's side.

  onEarlyData(info: HandshakeInfo): void {
    this.#context.metrics.earlyData++;
    this.#open(info);
  }

  onHandshake(info: HandshakeInfo): void {
    const { handshakes, metrics, tickets } = this.#context;
    handshakes.delete(this);
    this.#secured = true;
    const seconds = (performance.now() - this.#startTime) / 1000;
    metrics.handshake(info.cipherSuiteName, info.groupName ?? 'none', info.resumed, seconds);
    if (info.encryptedClientHello === 'accepted') metrics.echAccepted++;
    else if (info.encryptedClientHello === 'rejected') metrics.echRejected++;
    if (this.#info === undefined) this.#open(info);
    if (this.#backend !== undefined) tickets.add(this);
    // The answer to the early data was all there was.
    if (this.#endDue) this.#client.end();
  }

  /** Finds the backend and begins to connect to it. */
  #open(info: HandshakeInfo): void {
    const { connects, network, proxyProtocol, config } = this.#context;
    this.#info = info;
    this.#connectTime = performance.now();
    const target = this.#context.target(info);
    if (target === undefined) {
      this.#report('warning', 'no route', {});
      this.#client.end();
      this.#sayFarewell();
      return;
    }
    connects.add(this);
    this.#backendGone = false;
    this.#backend = network.connect(target, this);
    if (proxyProtocol !== 'off') {
      const [peer, { local }] = [this.#peer as Address, this.#client.socket];
      this.#early = proxyHeader(proxyProtocol, peer, local, info, config.earlyData?.maxSize);
    }
  }

  onPlaintext(bytes: Uint8Array): boolean {
    const backend = this.#backend;
    if (backend === undefined || this.#backendGone) return true;
    this.#received += bytes.length;
    this.#context.metrics.bytesReceived += bytes.length;
    if (this.#connected) return backend.write(bytes);
    // The first bytes may wait long for the backend: in a copy of their own.
    const early = this.#early = this.#early === undefined ? bytes.slice() : concat(this.#early, bytes);
    if (early.length > EARLY_LIMIT) this.#client.block();
    return true;
  }

  onPlaintextEnd(): void {
    this.#clientEnded = true;
    if (this.#connected) this.#backend?.end();
    if (this.#backendEnded) this.#client.close();
  }

  onWritable(): void {
    this.#backend?.resume();
  }

  onFailed(error: TlsError): void {
    const { metrics, handshakes } = this.#context;
    handshakes.delete(this);
    // Many clients just leave once they have the whole answer and our close_notify.
    const left = error.reason === 'truncated' && this.#backendEnded && this.#secured;
    if (left) {
      this.#report('info', 'connection closed', { truncated: 'yes' });
    } else {
      metrics.failure(error.reason);
      this.#report('info', this.#secured ? 'connection failed' : 'handshake failed', describe(error));
    }
    // A reset, not an end: what the backend got so far is not all that the client meant to send.
    this.#backend?.reset();
    if (error.alert === null || error.reason === 'peer_alert') this.#client.socket.destroy();
    else this.#sayFarewell();
  }

  onClosed(error: Error | undefined): void {
    const { handshakes, tickets, farewells } = this.#context;
    this.#clientGone = true;
    tickets.delete(this);
    handshakes.delete(this);
    farewells.delete(this);
    if (error !== undefined && !this.#bothEnded) this.#report('info', 'client lost', { reason: error.message });
    if (!this.#backendGone) this.#leaveBackend();
    this.#finishWhenDone();
  }

  // The backend's side.

  connected(): void {
    this.#connected = true;
    this.#context.connects.delete(this);
    this.#context.metrics.connected((performance.now() - this.#connectTime) / 1000);
    const backend = this.#backend as Socket;
    const early = this.#early;
    this.#early = undefined;
    if (early === undefined || backend.write(early)) this.#client.release();
    else this.#client.block();
    if (this.#clientEnded) backend.end();
    backend.resume();
  }

  received(bytes: Uint8Array): void {
    if (this.#clientGone) return;
    if (this.#sent === 0) this.#context.tickets.delete(this);
    this.#sent += bytes.length;
    this.#context.metrics.bytesSent += bytes.length;
    if (!this.#client.write(bytes)) this.#backend?.pause();
  }

  receivedEnd(): void {
    this.#backendEnded = true;
    if (this.#clientEnded) this.#client.close();
    else this.#endClient();
  }

  drained(): void {
    if (!this.#clientGone) this.#client.release();
    else this.#context.farewells.add(this);
  }

  closed(error: Error | undefined): void {
    this.#backendGone = true;
    this.#context.connects.delete(this);
    if (!this.#clientGone) this.#backendLost(error);
    this.#finishWhenDone();
  }

  // Deadlines.

  handshakeExpired(): void {
    this.#abort(new TlsError('handshake_timeout'));
  }

  connectExpired(): void {
    this.#backend?.destroy();
  }

  ticketsDue(): void {
    this.#client.sendWaiting();
  }

  farewellExpired(): void {
    this.#client.socket.destroy();
    this.#backend?.destroy();
  }

  /** Ends it now. With an alert: the client must not take what it has for all there was. */
  cancel(): void {
    this.#abort(this.#secured ? new TlsError('internal_error', 'shutting down') : new TlsError('canceled'));
  }

  // What follows from them.

  get #bothEnded(): boolean {
    return this.#clientEnded && this.#backendEnded;
  }

  /** Our last word to the client, which is not said in the middle of a handshake. */
  #endClient(): void {
    if (this.#secured) this.#client.end();
    else this.#endDue = true;
  }

  #abort(error: TlsError): void {
    this.#client.abort(error);
    this.onFailed(error);
  }

  /** The backend is gone while the client is still there: never reached, or broken off, or done. */
  #backendLost(error: Error | undefined): void {
    // Done: the client's socket goes when it has taken the rest.
    if (this.#bothEnded) return;
    if (!this.#connected) {
      this.#context.metrics.upstreamFailures++;
      this.#report('warning', 'backend unreachable', { reason: error?.message ?? 'timeout' });
      this.#endClient();
    } else if (error !== undefined && !this.#backendEnded) {
      this.#context.metrics.upstreamFailures++;
      this.#report('warning', 'backend lost', { reason: error.message });
      this.#client.abort(new TlsError('internal_error', 'backend lost'));
    }
    this.#sayFarewell();
    this.#client.release();
  }

  /** The client is gone while the backend is still there. What the client sent to the end still gets there. */
  #leaveBackend(): void {
    if (!this.#clientEnded) {
      this.#backend?.reset();
      return;
    }
    this.#backend?.resume();
    this.#context.farewells.add(this);
  }

  /** Nothing more will be sent. The client gets a moment to read it, then the socket goes. */
  #sayFarewell(): void {
    if (!this.#clientGone) this.#context.farewells.add(this);
  }

  #finishWhenDone(): void {
    if (!this.#clientGone || !this.#backendGone || this.#finished) return;
    this.#finished = true;
    this.#context.farewells.delete(this);
    if (!this.#logged) this.#report('info', 'connection closed', {});
    this.#context.finished(this);
  }

  /** The connection's line in the log: the first that is said about it, or its good end. */
  #report(level: 'info' | 'warning', event: string, fields: Readonly<Record<string, string>>): void {
    const { log } = this.#context;
    if (this.#logged) return;
    this.#logged = true;
    if (!log.shows(level)) return;
    const info = this.#info;
    const peer = this.#peer ?? this.#client.socket.remote;
    log[level](event, {
      peer: `${peer.host}:${peer.port}`,
      ...fields,
      sni: info?.serverName,
      alpn: info?.applicationProtocol,
      suite: info?.cipherSuiteName,
      group: info?.groupName,
      resumed: info?.resumed === true ? true : undefined,
      early: info?.earlyData === true ? true : undefined,
      ech: info?.encryptedClientHello,
      received: this.#received,
      sent: this.#sent,
      ms: Math.round(performance.now() - this.#startTime),
    });
  }
}

function describe(error: TlsError): Record<string, string> {
  const fields: Record<string, string> = { reason: error.reason };
  if (error.message !== error.reason) fields['detail'] = error.message.slice(error.reason.length + 2);
  if (error.alert !== null) fields['alert'] = error.alert;
  return fields;
}
