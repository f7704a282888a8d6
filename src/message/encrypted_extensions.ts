import { fail } from '../error.ts';
import { ExtensionType } from '../registry/extension_type.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';
import { decodeProtocolNames, encodeProtocolNames } from './extension/application_layer_protocol_negotiation.ts';
import { decodeCertificateType } from './extension/certificate_type.ts';
import { decodeEarlyDataIndication } from './extension/early_data.ts';
import { decodeExtensions, encodeExtension } from './extension/list.ts';
import { decodeRecordSizeLimit } from './extension/record_size_limit.ts';
import { decodeSupportedGroups } from './extension/supported_groups.ts';
import { encodeHandshake } from './handshake.ts';

/** EncryptedExtensions, RFC 9846 §4.4.1. */
export interface EncryptedExtensions {
  readonly serverNameAcknowledged: boolean;
  readonly applicationProtocol: string | undefined;
  readonly clientCertificateType: number | undefined;
  readonly serverCertificateType: number | undefined;
  readonly recordSizeLimit: number | undefined;
  readonly earlyData: boolean;
  readonly extensionTypes: readonly number[];
}

/** Extensions that RFC 9846 §4.3 allows in this message, of those this library knows. */
const FORBIDDEN: readonly number[] = [
  ExtensionType.signature_algorithms,
  ExtensionType.signature_algorithms_cert,
  ExtensionType.status_request,
  ExtensionType.signed_certificate_timestamp,
  ExtensionType.padding,
  ExtensionType.compress_certificate,
  ExtensionType.delegated_credential,
  ExtensionType.pre_shared_key,
  ExtensionType.supported_versions,
  ExtensionType.cookie,
  ExtensionType.psk_key_exchange_modes,
  ExtensionType.certificate_authorities,
  ExtensionType.oid_filters,
  ExtensionType.post_handshake_auth,
  ExtensionType.key_share,
];

export function decodeEncryptedExtensions(body: Uint8Array, extensionLimit: number): EncryptedExtensions {
  const reader = new Reader(body, 'EncryptedExtensions');
  const raw = decodeExtensions(reader, 0, extensionLimit);
  reader.end();
  for (const type of FORBIDDEN) {
    // 9846-4.3-7, 9846-4.4.1-2
    if (raw.has(type)) fail('forbidden_extension', `type ${type} in EncryptedExtensions`);
  }
  const serverName = raw.get(ExtensionType.server_name);
  if (serverName?.length) fail('decode_error', 'EncryptedExtensions.server_name is not empty');
  const groups = raw.get(ExtensionType.supported_groups);
  if (groups !== undefined) decodeSupportedGroups(groups);
  const protocols = raw.get(ExtensionType.application_layer_protocol_negotiation);
  const names = protocols && decodeProtocolNames(protocols);
  // RFC 7301 §3.1: the server's list MUST contain exactly one name.
  if (names !== undefined && names.length !== 1) fail('illegal_parameter', `${names.length} protocol names selected`);
  const clientType = raw.get(ExtensionType.client_certificate_type);
  const serverType = raw.get(ExtensionType.server_certificate_type);
  const limit = raw.get(ExtensionType.record_size_limit);
  const early = raw.get(ExtensionType.early_data);
  return {
    serverNameAcknowledged: serverName !== undefined,
    applicationProtocol: names?.[0],
    clientCertificateType: clientType && decodeCertificateType(clientType),
    serverCertificateType: serverType && decodeCertificateType(serverType),
    recordSizeLimit: limit && decodeRecordSizeLimit(limit),
    earlyData: early !== undefined && decodeEarlyDataIndication(early),
    extensionTypes: [...raw.keys()],
  };
}

// 9846-4.3.6-2, 9846-4.3.9-6, 9846-4.5.1.1-2: what a server never sends has no place here
export function encodeEncryptedExtensions(choice: {
  readonly serverNameAcknowledged: boolean;
  readonly applicationProtocol: string | undefined;
  readonly recordSizeLimit: number | undefined;
  readonly earlyData: boolean;
  readonly clientCertificateType?: number | undefined;
  readonly serverCertificateType?: number | undefined;
  /** An ECHConfigList (RFC 9849 §5). */
  readonly echRetryConfigs?: Uint8Array | undefined;
}, into?: Writer): Uint8Array {
  return encodeHandshake(HandshakeType.encrypted_extensions, (writer) => {
    writer.vector(2, () => {
      const { applicationProtocol, recordSizeLimit, clientCertificateType, serverCertificateType } = choice;
      if (choice.serverNameAcknowledged) encodeExtension(writer, ExtensionType.server_name);
      if (applicationProtocol !== undefined) {
        encodeExtension(
          writer,
          ExtensionType.application_layer_protocol_negotiation,
          (w) => encodeProtocolNames(w, [applicationProtocol]),
        );
      }
      if (clientCertificateType !== undefined) {
        encodeExtension(writer, ExtensionType.client_certificate_type, (w) => w.uint8(clientCertificateType));
      }
      if (serverCertificateType !== undefined) {
        encodeExtension(writer, ExtensionType.server_certificate_type, (w) => w.uint8(serverCertificateType));
      }
      if (recordSizeLimit !== undefined) {
        encodeExtension(writer, ExtensionType.record_size_limit, (w) => w.uint16(recordSizeLimit));
      }
      const { echRetryConfigs } = choice;
      if (echRetryConfigs !== undefined) {
        encodeExtension(writer, ExtensionType.encrypted_client_hello, (w) => w.opaque(echRetryConfigs));
      }
      if (choice.earlyData) encodeExtension(writer, ExtensionType.early_data);
    });
  }, into);
}
