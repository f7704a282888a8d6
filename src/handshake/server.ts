import type { Secret } from '../crypto/provider.ts';
import { fail } from '../error.ts';
import { confirmInServerHello } from '../ech/confirmation.ts';
import { type CertificateRequest, encodeCertificateRequest } from '../message/certificate_request.ts';
import { certificateVerifyContent, encodeCertificateVerify } from '../message/certificate_verify.ts';
import type { ClientHello } from '../message/client_hello.ts';
import { encodeEncryptedExtensions } from '../message/encrypted_extensions.ts';
import { decodeEndOfEarlyData } from '../message/end_of_early_data.ts';
import { decodeFinished, encodeFinished } from '../message/finished.ts';
import { appendHandshake } from '../message/handshake.ts';
import { encodeServerHello } from '../message/server_hello.ts';
import { CertificateType } from '../registry/certificate_type.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { deriveSecret, finishedVerifyData, handshakeSecret, mainSecret } from '../schedule/key_schedule.ts';
import type { Transcript } from '../schedule/transcript.ts';
import { chooseCertificateTypes } from './certificate_type.ts';
import type { Writer } from '../wire/writer.ts';
import type { ClientAuthentication, HostConfig, ServerConfig } from './config.ts';
import { ask, type Flow, type HandshakeIo, receive, Secrets } from './flow.ts';
import * as negotiate from './negotiate.ts';
import { certificateMessage, chooseProof } from './own_certificate.ts';
import { type PeerCertificate, receivePeerCertificate } from './peer_certificate.ts';
import { receiveHello, skippedLength } from './receive_hello.ts';
import type { HandshakeInfo, HandshakeResult } from './result.ts';
import {
  type Binding,
  choosePsk,
  decideEarlyData,
  enterClientHello,
  externalIdentity,
  issueTickets,
  peerOf,
  ticketAgeSkew,
} from './resumption.ts';

const EMPTY: Uint8Array = new Uint8Array(0);

/** The server's handshake, RFC 9846 §2, from the first ClientHello to the tickets. */
export function* serverHandshake(config: ServerConfig, io: HandshakeIo): Flow<HandshakeResult> {
  const secrets = new Secrets();
  try {
    // ClientHello, and once more after a HelloRetryRequest.
    const { message, hello, suite, keyExchange, clientShare, transcript, retried, ech } = yield* receiveHello(
      config,
      io,
      secrets,
    );

    // Who are we for this client, and do we know each other?
    const { extensions } = hello;
    const host = yield* selectHost(config, hello);
    const applicationProtocol = negotiate.chooseApplicationProtocol(
      extensions.applicationProtocols,
      host.applicationProtocols ?? config.applicationProtocols,
    );
    const clientAuthentication = host.clientAuthentication ?? config.clientAuthentication;
    // 9846-4.7.1-9
    const serverName = extensions.serverName;
    const binding: Binding = { suite, host, serverName, applicationProtocol, clientAuthentication };
    const psk = yield* choosePsk(config, hello, binding);
    // Before anything costly: without a PSK, can we sign what the client can verify?
    const proof = psk === undefined ? chooseProof(host, hello, config) : undefined;
    const types = chooseCertificateTypes(hello, host, clientAuthentication, psk !== undefined);
    const early = enterClientHello(config, message, hello, suite, transcript, psk);
    if (early !== undefined) secrets.keep(early);
    const earlyData = early !== undefined && !retried && (yield* decideEarlyData(config, hello, suite, psk));
    const clientEarly = earlyData ? derive('c e traffic', 'CLIENT_EARLY_TRAFFIC_SECRET', early) : undefined;

    // ServerHello: the keys of the handshake.
    const random = secrets.keep(config.random(keyExchange.respondRandomLength));
    // 9846-4.3.8-10, 9846-4.3.8-11: a share of its own for each connection, whatever the client does
    const response = keyExchange.respond(clientShare, random);
    // 9846-4.3.8.2-1, 9846-6-7, 9846-7.4.2-3: a share that is not valid ends the handshake.
    if (response === undefined) fail('invalid_key_share', keyExchange.name);
    const serverHello = encodeServerHello({
      // 9846-4.2.3-3, 9846-4.2.3-4
      random: config.random(32),
      legacySessionIdEcho: hello.legacySessionId,
      cipherSuite: suite.cipherSuite,
      // 9846-2-1, 9846-4.3.8-15, 9846-4.3.9-8
      keyShare: { group: keyExchange.group, keyExchange: response.share },
      selectedIdentity: psk?.index,
    }, io.flight);
    // RFC 9849 §7.2
    if (ech === 'accepted') confirmInServerHello(suite.hash, hello.random, transcript, serverHello);
    transcript.add(serverHello);
    // 9846-E.4-1
    if (hello.legacySessionId.length > 0 && !retried) io.sendChangeCipherSpec();
    const handshake = secrets.keep(handshakeSecret(suite.hash, early, secrets.keep(response.secret)));
    const clientHandshake = derive('c hs traffic', 'CLIENT_HANDSHAKE_TRAFFIC_SECRET', handshake);
    const serverHandshake = derive('s hs traffic', 'SERVER_HANDSHAKE_TRAFFIC_SECRET', handshake);
    io.setWriteSecret(suite, serverHandshake);
    io.setReadSecret(suite, clientEarly ?? clientHandshake);
    // 9846-4.3.10-5, 9846-4.3.10-10
    if (extensions.earlyData && !earlyData) {
      io.skipEarlyData(skippedLength(config));
    }

    // EncryptedExtensions, CertificateRequest, Certificate, CertificateVerify, Finished.
    const recordSizeLimit = extensions.recordSizeLimit && (config.receiveFragmentLength ?? 16384) + 1;
    // 9846-4.3-5, 9846-4.4.1-1
    send(encodeEncryptedExtensions, {
      serverNameAcknowledged: serverName !== undefined && psk === undefined,
      applicationProtocol,
      recordSizeLimit,
      earlyData,
      serverCertificateType: types.server,
      clientCertificateType: types.client,
      echRetryConfigs: ech === 'rejected' ? config.encryptedClientHello?.retryConfigs : undefined,
    });
    if (extensions.recordSizeLimit !== undefined) io.limitFragments(extensions.recordSizeLimit - 1);
    if (recordSizeLimit !== undefined) io.limitReceivedFragments(recordSizeLimit - 1);
    // §4.4.2: a server that authenticates by PSK does not ask for a certificate in the handshake.
    // 9846-4.4.2-8, 9846-4.4.2-9, 9846-F.1-1
    const asksClient = psk === undefined && clientAuthentication !== undefined;
    // 9846-4.4.2-2
    if (asksClient) send(encodeCertificateRequest, certificateRequest(config, clientAuthentication));
    // 9846-4.5.1-1, 9846-4.5.2-1, 9846-4.5.2-3
    if (proof !== undefined) {
      const { signer, scheme } = proof;
      send(appendHandshake, certificateMessage(host, proof, extensions, config.certificateCompression));
      const content = certificateVerifyContent('server', transcript.digest());
      const signature = yield* ask({ type: 'sign', signer, scheme, content });
      send(encodeCertificateVerify, { algorithm: scheme, signature });
    }
    send(encodeFinished, finishedVerifyData(suite.hash, serverHandshake, transcript.digest()));
    const main = secrets.keep(mainSecret(suite.hash, handshake));
    const clientApplication = derive('c ap traffic', 'CLIENT_TRAFFIC_SECRET_0', main);
    const serverApplication = derive('s ap traffic', 'SERVER_TRAFFIC_SECRET_0', main);
    const exporterSecret = derive('exp master', 'EXPORTER_SECRET', main);
    // 9846-4.5.3-3
    io.setWriteSecret(suite, serverApplication);

    // The client's turn: early data, its certificate, Finished.
    if (earlyData) {
      // 9846-4.3.11.3-1
      io.acceptEarlyData(psk?.session.maxEarlyDataSize ?? 0, describe(peerOf(psk)));
      io.allowSending({ suite, exporterSecret });
      const end = yield* receive(HandshakeType.end_of_early_data);
      decodeEndOfEarlyData(end.body);
      transcript.add(end.bytes);
      io.setReadSecret(suite, clientHandshake);
    }
    const client = asksClient
      ? yield* receiveClientCertificate(config, transcript, clientAuthentication, types.client)
      : undefined;
    const peer = client ?? peerOf(psk);
    const finished = yield* receive(HandshakeType.finished);
    const expected = secrets.keep(finishedVerifyData(suite.hash, clientHandshake, transcript.digest()));
    // 9846-4.5.3-1
    if (!config.crypto.constantTimeEqual(decodeFinished(finished.body, suite.hash.digestLength), expected)) {
      fail('bad_finished');
    }
    transcript.add(finished.bytes);
    // 9846-5-3
    io.setChangeCipherSpec('refuse');
    io.setReadSecret(suite, clientApplication);

    const resumption = secrets.keep(deriveSecret(suite.hash, main, 'res master', transcript.digest()));
    yield* issueTickets(config, io, binding, hello, psk, peer, resumption, secrets);
    return {
      info: describe(peer),
      suite,
      readSecret: secrets.handOver(clientApplication),
      writeSecret: secrets.handOver(serverApplication),
      exporterSecret: secrets.handOver(exporterSecret),
      resumptionSecret: undefined,
      lastFlightWaits: config.tickets?.withFirstData ?? false,
    };

    function send<Message>(encode: (message: Message, into: Writer) => Uint8Array, message: Message): void {
      transcript.add(encode(message, io.flight));
    }

    function derive(label: string, keyLogLabel: string, from: Secret): Secret {
      // Kept at once: what throws below, the application's key log, must not leave it behind.
      const secret = secrets.keep(deriveSecret(suite.hash, from, label, transcript.digest()));
      if (config.keyLog !== undefined) config.keyLog(keyLogLabel, hello.random, secrets.keep(secret.reveal()));
      return secret;
    }

    function describe(peer: Pick<PeerCertificate, 'chain' | 'type'>): HandshakeInfo {
      return {
        role: 'server',
        version: 'TLSv1.3',
        cipherSuite: suite.cipherSuite,
        cipherSuiteName: suite.name,
        group: keyExchange.group,
        groupName: keyExchange.name,
        serverName,
        applicationProtocol,
        signatureScheme: proof?.scheme,
        helloRetryRequest: retried,
        encryptedClientHello: ech,
        resumed: psk !== undefined,
        earlyData,
        pskIdentity: externalIdentity(psk),
        ticketAgeSkew: ticketAgeSkew(psk),
        peerCertificates: peer.chain,
        peerCertificateType: peer.type,
      };
    }
  } finally {
    secrets.wipe();
  }
}

function* selectHost(config: ServerConfig, hello: ClientHello): Flow<HostConfig> {
  // 9846-9.2-15
  if (config.requireServerName && hello.extensions.serverName === undefined) fail('missing_extension', 'server_name');
  const host = yield* ask({ type: 'select_credentials', clientHello: negotiate.clientHelloInfo(hello) });
  if (host === undefined) fail('unrecognized_name');
  return host;
}

function* receiveClientCertificate(
  config: ServerConfig,
  transcript: Transcript,
  { mode }: ClientAuthentication,
  certificateType: number = CertificateType.X509,
): Flow<PeerCertificate> {
  const first = yield* receive(HandshakeType.certificate, HandshakeType.compressed_certificate);
  return yield* receivePeerCertificate(config, transcript, first, {
    sender: 'client',
    serverName: undefined,
    certificateType,
    verifySchemes: config.verifySchemes ?? negotiate.DEFAULT_VERIFY_SCHEMES,
    allowedEntryExtensions: [],
    compression: config.certificateCompression !== undefined,
    optional: mode === 'request',
  });
}

function certificateRequest(config: ServerConfig, { authorities }: ClientAuthentication): CertificateRequest {
  return {
    // 9846-4.4.2-3, 9846-4.4.2-4
    certificateRequestContext: EMPTY,
    // 9846-4.4.2-6
    signatureAlgorithms: config.verifySchemes ?? negotiate.DEFAULT_VERIFY_SCHEMES,
    signatureAlgorithmsCert: negotiate.certificateSchemes(config.verifySchemes ?? negotiate.DEFAULT_VERIFY_SCHEMES),
    certificateAuthorities: authorities,
    compressCertificate: config.certificateCompression?.algorithms,
  };
}
