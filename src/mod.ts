/**
 * Sallyport: TLS 1.3 for Node and Deno. Three levels, each usable without those above it:
 *
 * - `ServerConnection`, `ClientConnection`: the protocol without sockets, bytes in and bytes out;
 * - `acceptTls`, `connectTls`: a connection over a socket as a pair of web streams;
 * - `Terminator`: listens, ends TLS and forwards plaintext to backends.
 */
export { ClientConnection } from './connection/client.ts';
export { Connection } from './connection/connection.ts';
export type { ConnectionEvent } from './connection/event.ts';
export { ServerConnection } from './connection/server.ts';
export type {
  Aead,
  CryptoProvider,
  Hash,
  KeyExchange,
  SignatureProvider,
  Signer,
  Verifier,
} from './crypto/provider.ts';
export { encodeEchConfig, encodeEchConfigList } from './ech/config.ts';
export { type EchKey, EchKeys, makeEchKey } from './ech/keys.ts';
export { ALERT_OF_REASON, type Reason, TlsError, UsageError } from './error.ts';
export type {
  ClientConfig,
  CommonConfig,
  Credentials,
  DelegatedCredential,
  Environment,
  HostConfig,
  Limits,
  ServerConfig,
} from './handshake/config.ts';
export type { ClientHelloInfo, Effect, EffectResult } from './handshake/effect.ts';
export { type ExternalPsk, type ImportedPsk, importPsk } from './handshake/imported_psk.ts';
export type { HandshakeInfo } from './handshake/result.ts';
export { Log, type LogFields, type LogFormat, type LogLevel } from './observe/log.ts';
export { Metrics } from './observe/metrics.ts';
export { type DelegatedCredentialFiles, loadDelegatedCredential } from './pki/delegated_credential.ts';
export { type CredentialFiles, loadCredentials, type LoadedCredentials } from './pki/credentials.ts';
export { type SelfSigned, selfSigned, type SelfSignedOptions } from './pki/self_signed.ts';
export { CertificateType } from './registry/certificate_type.ts';
export { CipherSuite } from './registry/cipher_suite.ts';
export { NamedGroup } from './registry/named_group.ts';
export { SignatureScheme } from './registry/signature_scheme.ts';
export { MemoryAntiReplay, MemorySessionStore } from './session/memory_store.ts';
export { type AntiReplay, externalSession, type Session, type SessionTickets } from './session/session.ts';
export { type TicketKey, TicketKeyRing, type TicketKeyRingOptions } from './session/ticket_key_ring.ts';
export { memorySocketPair } from './socket/memory.ts';
export type { Address, Listener, ListenOptions, Network, Socket, SocketHandler } from './socket/socket.ts';
export { type DuplexStreams, webSocket } from './socket/web.ts';
export type { EffectHandlers } from './stream/effect_runner.ts';
export { acceptTls, connectTls, type TlsStream } from './stream/tls_stream.ts';
export { createEngine, type Engine } from './terminator/engine.ts';
export { ListenError } from './terminator/listen.ts';
export type { ProxyProtocol } from './terminator/proxy_protocol.ts';
export type { Route } from './terminator/route.ts';
export { loadRuntime, type Runtime } from './terminator/runtime.ts';
export { Terminator, type TerminatorOptions } from './terminator/terminator.ts';
export { VERSION } from './version.ts';
