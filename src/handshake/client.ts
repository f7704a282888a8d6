import type { KeyOffer, Secret } from '../crypto/provider.ts';
import { fail } from '../error.ts';
import { encodeCertificate } from '../message/certificate.ts';
import { type CertificateRequest, decodeCertificateRequest } from '../message/certificate_request.ts';
import { certificateVerifyContent, encodeCertificateVerify } from '../message/certificate_verify.ts';
import { type ClientHelloOffer, encodeClientHello } from '../message/client_hello.ts';
import { decodeEncryptedExtensions, type EncryptedExtensions } from '../message/encrypted_extensions.ts';
import { decodeFinished, encodeFinished } from '../message/finished.ts';
import { decodeServerHello, type ServerHello } from '../message/server_hello.ts';
import { CertificateType } from '../registry/certificate_type.ts';
import { ExtensionType } from '../registry/extension_type.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { ProtocolVersion } from '../registry/protocol_version.ts';
import {
  deriveSecret,
  earlySecret,
  finishedVerifyData,
  handshakeSecret,
  mainSecret,
  pskBinder,
} from '../schedule/key_schedule.ts';
import { Transcript } from '../schedule/transcript.ts';
import { MAX_TICKET_LIFETIME } from '../session/session.ts';
import { equal } from '../wire/bytes.ts';
import { checkSelectedTypes, offeredTypes, typeOf } from './certificate_type.ts';
import { type ClientConfig, type Credentials, DEFAULT_LIMITS } from './config.ts';
import { ask, type Flow, type HandshakeIo, receive, Secrets, type Suite } from './flow.ts';
import {
  certificateSchemes,
  chooseSignatureScheme,
  DEFAULT_CIPHER_SUITES,
  DEFAULT_VERIFY_SCHEMES,
  preferredGroups,
  suiteOf,
} from './negotiate.ts';
import { type PeerCertificate, receivePeerCertificate } from './peer_certificate.ts';
import type { HandshakeResult } from './result.ts';

const EMPTY: Uint8Array = new Uint8Array(0);

/** The client's handshake, RFC 9846 §2. */
export function* clientHandshake(config: ClientConfig, io: HandshakeIo): Flow<HandshakeResult> {
  const secrets = new Secrets();
  const offers = new Map<number, KeyOffer>();
  const extensionLimit = config.limits?.extensions ?? DEFAULT_LIMITS.extensions;
  try {
    // ClientHello, and once more after a HelloRetryRequest.
    let offer = firstOffer(config, offers);
    let clientHello = withBinder(config, offer, undefined);
    // 9846-4.2.2-1
    io.flight.opaque(clientHello);
    io.sendChangeCipherSpec();
    io.setChangeCipherSpec('drop');
    let message = yield* receive(HandshakeType.server_hello);
    let hello = decodeServerHello(message.body, extensionLimit);
    const suite = checkServerHello(config, offer, hello);
    const transcript = secrets.keep(new Transcript(suite.hash));
    transcript.add(clientHello);
    const retried = hello.isHelloRetryRequest;
    if (retried) {
      io.expectBoundary();
      transcript.replaceByMessageHash();
      transcript.add(message.bytes);
      offer = secondOffer(config, offers, offer, hello);
      clientHello = withBinder(config, offer, { transcript, suite });
      transcript.add(clientHello);
      io.flight.opaque(clientHello);
      message = yield* receive(HandshakeType.server_hello);
      hello = decodeServerHello(message.body, extensionLimit);
      // 9846-4.2.4-6
      if (hello.isHelloRetryRequest) fail('second_hello_retry_request');
      // 9846-4.2.4-10: the suite is that of the HelloRetryRequest.
      if (checkServerHello(config, offer, hello).cipherSuite !== suite.cipherSuite) {
        fail('server_chose_unoffered', 'another cipher suite than the HelloRetryRequest');
      }
    }
    transcript.add(message.bytes);

    // ServerHello: the keys of the handshake.
    const { keyShare, selectedIdentity } = hello;
    if (keyShare === undefined) fail('missing_extension', 'key_share');
    const keyOffer = offers.get(keyShare.group);
    // 9846-4.3.8-17, 9846-4.3.8-18
    if (keyOffer === undefined) fail('server_chose_unoffered', `group ${keyShare.group}`);
    const sharedSecret = keyOffer.finish(keyShare.keyExchange);
    // 9846-7.4.2-3
    if (sharedSecret === undefined) fail('invalid_key_share');
    const resumed = acceptsPsk(config, suite, selectedIdentity);
    const psk = resumed ? config.resume?.session.secret : undefined;
    const early = psk && secrets.keep(earlySecret(suite.hash, psk));
    const handshake = secrets.keep(handshakeSecret(suite.hash, early, secrets.keep(sharedSecret)));
    const clientHandshake = derive('c hs traffic', 'CLIENT_HANDSHAKE_TRAFFIC_SECRET', handshake);
    const serverHandshake = derive('s hs traffic', 'SERVER_HANDSHAKE_TRAFFIC_SECRET', handshake);
    io.setReadSecret(suite, serverHandshake);
    io.setWriteSecret(suite, clientHandshake);

    // EncryptedExtensions, CertificateRequest, Certificate, CertificateVerify, Finished.
    const extensionsMessage = yield* receive(HandshakeType.encrypted_extensions);
    const extensions = decodeEncryptedExtensions(extensionsMessage.body, extensionLimit);
    checkEncryptedExtensions(offer, extensions);
    const types = resumed ? undefined : checkSelectedTypes(config, extensions);
    transcript.add(extensionsMessage.bytes);
    if (extensions.recordSizeLimit !== undefined) {
      io.limitFragments(extensions.recordSizeLimit - 1);
      io.limitReceivedFragments(config.receiveFragmentLength ?? 16384);
    }
    const server = resumed ? undefined : yield* receiveServerCertificate(config, offer, transcript, types?.server);
    const finished = yield* receive(HandshakeType.finished);
    const expected = secrets.keep(finishedVerifyData(suite.hash, serverHandshake, transcript.digest()));
    if (!config.crypto.constantTimeEqual(decodeFinished(finished.body, suite.hash.digestLength), expected)) {
      fail('bad_finished');
    }
    transcript.add(finished.bytes);
    io.setChangeCipherSpec('refuse');
    const main = secrets.keep(mainSecret(suite.hash, handshake));
    const clientApplication = derive('c ap traffic', 'CLIENT_TRAFFIC_SECRET_0', main);
    const serverApplication = derive('s ap traffic', 'SERVER_TRAFFIC_SECRET_0', main);
    const exporterSecret = derive('exp master', 'EXPORTER_SECRET', main);
    io.setReadSecret(suite, serverApplication);

    // Our turn: the certificate the server asked for, Finished.
    // 9846-4.5.1-2, 9846-4.5.1-4
    if (server?.request !== undefined) {
      yield* sendCertificate(config.credentials, types?.client, server.request, transcript, send);
    }
    send(encodeFinished(finishedVerifyData(suite.hash, clientHandshake, transcript.digest())));
    io.setWriteSecret(suite, clientApplication);
    const resumptionSecret = secrets.keep(deriveSecret(suite.hash, main, 'res master', transcript.digest()));
    const keyExchange = config.crypto.keyExchanges.get(keyShare.group);
    return {
      info: {
        role: 'client',
        version: 'TLSv1.3',
        cipherSuite: suite.cipherSuite,
        cipherSuiteName: suite.name,
        group: keyShare.group,
        groupName: keyExchange?.name ?? '',
        serverName: config.serverName,
        applicationProtocol: extensions.applicationProtocol,
        signatureScheme: server?.scheme,
        helloRetryRequest: retried,
        encryptedClientHello: undefined,
        resumed,
        earlyData: false,
        ticketAgeSkew: undefined,
        pskIdentity: resumed ? identityOf(config.resume) : undefined,
        peerCertificates: server?.chain ?? config.resume?.session.peerCertificates ?? [],
        peerCertificateType: server?.type ?? config.resume?.session.peerCertificateType ?? CertificateType.X509,
      },
      suite,
      readSecret: secrets.handOver(serverApplication),
      writeSecret: secrets.handOver(clientApplication),
      exporterSecret: secrets.handOver(exporterSecret),
      resumptionSecret: secrets.handOver(resumptionSecret),
      lastFlightWaits: false,
    };

    function send(bytes: Uint8Array): void {
      transcript.add(bytes);
      io.flight.opaque(bytes);
    }

    function derive(label: string, keyLogLabel: string, from: Secret): Secret {
      // Kept at once: what throws below, the application's key log, must not leave it behind.
      const secret = secrets.keep(deriveSecret(suite.hash, from, label, transcript.digest()));
      if (config.keyLog !== undefined) config.keyLog(keyLogLabel, offer.random, secrets.keep(secret.reveal()));
      return secret;
    }
  } finally {
    secrets.wipe();
    for (const offer of offers.values()) offer.wipe();
  }
}

function* receiveServerCertificate(
  config: ClientConfig,
  offer: ClientHelloOffer,
  transcript: Transcript,
  certificateType: number = CertificateType.X509,
): Flow<PeerCertificate & { request: CertificateRequest | undefined }> {
  const certificateTypes = [HandshakeType.certificate, HandshakeType.compressed_certificate];
  let first = yield* receive(HandshakeType.certificate_request, ...certificateTypes);
  let request: CertificateRequest | undefined;
  if (first.type === HandshakeType.certificate_request) {
    request = decodeCertificateRequest(first.body, config.limits?.extensions ?? DEFAULT_LIMITS.extensions);
    // §4.4.2
    if (request.certificateRequestContext.length > 0) fail('illegal_parameter', 'certificate_request_context');
    transcript.add(first.bytes);
    first = yield* receive(...certificateTypes);
  }
  const certificate = yield* receivePeerCertificate(config, transcript, first, {
    sender: 'server',
    serverName: config.serverName,
    certificateType,
    verifySchemes: offer.signatureAlgorithms,
    allowedEntryExtensions: offer.statusRequest ? [ExtensionType.status_request] : [],
    compression: config.certificateCompression !== undefined,
    optional: false,
  });
  return { ...certificate, request };
}

function* sendCertificate(
  credentials: Credentials | undefined,
  certificateType: number | undefined,
  request: CertificateRequest,
  transcript: Transcript,
  send: (bytes: Uint8Array) => void,
): Flow<void> {
  const usable = certificateType === typeOf(credentials) &&
    credentials?.signer.schemes.some((scheme) => request.signatureAlgorithms.includes(scheme));
  // 9846-4.5.1-3: without a certificate that serves, an empty list. Filters name OIDs that mean nothing here (9846-4.3.5-4).
  send(encodeCertificate(EMPTY, usable ? credentials?.chain ?? [] : []));
  if (credentials === undefined || !usable) return;
  // 9846-4.5.2-2
  const { signer } = credentials;
  const scheme = chooseSignatureScheme(request.signatureAlgorithms, signer.schemes);
  const content = certificateVerifyContent('client', transcript.digest());
  const signature = yield* ask({ type: 'sign', signer, scheme, content });
  send(encodeCertificateVerify({ algorithm: scheme, signature }));
}

function identityOf(psk: ClientConfig['resume']): Uint8Array | undefined {
  return psk !== undefined && psk.session.kind !== 'resumption' ? psk.ticket : undefined;
}

function makeShare(config: ClientConfig, offers: Map<number, KeyOffer>, group: number) {
  const keyExchange = config.crypto.keyExchanges.get(group);
  if (keyExchange === undefined) fail('internal_error', `group ${group} is not supported`);
  const random = config.random(keyExchange.offerRandomLength);
  const keyOffer = keyExchange.offer(random);
  random.fill(0);
  offers.set(group, keyOffer);
  return { group, keyExchange: keyOffer.share };
}

/** The session to offer, unless it is too old or was made with another server. */
function usableSession({ resume, now, serverName }: ClientConfig): ClientConfig['resume'] {
  if (resume === undefined || resume.session.kind !== 'resumption') return resume;
  const { session } = resume;
  // 9846-4.7.1-7: the certificate was checked for this name.
  if (session.serverName !== serverName) return undefined;
  const age = now() - session.createdAt;
  // 9846-4.3.11.1-1, 9846-4.7.1-12
  return age >= 0 && age <= Math.min(session.lifetime, MAX_TICKET_LIFETIME) * 1000 ? resume : undefined;
}

function firstOffer(config: ClientConfig, offers: Map<number, KeyOffer>): ClientHelloOffer {
  const groups = preferredGroups(config);
  const shareGroups = config.keyShareGroups ?? groups.slice(0, 1);
  const resume = usableSession(config);
  const hash = resume && suiteOf(config.crypto, resume.session.cipherSuite)?.hash;
  return {
    random: config.random(32),
    // Middlebox compatibility, §E.4.
    // 9846-4.2.2-9
    legacySessionId: config.random(32),
    cipherSuites: config.cipherSuites ?? DEFAULT_CIPHER_SUITES,
    serverName: config.serverName,
    supportedGroups: groups,
    // 9846-4.3.3-2, 9846-9.2-9, 9846-9.2-10
    signatureAlgorithms: config.verifySchemes ?? DEFAULT_VERIFY_SCHEMES,
    signatureAlgorithmsCert: certificateSchemes(config.verifySchemes ?? DEFAULT_VERIFY_SCHEMES),
    applicationProtocols: config.applicationProtocols,
    statusRequest: config.requestOcsp ?? false,
    clientCertificateTypes: offeredTypes(config.credentials && [typeOf(config.credentials)]),
    serverCertificateTypes: offeredTypes(config.serverCertificateTypes),
    compressCertificate: config.certificateCompression?.algorithms,
    recordSizeLimit: config.receiveFragmentLength === undefined ? undefined : config.receiveFragmentLength + 1,
    // 9846-4.3.8-3, 9846-4.3.8-6, 9846-4.3.8-7, 9846-4.3.8-8, 9846-9.2-11
    keyShares: shareGroups.map((group) => makeShare(config, offers, group)),
    // 9846-4.3.9-1, 9846-4.3.9-2
    pskKeyExchangeModes: [1],
    preSharedKey: resume && hash && {
      identities: [{
        identity: resume.ticket,
        obfuscatedTicketAge: resume.session.kind !== 'resumption'
          ? 0
          : (config.now() - resume.session.createdAt + resume.session.ageAdd) >>> 0,
      }],
      binderLengths: [hash.digestLength],
    },
  };
}

/** The ClientHello's bytes, with the PSK's binder filled in (§4.3.11.2). */
function withBinder(
  config: ClientConfig,
  offer: ClientHelloOffer,
  retry: { transcript: Transcript; suite: Suite } | undefined,
): Uint8Array {
  const bytes = encodeClientHello(offer);
  const session = config.resume?.session;
  if (offer.preSharedKey === undefined || session === undefined) return bytes;
  const hash = (suiteOf(config.crypto, session.cipherSuite) as Suite).hash;
  const truncated = bytes.subarray(0, bytes.length - 2 - 1 - hash.digestLength);
  const running = retry?.transcript ?? new Transcript(hash);
  const early = earlySecret(hash, session.secret);
  const binder = pskBinder(hash, early, session.kind, running.digestWith(truncated));
  early.wipe();
  if (retry === undefined) running.wipe();
  bytes.set(binder, bytes.length - hash.digestLength);
  return bytes;
}

function secondOffer(
  config: ClientConfig,
  offers: Map<number, KeyOffer>,
  offer: ClientHelloOffer,
  retry: ServerHello,
): ClientHelloOffer {
  const { selectedGroup, cookie } = retry;
  let { keyShares } = offer;
  if (selectedGroup !== undefined) {
    // 9846-4.3.8-12, 9846-4.3.8-13: a group that was offered and for which there is no share yet.
    if (!offer.supportedGroups.includes(selectedGroup)) fail('server_chose_unoffered', `group ${selectedGroup}`);
    if (offers.has(selectedGroup)) fail('pointless_hello_retry_request', 'the share was there');
    for (const unused of offers.values()) unused.wipe();
    offers.clear();
    // 9846-4.3.8-14
    keyShares = [makeShare(config, offers, selectedGroup)];
  } else if (cookie === undefined) {
    // 9846-4.2.4-5: it would not change the ClientHello.
    fail('pointless_hello_retry_request');
  }
  const hash = suiteOf(config.crypto, retry.cipherSuite)?.hash;
  const session = config.resume?.session;
  const stillServes = session !== undefined && suiteOf(config.crypto, session.cipherSuite)?.hash === hash;
  // 9846-4.2.2-2, 9846-4.2.4-7, 9846-4.3.2-2
  return { ...offer, keyShares, cookie, preSharedKey: stillServes ? offer.preSharedKey : undefined };
}

/** §4.2.3, §4.2.4: the server chose from what was offered. */
function checkServerHello(config: ClientConfig, offer: ClientHelloOffer, hello: ServerHello): Suite {
  // 9846-4.3.1-11, 9846-4.3.1-12, 9846-E.1-3
  if (hello.selectedVersion === undefined) fail('protocol_version', 'the server does not speak TLS 1.3');
  // 9846-4.2.3-2, 9846-4.3.1-13
  if (hello.selectedVersion !== ProtocolVersion.tls13 || hello.legacyVersion !== ProtocolVersion.tls12) {
    fail('server_chose_unoffered', 'version');
  }
  // 9846-4.2.3-5
  if (!equal(hello.legacySessionIdEcho, offer.legacySessionId)) fail('illegal_parameter', 'legacy_session_id_echo');
  // 9846-4.2.3-8
  if (hello.legacyCompressionMethod !== 0) fail('bad_compression_methods');
  const allowed: number[] = hello.isHelloRetryRequest
    ? [ExtensionType.supported_versions, ExtensionType.key_share, ExtensionType.cookie]
    : [ExtensionType.supported_versions, ExtensionType.key_share];
  if (!hello.isHelloRetryRequest && offer.preSharedKey !== undefined) allowed.push(ExtensionType.pre_shared_key);
  for (const type of hello.extensionTypes) if (!allowed.includes(type)) fail('unsolicited_extension', `type ${type}`);
  const suite = offer.cipherSuites.includes(hello.cipherSuite) ? suiteOf(config.crypto, hello.cipherSuite) : undefined;
  // 9846-4.2.3-6, 9846-4.2.4-4, 9846-4.2.4-8
  if (suite === undefined) fail('server_chose_unoffered', 'cipher suite');
  return suite;
}

function acceptsPsk(config: ClientConfig, suite: Suite, selectedIdentity: number | undefined): boolean {
  if (selectedIdentity === undefined) return false;
  const session = config.resume?.session;
  // 9846-4.3.11-11, 9846-4.3.11-12
  if (selectedIdentity !== 0 || session === undefined) fail('server_chose_unoffered', 'PSK identity');
  if (suiteOf(config.crypto, session.cipherSuite)?.hash !== suite.hash) {
    fail('server_chose_unoffered', 'a suite with another hash than the PSK');
  }
  return true;
}

function checkEncryptedExtensions(offer: ClientHelloOffer, extensions: EncryptedExtensions): void {
  const asked: Record<number, boolean> = {
    [ExtensionType.server_name]: offer.serverName !== undefined,
    [ExtensionType.supported_groups]: true,
    [ExtensionType.application_layer_protocol_negotiation]: (offer.applicationProtocols?.length ?? 0) > 0,
    [ExtensionType.client_certificate_type]: offer.clientCertificateTypes !== undefined,
    [ExtensionType.server_certificate_type]: offer.serverCertificateTypes !== undefined,
    [ExtensionType.record_size_limit]: offer.recordSizeLimit !== undefined,
    [ExtensionType.early_data]: offer.earlyData ?? false,
  };
  // §4.3: nothing that was not asked for.
  for (const type of extensions.extensionTypes) if (!asked[type]) fail('unsolicited_extension', `type ${type}`);
  const protocol = extensions.applicationProtocol;
  if (protocol !== undefined && !offer.applicationProtocols?.includes(protocol)) {
    fail('server_chose_unoffered', 'application protocol');
  }
}
