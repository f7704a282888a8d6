import { CertificateType } from '../registry/certificate_type.ts';
import { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';
import { latin1 } from '../wire/bytes.ts';
import { MAX_TICKET_LIFETIME, type Session } from './session.ts';

/** First byte of an encoded session: to be raised when the format changes, so that old tickets are refused and not misread. */
const FORMAT = 3;

/** Writes a resumption session, for sealing or storing. Secret. */
export function encodeSession(session: Session, writer: Writer): void {
  writer.uint8(FORMAT).uint16(session.cipherSuite).opaqueVector(1, session.secret);
  encodeOptional(writer, session.serverName);
  encodeOptional(writer, session.applicationProtocol);
  writer.uint16(session.context.length).text(session.context);
  encodeTime(writer, session.createdAt);
  encodeTime(writer, session.authenticatedAt);
  writer.uint32(session.lifetime).uint32(session.ageAdd).uint32(session.maxEarlyDataSize);
  writer.uint8(session.peerCertificateType ?? CertificateType.X509).vector(3, () => {
    for (const certificate of session.peerCertificates) writer.opaqueVector(3, certificate);
  });
}

function encodeOptional(writer: Writer, text: string | undefined): void {
  writer.uint8(text === undefined ? 0 : 1).uint16(text?.length ?? 0).text(text ?? '');
}

function encodeTime(writer: Writer, time: number): void {
  writer.uint16(Math.floor(time / 2 ** 32)).uint32(time % 2 ** 32);
}

/** Undefined when the bytes are of another format. Fails with `decode_error` when they are malformed. */
export function decodeSession(bytes: Uint8Array): Session | undefined {
  const reader = new Reader(bytes, 'Session');
  if (reader.uint8('format') !== FORMAT) return undefined;
  const optional = (field: string) => {
    const present = reader.uint8(field) === 1;
    const text = latin1(reader.vector(0, 0xffff, field));
    return present ? text : undefined;
  };
  const cipherSuite = reader.uint16('cipher_suite');
  const secret = reader.vector(32, 48, 'secret').slice();
  const serverName = optional('server_name');
  const applicationProtocol = optional('application_protocol');
  const context = latin1(reader.vector(0, 0xffff, 'context'));
  const time = (field: string) => reader.uint16(field) * 2 ** 32 + reader.uint32(field);
  const createdAt = time('created_at');
  const authenticatedAt = time('authenticated_at');
  const lifetime = Math.min(reader.uint32('lifetime'), MAX_TICKET_LIFETIME);
  const ageAdd = reader.uint32('age_add');
  const maxEarlyDataSize = reader.uint32('max_early_data_size');
  const peerCertificateType = reader.uint8('peer_certificate_type');
  const peerCertificates = reader.list(
    0,
    0xffffff,
    'peer_certificates',
    (item) => item.vector(1, 0xffffff, 'certificate').slice(),
  );
  reader.end();
  return {
    kind: 'resumption',
    cipherSuite,
    secret,
    serverName,
    applicationProtocol,
    context,
    createdAt,
    authenticatedAt,
    lifetime,
    ageAdd,
    maxEarlyDataSize,
    peerCertificates,
    peerCertificateType,
  };
}
