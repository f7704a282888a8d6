import { fail } from '../error.ts';
import { ExtensionType } from '../registry/extension_type.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { ProtocolVersion } from '../registry/protocol_version.ts';
import { equal } from '../wire/bytes.ts';
import { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';
import { decodeCookie } from './extension/cookie.ts';
import {
  decodeSelectedGroup,
  decodeServerShare,
  encodeServerShare,
  type KeyShareEntry,
} from './extension/key_share.ts';
import { decodeExtensions, encodeExtension } from './extension/list.ts';
import { decodeSelectedIdentity } from './extension/pre_shared_key.ts';
import { decodeSelectedVersion } from './extension/supported_versions.ts';
import { encodeHandshake } from './handshake.ts';

/** SHA-256 of "HelloRetryRequest": the `random` that makes a ServerHello one (RFC 9846 §4.2.3). */
export const HELLO_RETRY_REQUEST_RANDOM: Uint8Array = Uint8Array.of(
  ...[0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91],
  ...[0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c],
);

/** ServerHello, RFC 9846 §4.2.3, or HelloRetryRequest, §4.2.4. */
export interface ServerHello {
  readonly legacyVersion: number;
  readonly random: Uint8Array;
  readonly legacySessionIdEcho: Uint8Array;
  readonly cipherSuite: number;
  readonly legacyCompressionMethod: number;
  readonly isHelloRetryRequest: boolean;
  readonly selectedVersion: number | undefined;
  readonly keyShare: KeyShareEntry | undefined;
  readonly selectedIdentity: number | undefined;
  /** HelloRetryRequest only. */
  readonly selectedGroup: number | undefined;
  readonly cookie: Uint8Array | undefined;
  /** Types of all extensions, in order. */
  readonly extensionTypes: readonly number[];
}

export function decodeServerHello(body: Uint8Array, extensionLimit: number): ServerHello {
  const reader = new Reader(body, 'ServerHello');
  const legacyVersion = reader.uint16('legacy_version');
  const random = reader.opaque(32, 'random');
  const legacySessionIdEcho = reader.vector(0, 32, 'legacy_session_id_echo');
  const cipherSuite = reader.uint16('cipher_suite');
  const legacyCompressionMethod = reader.uint8('legacy_compression_method');
  const raw = reader.remaining === 0 ? new Map<number, Uint8Array>() : decodeExtensions(reader, 0, extensionLimit);
  reader.end();

  // 9846-4.2.3-11
  const isHelloRetryRequest = equal(random, HELLO_RETRY_REQUEST_RANDOM);
  const version = raw.get(ExtensionType.supported_versions);
  const share = raw.get(ExtensionType.key_share);
  const psk = raw.get(ExtensionType.pre_shared_key);
  const cookie = raw.get(ExtensionType.cookie);
  if (psk !== undefined && isHelloRetryRequest) fail('forbidden_extension', 'pre_shared_key in a HelloRetryRequest');
  if (cookie !== undefined && !isHelloRetryRequest) fail('forbidden_extension', 'cookie in a ServerHello');
  return {
    legacyVersion,
    random,
    legacySessionIdEcho,
    cipherSuite,
    legacyCompressionMethod,
    isHelloRetryRequest,
    selectedVersion: version && decodeSelectedVersion(version),
    keyShare: share && !isHelloRetryRequest ? decodeServerShare(share) : undefined,
    selectedGroup: share && isHelloRetryRequest ? decodeSelectedGroup(share) : undefined,
    selectedIdentity: psk && decodeSelectedIdentity(psk),
    cookie: cookie && decodeCookie(cookie),
    extensionTypes: [...raw.keys()],
  };
}

/** What both messages have in common. */
interface Hello {
  readonly legacySessionIdEcho: Uint8Array;
  readonly cipherSuite: number;
}

export interface ServerHelloChoice extends Hello {
  readonly random: Uint8Array;
  readonly keyShare: KeyShareEntry | undefined;
  readonly selectedIdentity: number | undefined;
}

export function encodeServerHello(choice: ServerHelloChoice, into?: Writer): Uint8Array {
  return encodeHandshake(HandshakeType.server_hello, (writer) => {
    // 9846-4.2.3-1, 9846-4.3.1-10, 9846-E.5-8
    writer.uint16(ProtocolVersion.tls12).opaque(choice.random).opaqueVector(1, choice.legacySessionIdEcho);
    // 9846-4.2.3-7
    writer.uint16(choice.cipherSuite).uint8(0);
    writer.vector(2, () => {
      // 9846-4.2.3-9, 9846-4.2.3-10, 9846-4.3.1-9, 9846-9.2-3
      encodeExtension(writer, ExtensionType.supported_versions, (w) => w.uint16(ProtocolVersion.tls13));
      const { keyShare, selectedIdentity } = choice;
      if (keyShare !== undefined) {
        encodeExtension(writer, ExtensionType.key_share, (w) => encodeServerShare(w, keyShare));
      }
      if (selectedIdentity !== undefined) {
        // 9846-9.2-7
        encodeExtension(writer, ExtensionType.pre_shared_key, (w) => w.uint16(selectedIdentity));
      }
    });
  }, into);
}

/** What a HelloRetryRequest says besides. */
export interface HelloRetryRequestChoice extends Hello {
  readonly selectedGroup: number;
  /** encrypted_client_hello: 8 bytes (RFC 9849 §5), which end the message. */
  readonly echConfirmation?: Uint8Array | undefined;
}

export function encodeHelloRetryRequest(choice: HelloRetryRequestChoice, into?: Writer): Uint8Array {
  return encodeHandshake(HandshakeType.server_hello, (writer) => {
    writer.uint16(ProtocolVersion.tls12).opaque(HELLO_RETRY_REQUEST_RANDOM);
    writer.opaqueVector(1, choice.legacySessionIdEcho).uint16(choice.cipherSuite).uint8(0);
    writer.vector(2, () => {
      // 9846-4.2.4-1, 9846-4.2.4-12
      encodeExtension(writer, ExtensionType.supported_versions, (w) => w.uint16(ProtocolVersion.tls13));
      encodeExtension(writer, ExtensionType.key_share, (w) => w.uint16(choice.selectedGroup));
      const { echConfirmation } = choice;
      if (echConfirmation !== undefined) {
        encodeExtension(writer, ExtensionType.encrypted_client_hello, (w) => w.opaque(echConfirmation));
      }
    });
  }, into);
}
