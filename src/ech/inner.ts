import { fail } from '../error.ts';
import type { ClientHello } from '../message/client_hello.ts';
import { decodeExtensions } from '../message/extension/list.ts';
import { encodeHandshake } from '../message/handshake.ts';
import { ExtensionType } from '../registry/extension_type.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';

/**
 * The ClientHelloInner, header included, that an EncodedClientHelloInner stands for (RFC 9849 §5.1). Each extension of the outer one
 * is looked at once and copied once at most, so that neither time nor length grows beyond what was sent (§10.12.4, §A).
 */
export function decodeInner(encoded: Uint8Array, outer: ClientHello, extensionLimit: number): Uint8Array {
  const reader = new Reader(encoded, 'EncodedClientHelloInner');
  const legacyVersion = reader.uint16('legacy_version');
  const random = reader.opaque(32, 'random');
  const legacySessionId = reader.vector(0, 32, 'legacy_session_id');
  const cipherSuites = reader.vector(2, 0xfffe, 'cipher_suites');
  const legacyCompressionMethods = reader.vector(1, 0xff, 'legacy_compression_methods');
  const extensions = decodeExtensions(reader, 0, extensionLimit);
  const padding = reader.opaque(reader.remaining, 'zeros');
  if (legacySessionId.length > 0) fail('invalid_inner_hello', 'it has a legacy_session_id');
  if (padding.some((byte) => byte !== 0)) fail('invalid_inner_hello', 'its padding is not zero');
  return encodeHandshake(HandshakeType.client_hello, (writer) => {
    writer.uint16(legacyVersion).opaque(random).opaqueVector(1, outer.legacySessionId);
    writer.opaqueVector(2, cipherSuites).opaqueVector(1, legacyCompressionMethods);
    writer.vector(2, () => {
      for (const [type, data] of extensions) {
        if (type !== ExtensionType.ech_outer_extensions) writer.uint16(type).opaqueVector(2, data);
        else for (const [copied, value] of referenced(data, outer)) writer.uint16(copied).opaqueVector(2, value);
      }
    });
  }, new Writer(encoded.length));
}

/** The extensions that an ech_outer_extensions refers to, found in one walk over those of the outer ClientHello. */
function referenced(data: Uint8Array, outer: ClientHello): [number, Uint8Array][] {
  const reader = new Reader(data, 'OuterExtensions');
  const types = reader.uint16List(2, 254, 'outer_extensions');
  reader.end();
  // Goes on where it stopped: an iterator of a Map does not end with the loop that is left.
  const rest = outer.rawExtensions[Symbol.iterator]();
  return types.map((type) => {
    if (type === ExtensionType.encrypted_client_hello) fail('invalid_outer_extensions', 'encrypted_client_hello');
    for (const extension of rest) if (extension[0] === type) return extension;
    fail('invalid_outer_extensions', `type ${type} is missing, out of order or there twice`);
  });
}
