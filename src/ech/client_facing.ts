import { fail } from '../error.ts';
import { type ClientHello, decodeClientHello } from '../message/client_hello.ts';
import type { HandshakeMessage } from '../message/handshake.ts';
import { ExtensionType } from '../registry/extension_type.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { ProtocolVersion } from '../registry/protocol_version.ts';
import { decodeEchClientHello, ECH_INNER, type OuterEch } from './extension.ts';
import type { HpkeContext } from './hpke.ts';
import { decodeInner } from './inner.ts';
import type { EchKeys } from './keys.ts';

/** Bounds on the inner ClientHello: those of any ClientHello. */
export interface EchLimits {
  readonly clientHelloLength: number;
  readonly extensions: number;
}

/** The ClientHello to go on with. */
export interface OpenedHello {
  readonly message: HandshakeMessage;
  readonly hello: ClientHello;
  /** Undefined where the client offered none, or there are no keys. */
  readonly ech: 'accepted' | 'rejected' | undefined;
  /** Of an inner one: what the second ClientHello is opened with. */
  readonly accepted?: AcceptedEch;
}

/** What was agreed on in the first ClientHello. */
export interface AcceptedEch {
  readonly offer: OuterEch;
  readonly context: HpkeContext;
}

/**
 * RFC 9849 §7.1, for a server that is client-facing and backend in one. Without keys it may be the backend of a client-facing server
 * (split mode): then it confirms an inner ClientHello (§7.2), and an outer one is an extension it does not know.
 */
export function openHello(
  keys: EchKeys | undefined,
  message: HandshakeMessage,
  hello: ClientHello,
  limits: EchLimits,
): OpenedHello {
  if (keys === undefined) return { message, hello, ech: isInner(hello) ? 'accepted' : undefined };
  const offer = offerOf(hello);
  if (offer === undefined) return { message, hello, ech: undefined };
  const opened = keys.open(offer, additionalData(message.body, offer));
  if (opened === undefined) return { message, hello, ech: 'rejected' };
  const { encoded, context } = opened;
  return { ...innerOf(encoded, hello, limits), ech: 'accepted', accepted: { offer, context } };
}

/** §7.1.1: the second ClientHello is under the same configuration, and the second message of the same context. */
export function openSecondHello(
  { ech, accepted }: OpenedHello,
  message: HandshakeMessage,
  hello: ClientHello,
  limits: EchLimits,
): Pick<OpenedHello, 'message' | 'hello'> {
  if (accepted === undefined) {
    if (ech === 'accepted' && !isInner(hello)) fail('missing_extension', 'encrypted_client_hello');
    return { message, hello };
  }
  const { offer, context } = accepted;
  const second = offerOf(hello);
  if (second === undefined) fail('missing_extension', 'encrypted_client_hello');
  const { kdf, aead } = offer.cipherSuite;
  const same = second.cipherSuite.kdf === kdf && second.cipherSuite.aead === aead && second.configId === offer.configId;
  if (!same || second.enc.length > 0) fail('second_hello_changed', 'encrypted_client_hello');
  const encoded = context.open(additionalData(message.body, second), second.payload);
  if (encoded === undefined) fail('inner_hello_not_authentic');
  return innerOf(encoded, hello, limits);
}

function isInner({ rawExtensions }: ClientHello): boolean {
  const data = rawExtensions.get(ExtensionType.encrypted_client_hello);
  return data !== undefined && data[0] === ECH_INNER && decodeEchClientHello(data).type === 'inner';
}

function offerOf({ rawExtensions }: ClientHello): OuterEch | undefined {
  const data = rawExtensions.get(ExtensionType.encrypted_client_hello);
  if (data === undefined) return undefined;
  const offer = decodeEchClientHello(data);
  // §7: an inner one never comes from the network.
  if (offer.type === 'inner') fail('illegal_parameter', 'an inner encrypted_client_hello outside');
  return offer;
}

/** ClientHelloOuterAAD, §5.2: the outer ClientHello with zeros for the payload, which is a view of `body`. */
function additionalData(body: Uint8Array, { payload }: OuterEch): Uint8Array {
  const copy = body.slice();
  const at = payload.byteOffset - body.byteOffset;
  return copy.fill(0, at, at + payload.length);
}

function innerOf(encoded: Uint8Array, outer: ClientHello, limits: EchLimits) {
  const bytes = decodeInner(encoded, outer, limits.extensions);
  const body = bytes.subarray(4);
  if (body.length > limits.clientHelloLength) fail('client_hello_too_long', `${body.length} bytes inside`);
  const hello = decodeClientHello(body, limits.extensions);
  // §7.1
  const inside = hello.rawExtensions.get(ExtensionType.encrypted_client_hello);
  if (inside === undefined || decodeEchClientHello(inside).type !== 'inner') {
    fail('invalid_inner_hello', 'it has no inner encrypted_client_hello');
  }
  const { supportedVersions = [] } = hello.extensions;
  const older = supportedVersions.some((version) => version >>> 8 === 3 && version < ProtocolVersion.tls13);
  if (older || !supportedVersions.includes(ProtocolVersion.tls13)) {
    fail('invalid_inner_hello', 'it offers TLS 1.2 or less');
  }
  return { message: { type: HandshakeType.client_hello, body, bytes }, hello };
}
