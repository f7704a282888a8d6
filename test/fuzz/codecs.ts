/** Every decoder of src/message/, with a grammar of what it decodes. */
import { decodeAlert } from '../../src/message/alert.ts';
import { decodeCertificate } from '../../src/message/certificate.ts';
import { decodeCertificateRequest } from '../../src/message/certificate_request.ts';
import { decodeCertificateVerify } from '../../src/message/certificate_verify.ts';
import { decodeClientHello } from '../../src/message/client_hello.ts';
import { decodeCompressedCertificate } from '../../src/message/compressed_certificate.ts';
import { decodeEncryptedExtensions } from '../../src/message/encrypted_extensions.ts';
import { decodeEndOfEarlyData } from '../../src/message/end_of_early_data.ts';
import { decodeFinished } from '../../src/message/finished.ts';
import { decodeKeyUpdate } from '../../src/message/key_update.ts';
import { decodeNewSessionTicket } from '../../src/message/new_session_ticket.ts';
import { decodeServerHello } from '../../src/message/server_hello.ts';
import { BODIES } from './grammar.ts';
import type { Random } from './random.ts';
import type { Tree } from './tree.ts';

const EXTENSIONS = 64;

export interface Codec {
  readonly name: string;
  decode(bytes: Uint8Array): unknown;
  readonly grammar: (random: Random) => Tree;
  /** Whether some strict prefixes are well formed too. */
  readonly prefixesAllowed?: boolean;
}

function handshake(name: string, type: number, decode: (body: Uint8Array) => unknown, prefixesAllowed = false): Codec {
  return { name, decode, grammar: BODIES.get(type)!, prefixesAllowed };
}

export const CODECS: readonly Codec[] = [
  // Hellos of an older version may end before the extensions, and that is left to the version check.
  handshake('ClientHello', 1, (body) => decodeClientHello(body, EXTENSIONS), true),
  handshake('ServerHello', 2, (body) => decodeServerHello(body, EXTENSIONS), true),
  handshake('NewSessionTicket', 4, (body) => decodeNewSessionTicket(body, EXTENSIONS)),
  handshake('EndOfEarlyData', 5, (body) => decodeEndOfEarlyData(body)),
  handshake('EncryptedExtensions', 8, (body) => decodeEncryptedExtensions(body, EXTENSIONS)),
  handshake('Certificate', 11, (body) => decodeCertificate(body, EXTENSIONS)),
  handshake('CertificateRequest', 13, (body) => decodeCertificateRequest(body, EXTENSIONS)),
  handshake('CertificateVerify', 15, (body) => decodeCertificateVerify(body)),
  { name: 'Finished', decode: (body) => decodeFinished(body, 48), grammar: (random) => [random.bytes(48)] },
  handshake('KeyUpdate', 24, (body) => decodeKeyUpdate(body)),
  handshake('CompressedCertificate', 25, (body) => decodeCompressedCertificate(body)),
  { name: 'Alert', decode: (content) => decodeAlert(content), grammar: (random) => [random.bytes(2)] },
];
