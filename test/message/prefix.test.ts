/** Every codec reads what it writes, no strict prefix of it, and nothing with bytes left over. */
import { describe, expect, test } from 'vitest';
import { TlsError } from '../../src/error.ts';
import * as certificate from '../../src/message/certificate.ts';
import * as certificateRequest from '../../src/message/certificate_request.ts';
import * as certificateVerify from '../../src/message/certificate_verify.ts';
import * as clientHello from '../../src/message/client_hello.ts';
import * as compressed from '../../src/message/compressed_certificate.ts';
import * as encryptedExtensions from '../../src/message/encrypted_extensions.ts';
import * as alpn from '../../src/message/extension/application_layer_protocol_negotiation.ts';
import * as authorities from '../../src/message/extension/certificate_authorities.ts';
import * as certificateType from '../../src/message/extension/certificate_type.ts';
import * as compressCertificate from '../../src/message/extension/compress_certificate.ts';
import * as cookie from '../../src/message/extension/cookie.ts';
import * as earlyData from '../../src/message/extension/early_data.ts';
import * as keyShare from '../../src/message/extension/key_share.ts';
import * as preSharedKey from '../../src/message/extension/pre_shared_key.ts';
import * as pskModes from '../../src/message/extension/psk_key_exchange_modes.ts';
import * as recordSizeLimit from '../../src/message/extension/record_size_limit.ts';
import * as serverName from '../../src/message/extension/server_name.ts';
import * as signatureAlgorithms from '../../src/message/extension/signature_algorithms.ts';
import * as statusRequest from '../../src/message/extension/status_request.ts';
import * as supportedGroups from '../../src/message/extension/supported_groups.ts';
import * as supportedVersions from '../../src/message/extension/supported_versions.ts';
import * as finished from '../../src/message/finished.ts';
import * as keyUpdate from '../../src/message/key_update.ts';
import * as newSessionTicket from '../../src/message/new_session_ticket.ts';
import * as serverHello from '../../src/message/server_hello.ts';
import { Writer } from '../../src/wire/writer.ts';

const bytes = (length: number, value = 7) => new Uint8Array(length).fill(value);
const written = (write: (writer: Writer) => void) => {
  const writer = new Writer(1);
  write(writer);
  return writer.finish();
};
const body = (message: Uint8Array) => message.subarray(4);

interface Case {
  readonly encoded: Uint8Array;
  readonly decode: (encoded: Uint8Array) => unknown;
  readonly value: unknown;
  /** Prefixes that are whole messages of an earlier version. */
  readonly whole?: readonly number[];
}

const offered = {
  identities: [{ identity: bytes(5), obfuscatedTicketAge: 0xfedcba98 }, { identity: bytes(1), obfuscatedTicketAge: 0 }],
  binderLengths: [32, 48],
};

const cases: Record<string, Case> = {
  server_name: {
    encoded: written((w) => serverName.encodeServerName(w, 'example.test')),
    decode: serverName.decodeServerName,
    value: 'example.test',
  },
  supported_groups: {
    encoded: written((w) => supportedGroups.encodeSupportedGroups(w, [29, 0x11ec])),
    decode: supportedGroups.decodeSupportedGroups,
    value: [29, 0x11ec],
  },
  signature_algorithms: {
    encoded: written((w) => signatureAlgorithms.encodeSignatureAlgorithms(w, [0x0403])),
    decode: signatureAlgorithms.decodeSignatureAlgorithms,
    value: [0x0403],
  },
  application_layer_protocol_negotiation: {
    encoded: written((w) => alpn.encodeProtocolNames(w, ['h2', 'http/1.1'])),
    decode: alpn.decodeProtocolNames,
    value: ['h2', 'http/1.1'],
  },
  supported_versions: {
    encoded: written((w) => supportedVersions.encodeSupportedVersions(w, [0x0304, 0x0a0a])),
    decode: supportedVersions.decodeSupportedVersions,
    value: [0x0304, 0x0a0a],
  },
  selected_version: {
    encoded: Uint8Array.of(3, 4),
    decode: supportedVersions.decodeSelectedVersion,
    value: 0x0304,
  },
  client_shares: {
    encoded: written((w) => keyShare.encodeClientShares(w, [{ group: 29, keyExchange: bytes(32) }])),
    decode: keyShare.decodeClientShares,
    value: [{ group: 29, keyExchange: bytes(32) }],
  },
  server_share: {
    encoded: written((w) => keyShare.encodeServerShare(w, { group: 29, keyExchange: bytes(32) })),
    decode: keyShare.decodeServerShare,
    value: { group: 29, keyExchange: bytes(32) },
  },
  selected_group: { encoded: Uint8Array.of(0, 29), decode: keyShare.decodeSelectedGroup, value: 29 },
  pre_shared_key: {
    encoded: written((w) => preSharedKey.encodeOfferedPsks(w, offered.identities, offered.binderLengths)),
    decode: preSharedKey.decodeOfferedPsks,
    value: { identities: offered.identities, binders: [bytes(32, 0), bytes(48, 0)], bindersLength: 84 },
  },
  selected_identity: { encoded: Uint8Array.of(0, 1), decode: preSharedKey.decodeSelectedIdentity, value: 1 },
  psk_key_exchange_modes: {
    encoded: written((w) => pskModes.encodePskKeyExchangeModes(w, [1, 0])),
    decode: pskModes.decodePskKeyExchangeModes,
    value: [1, 0],
  },
  max_early_data_size: {
    encoded: Uint8Array.of(0, 1, 0, 0),
    decode: earlyData.decodeMaxEarlyDataSize,
    value: 65536,
  },
  cookie: {
    encoded: written((w) => cookie.encodeCookie(w, bytes(9))),
    decode: cookie.decodeCookie,
    value: bytes(9),
  },
  certificate_authorities: {
    encoded: written((w) => authorities.encodeCertificateAuthorities(w, [bytes(3), bytes(4)])),
    decode: authorities.decodeCertificateAuthorities,
    value: [bytes(3), bytes(4)],
  },
  status_request: {
    encoded: written(statusRequest.encodeStatusRequest),
    decode: statusRequest.decodeStatusRequest,
    value: true,
  },
  certificate_status: {
    encoded: written((w) => statusRequest.encodeCertificateStatus(w, bytes(300))),
    decode: statusRequest.decodeCertificateStatus,
    value: bytes(300),
  },
  certificate_type: {
    encoded: written((w) => certificateType.encodeCertificateTypes(w, [2, 0])),
    decode: certificateType.decodeCertificateTypes,
    value: [2, 0],
  },
  selected_certificate_type: { encoded: Uint8Array.of(2), decode: certificateType.decodeCertificateType, value: 2 },
  compress_certificate: {
    encoded: written((w) => compressCertificate.encodeCompressionAlgorithms(w, [2, 1])),
    decode: compressCertificate.decodeCompressionAlgorithms,
    value: [2, 1],
  },
  record_size_limit: { encoded: Uint8Array.of(0x40, 1), decode: recordSizeLimit.decodeRecordSizeLimit, value: 16385 },
  ClientHello: {
    encoded: body(clientHello.encodeClientHello({
      random: bytes(32),
      legacySessionId: bytes(32),
      cipherSuites: [0x1301],
      serverName: 'a.test',
      supportedGroups: [29],
      signatureAlgorithms: [0x0403],
      applicationProtocols: ['h2'],
      statusRequest: true,
      compressCertificate: [2],
      recordSizeLimit: 1000,
      keyShares: [{ group: 29, keyExchange: bytes(32) }],
      cookie: bytes(4),
      pskKeyExchangeModes: [1],
      earlyData: true,
      preSharedKey: offered,
    })),
    decode: (encoded) => {
      const { extensions } = clientHello.decodeClientHello(encoded, 64);
      return [extensions.serverName, extensions.recordSizeLimit, extensions.earlyData, extensions.cookie];
    },
    value: ['a.test', 1000, true, bytes(4)],
    whole: [2 + 32 + 33 + 4 + 2],
  },
  ServerHello: {
    encoded: body(serverHello.encodeServerHello({
      random: bytes(32),
      legacySessionIdEcho: bytes(32),
      cipherSuite: 0x1303,
      keyShare: { group: 29, keyExchange: bytes(32) },
      selectedIdentity: 0,
    })),
    decode: (encoded) => {
      const hello = serverHello.decodeServerHello(encoded, 64);
      return [hello.cipherSuite, hello.keyShare?.group, hello.selectedIdentity, hello.isHelloRetryRequest];
    },
    value: [0x1303, 29, 0, false],
    whole: [2 + 32 + 33 + 3],
  },
  HelloRetryRequest: {
    encoded: body(
      serverHello.encodeHelloRetryRequest({ legacySessionIdEcho: bytes(0), cipherSuite: 0x1301, selectedGroup: 24 }),
    ),
    decode: (encoded) => {
      const hello = serverHello.decodeServerHello(encoded, 64);
      return [hello.selectedGroup, hello.isHelloRetryRequest];
    },
    value: [24, true],
    whole: [2 + 32 + 1 + 3],
  },
  EncryptedExtensions: {
    encoded: body(encryptedExtensions.encodeEncryptedExtensions({
      serverNameAcknowledged: true,
      applicationProtocol: 'h2',
      recordSizeLimit: 16385,
      earlyData: true,
    })),
    decode: (encoded) => encryptedExtensions.decodeEncryptedExtensions(encoded, 64).applicationProtocol,
    value: 'h2',
  },
  CertificateRequest: {
    encoded: body(certificateRequest.encodeCertificateRequest({
      certificateRequestContext: bytes(0),
      signatureAlgorithms: [0x0403],
      signatureAlgorithmsCert: [0x0403, 0x0401],
      certificateAuthorities: [bytes(3)],
      compressCertificate: [1],
    })),
    decode: (encoded) => certificateRequest.decodeCertificateRequest(encoded, 64).certificateAuthorities,
    value: [bytes(3)],
  },
  Certificate: {
    encoded: body(certificate.encodeCertificate(bytes(0), [bytes(10), bytes(20)], { ocspResponse: bytes(5) })),
    decode: (encoded) =>
      certificate.decodeCertificate(encoded, 64).certificateList.map((entry) => entry.certificateData.length),
    value: [10, 20],
  },
  CompressedCertificate: {
    encoded: body(compressed.encodeCompressedCertificate({
      algorithm: 2,
      uncompressedLength: 70000,
      compressedCertificateMessage: bytes(30),
    })),
    decode: compressed.decodeCompressedCertificate,
    value: { algorithm: 2, uncompressedLength: 70000, compressedCertificateMessage: bytes(30) },
  },
  CertificateVerify: {
    encoded: body(certificateVerify.encodeCertificateVerify({ algorithm: 0x0403, signature: bytes(70) })),
    decode: certificateVerify.decodeCertificateVerify,
    value: { algorithm: 0x0403, signature: bytes(70) },
  },
  Finished: {
    encoded: body(finished.encodeFinished(bytes(32))),
    decode: (encoded) => finished.decodeFinished(encoded, 32),
    value: bytes(32),
  },
  NewSessionTicket: {
    encoded: body(newSessionTicket.encodeNewSessionTicket({
      ticketLifetime: 86400,
      ticketAgeAdd: 0xffffffff,
      ticketNonce: bytes(1),
      ticket: bytes(100),
      maxEarlyDataSize: 16384,
    })),
    decode: (encoded) => newSessionTicket.decodeNewSessionTicket(encoded, 64),
    value: {
      ticketLifetime: 86400,
      ticketAgeAdd: 0xffffffff,
      ticketNonce: bytes(1),
      ticket: bytes(100),
      maxEarlyDataSize: 16384,
    },
  },
  KeyUpdate: { encoded: body(keyUpdate.encodeKeyUpdate(true)), decode: keyUpdate.decodeKeyUpdate, value: true },
};

describe.each(Object.entries(cases))('%s', (_name, { encoded, decode, value, whole = [] }) => {
  test('reads what was written', () => expect(decode(encoded)).toEqual(value));

  test('reads no strict prefix', () => {
    for (let length = 0; length < encoded.length; length++) {
      if (whole.includes(length)) continue;
      expect(reasonOf(() => decode(encoded.subarray(0, length))), `${length} bytes`).toBe('decode_error');
    }
  });

  test('reads nothing with bytes left over', () => {
    const longer = new Uint8Array(encoded.length + 1);
    longer.set(encoded);
    expect(reasonOf(() => decode(longer))).toBe('decode_error');
  });
});

function reasonOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof TlsError) return error.reason;
    throw error;
  }
  return 'none';
}
