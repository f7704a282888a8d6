import { fail } from '../error.ts';
import { ExtensionType } from '../registry/extension_type.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { ProtocolVersion } from '../registry/protocol_version.ts';
import { Reader } from '../wire/reader.ts';
import { decodeProtocolNames, encodeProtocolNames } from './extension/application_layer_protocol_negotiation.ts';
import { decodeCertificateAuthorities } from './extension/certificate_authorities.ts';
import { decodeCertificateTypes, encodeCertificateTypes } from './extension/certificate_type.ts';
import { decodeCompressionAlgorithms, encodeCompressionAlgorithms } from './extension/compress_certificate.ts';
import { decodeCookie, encodeCookie } from './extension/cookie.ts';
import { decodeEarlyDataIndication } from './extension/early_data.ts';
import { decodeClientShares, encodeClientShares, type KeyShareEntry } from './extension/key_share.ts';
import { decodeExtensions, encodeExtension, type RawExtensions } from './extension/list.ts';
import {
  decodeOfferedPsks,
  encodeOfferedPsks,
  type OfferedPsks,
  type PskIdentity,
} from './extension/pre_shared_key.ts';
import { decodePskKeyExchangeModes, encodePskKeyExchangeModes } from './extension/psk_key_exchange_modes.ts';
import { decodeRecordSizeLimit } from './extension/record_size_limit.ts';
import { decodeServerName, encodeServerName } from './extension/server_name.ts';
import { decodeSignatureAlgorithms, encodeSignatureAlgorithms } from './extension/signature_algorithms.ts';
import { decodeStatusRequest, encodeStatusRequest } from './extension/status_request.ts';
import { decodeSupportedGroups, encodeSupportedGroups } from './extension/supported_groups.ts';
import { decodeSupportedVersions, encodeSupportedVersions } from './extension/supported_versions.ts';
import { encodeHandshake } from './handshake.ts';

/** The extensions of a ClientHello that a TLS 1.3 server acts on; undefined means absent. */
export interface ClientHelloExtensions {
  serverName: string | undefined;
  statusRequest: boolean | undefined;
  supportedGroups: readonly number[] | undefined;
  signatureAlgorithms: readonly number[] | undefined;
  applicationProtocols: readonly string[] | undefined;
  signedCertificateTimestamp: boolean | undefined;
  clientCertificateTypes: readonly number[] | undefined;
  serverCertificateTypes: readonly number[] | undefined;
  compressCertificate: readonly number[] | undefined;
  recordSizeLimit: number | undefined;
  delegatedCredential: readonly number[] | undefined;
  preSharedKey: OfferedPsks | undefined;
  earlyData: boolean | undefined;
  supportedVersions: readonly number[] | undefined;
  cookie: Uint8Array | undefined;
  pskKeyExchangeModes: readonly number[] | undefined;
  certificateAuthorities: readonly Uint8Array[] | undefined;
  signatureAlgorithmsCert: readonly number[] | undefined;
  keyShare: readonly KeyShareEntry[] | undefined;
}

/** ClientHello, RFC 9846 §4.2.2. */
export interface ClientHello {
  readonly legacyVersion: number;
  readonly random: Uint8Array;
  readonly legacySessionId: Uint8Array;
  readonly cipherSuites: readonly number[];
  readonly legacyCompressionMethods: Uint8Array;
  /** All extensions as received, for comparing a second ClientHello with the first. */
  readonly rawExtensions: RawExtensions;
  readonly extensions: Readonly<ClientHelloExtensions>;
}

type Decoder = (data: Uint8Array, into: ClientHelloExtensions) => void;

// 9846-9.2-1, 9846-9.2-13
const DECODERS: ReadonlyMap<number, Decoder> = new Map<number, Decoder>([
  [ExtensionType.server_name, (data, into) => into.serverName = decodeServerName(data)],
  [ExtensionType.status_request, (data, into) => into.statusRequest = decodeStatusRequest(data)],
  [ExtensionType.supported_groups, (data, into) => into.supportedGroups = decodeSupportedGroups(data)],
  [ExtensionType.signature_algorithms, (data, into) => into.signatureAlgorithms = decodeSignatureAlgorithms(data)],
  [
    ExtensionType.application_layer_protocol_negotiation,
    (data, into) => into.applicationProtocols = decodeProtocolNames(data),
  ],
  [ExtensionType.signed_certificate_timestamp, (data, into) => {
    new Reader(data, 'SignedCertificateTimestamp').end();
    into.signedCertificateTimestamp = true;
  }],
  [
    ExtensionType.client_certificate_type,
    (data, into) => into.clientCertificateTypes = decodeCertificateTypes(data),
  ],
  [
    ExtensionType.server_certificate_type,
    (data, into) => into.serverCertificateTypes = decodeCertificateTypes(data),
  ],
  [ExtensionType.compress_certificate, (data, into) => into.compressCertificate = decodeCompressionAlgorithms(data)],
  [ExtensionType.record_size_limit, (data, into) => into.recordSizeLimit = decodeRecordSizeLimit(data)],
  [
    ExtensionType.delegated_credential,
    // RFC 9345 §3: a SignatureSchemeList as well.
    (data, into) => into.delegatedCredential = decodeSignatureAlgorithms(data),
  ],
  [ExtensionType.pre_shared_key, (data, into) => into.preSharedKey = decodeOfferedPsks(data)],
  [ExtensionType.early_data, (data, into) => into.earlyData = decodeEarlyDataIndication(data)],
  [ExtensionType.supported_versions, (data, into) => into.supportedVersions = decodeSupportedVersions(data)],
  [ExtensionType.cookie, (data, into) => into.cookie = decodeCookie(data)],
  [ExtensionType.psk_key_exchange_modes, (data, into) => into.pskKeyExchangeModes = decodePskKeyExchangeModes(data)],
  [
    ExtensionType.certificate_authorities,
    (data, into) => into.certificateAuthorities = decodeCertificateAuthorities(data),
  ],
  [ExtensionType.post_handshake_auth, (data) => new Reader(data, 'PostHandshakeAuth').end()],
  [
    ExtensionType.signature_algorithms_cert,
    (data, into) => into.signatureAlgorithmsCert = decodeSignatureAlgorithms(data),
  ],
  [ExtensionType.key_share, (data, into) => into.keyShare = decodeClientShares(data)],
  // RFC 9001 §8.2: what is meant for QUIC has no place on TCP.
  [
    ExtensionType.quic_transport_parameters,
    () => fail('unsolicited_extension', 'quic_transport_parameters'),
  ],
  // 9846-4.3-7
  [ExtensionType.oid_filters, () => fail('forbidden_extension', 'oid_filters in a ClientHello')],
]);

/** `body` is kept by the result, which holds views of it. */
export function decodeClientHello(body: Uint8Array, extensionLimit: number): ClientHello {
  const reader = new Reader(body, 'ClientHello');
  const legacyVersion = reader.uint16('legacy_version');
  const random = reader.opaque(32, 'random');
  const legacySessionId = reader.vector(0, 32, 'legacy_session_id');
  const cipherSuites = reader.uint16List(2, 0xfffe, 'cipher_suites');
  const legacyCompressionMethods = reader.vector(1, 0xff, 'legacy_compression_methods');
  // A ClientHello of an earlier version may end here: it has no supported_versions and is refused for that.
  const rawExtensions: RawExtensions = reader.remaining === 0 ? new Map() : decodeExtensions(reader, 0, extensionLimit);
  reader.end();

  const extensions = noExtensions();
  // 9846-4.2.2-17, 9846-4.5.1.1-3, 9846-9.3-3, 9846-9.3-5
  rawExtensions.forEach((data, type) => DECODERS.get(type)?.(data, extensions));
  // 9846-4.3.11-16: pre_shared_key MUST be the last extension in the ClientHello.
  if (extensions.preSharedKey !== undefined && [...rawExtensions.keys()].at(-1) !== ExtensionType.pre_shared_key) {
    fail('pre_shared_key_not_last');
  }
  return { legacyVersion, random, legacySessionId, cipherSuites, legacyCompressionMethods, rawExtensions, extensions };
}

function noExtensions(): ClientHelloExtensions {
  return {
    serverName: undefined,
    statusRequest: undefined,
    supportedGroups: undefined,
    signatureAlgorithms: undefined,
    applicationProtocols: undefined,
    signedCertificateTimestamp: undefined,
    clientCertificateTypes: undefined,
    serverCertificateTypes: undefined,
    compressCertificate: undefined,
    recordSizeLimit: undefined,
    delegatedCredential: undefined,
    preSharedKey: undefined,
    earlyData: undefined,
    supportedVersions: undefined,
    cookie: undefined,
    pskKeyExchangeModes: undefined,
    certificateAuthorities: undefined,
    signatureAlgorithmsCert: undefined,
    keyShare: undefined,
  };
}

/** What the client role puts into a ClientHello. Absent fields leave their extension out. */
export interface ClientHelloOffer {
  readonly random: Uint8Array;
  readonly legacySessionId: Uint8Array;
  readonly cipherSuites: readonly number[];
  readonly serverName?: string | undefined;
  readonly supportedGroups: readonly number[];
  readonly signatureAlgorithms: readonly number[];
  readonly signatureAlgorithmsCert?: readonly number[] | undefined;
  readonly applicationProtocols?: readonly string[] | undefined;
  readonly statusRequest?: boolean;
  readonly clientCertificateTypes?: readonly number[] | undefined;
  readonly serverCertificateTypes?: readonly number[] | undefined;
  readonly compressCertificate?: readonly number[] | undefined;
  readonly recordSizeLimit?: number | undefined;
  readonly keyShares: readonly KeyShareEntry[];
  readonly cookie?: Uint8Array | undefined;
  readonly pskKeyExchangeModes?: readonly number[] | undefined;
  readonly earlyData?: boolean;
  /** Binders of these lengths are left zero. */
  readonly preSharedKey?: { identities: readonly PskIdentity[]; binderLengths: readonly number[] } | undefined;
}

export function encodeClientHello(offer: ClientHelloOffer): Uint8Array {
  return encodeHandshake(HandshakeType.client_hello, (writer) => {
    // 9846-4.2.2-6
    writer.uint16(ProtocolVersion.tls12).opaque(offer.random).opaqueVector(1, offer.legacySessionId);
    // 9846-4.2.2-14
    writer.uint16List(2, offer.cipherSuites).opaqueVector(1, Uint8Array.of(0));
    writer.vector(2, () => {
      const { serverName, applicationProtocols, compressCertificate, recordSizeLimit, cookie, preSharedKey } = offer;
      const { signatureAlgorithmsCert, clientCertificateTypes, serverCertificateTypes } = offer;
      if (serverName !== undefined) {
        encodeExtension(writer, ExtensionType.server_name, (w) => encodeServerName(w, serverName));
      }
      if (offer.statusRequest) encodeExtension(writer, ExtensionType.status_request, encodeStatusRequest);
      encodeExtension(
        writer,
        ExtensionType.supported_groups,
        (w) => encodeSupportedGroups(w, offer.supportedGroups),
      );
      encodeExtension(
        writer,
        ExtensionType.signature_algorithms,
        (w) => encodeSignatureAlgorithms(w, offer.signatureAlgorithms),
      );
      if (signatureAlgorithmsCert !== undefined) {
        encodeExtension(
          writer,
          ExtensionType.signature_algorithms_cert,
          (w) => encodeSignatureAlgorithms(w, signatureAlgorithmsCert),
        );
      }
      if (applicationProtocols?.length) {
        encodeExtension(
          writer,
          ExtensionType.application_layer_protocol_negotiation,
          (w) => encodeProtocolNames(w, applicationProtocols),
        );
      }
      if (clientCertificateTypes !== undefined) {
        encodeExtension(
          writer,
          ExtensionType.client_certificate_type,
          (w) => encodeCertificateTypes(w, clientCertificateTypes),
        );
      }
      if (serverCertificateTypes !== undefined) {
        encodeExtension(
          writer,
          ExtensionType.server_certificate_type,
          (w) => encodeCertificateTypes(w, serverCertificateTypes),
        );
      }
      if (compressCertificate?.length) {
        encodeExtension(
          writer,
          ExtensionType.compress_certificate,
          (w) => encodeCompressionAlgorithms(w, compressCertificate),
        );
      }
      if (recordSizeLimit !== undefined) {
        encodeExtension(writer, ExtensionType.record_size_limit, (w) => w.uint16(recordSizeLimit));
      }
      encodeExtension(
        writer,
        ExtensionType.supported_versions,
        // 9846-4.3.1-1
        (w) => encodeSupportedVersions(w, [ProtocolVersion.tls13]),
      );
      // 9846-4.3.2-3
      if (cookie !== undefined) encodeExtension(writer, ExtensionType.cookie, (w) => encodeCookie(w, cookie));
      const modes = offer.pskKeyExchangeModes;
      if (modes !== undefined) {
        encodeExtension(writer, ExtensionType.psk_key_exchange_modes, (w) => encodePskKeyExchangeModes(w, modes));
      }
      encodeExtension(writer, ExtensionType.key_share, (w) => encodeClientShares(w, offer.keyShares));
      if (offer.earlyData) encodeExtension(writer, ExtensionType.early_data);
      // 9846-4.3-8, 9846-4.3.11-15: the last
      if (preSharedKey !== undefined) {
        encodeExtension(
          writer,
          ExtensionType.pre_shared_key,
          (w) => encodeOfferedPsks(w, preSharedKey.identities, preSharedKey.binderLengths),
        );
      }
    });
  });
}
