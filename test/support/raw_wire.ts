/**
 * Encoders of the raw client: every byte as the test wants it, right or wrong. Nothing of src/ is used here, so that a
 * mistake in the product's codecs cannot hide behind the same mistake in its tests.
 */
export type Bytes = Uint8Array;

export function concat(...parts: readonly (Bytes | readonly number[])[]): Bytes {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

export function ascii(text: string): Bytes {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** `value` as `width` bytes, big-endian; what does not fit is cut off. */
export function uint(value: number, width: number): Bytes {
  const bytes = new Uint8Array(width);
  for (let i = width - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  return bytes;
}

export const u8 = (value: number): Bytes => uint(value, 1);
export const u16 = (value: number): Bytes => uint(value, 2);
export const u16s = (values: readonly number[]): Bytes => concat(...values.map(u16));

/** A vector with a length field of `width` bytes; `length` to lie about it. */
export function vector(width: number, content: Bytes, length: number = content.length): Bytes {
  return concat(uint(length, width), content);
}

/** A TLSPlaintext record; `length` to lie about it. */
export function plainRecord(
  type: number,
  fragment: Bytes,
  version: number = 0x0303,
  length: number = fragment.length,
): Bytes {
  return concat(u8(type), u16(version), u16(length), fragment);
}

/** A handshake message with its header; `length` to lie about it. */
export function message(type: number, body: Bytes, length: number = body.length): Bytes {
  return concat(u8(type), uint(length, 3), body);
}

export interface RawExtension {
  readonly type: number;
  readonly body: Bytes;
}

export interface RawShare {
  readonly group: number;
  readonly key: Bytes;
}

export interface RawIdentity {
  readonly identity: Bytes;
  readonly obfuscatedAge: number;
}

/** Extensions of a ClientHello, well formed for well-formed arguments. */
export const extension = {
  raw: (type: number, body: Bytes = new Uint8Array()): RawExtension => ({ type, body }),
  serverName: (name: string): RawExtension => ({
    type: 0,
    body: vector(2, concat(u8(0), vector(2, ascii(name)))),
  }),
  statusRequest: (): RawExtension => ({ type: 5, body: concat(u8(1), u16(0), u16(0)) }),
  supportedGroups: (groups: readonly number[]): RawExtension => ({ type: 10, body: vector(2, u16s(groups)) }),
  signatureAlgorithms: (schemes: readonly number[]): RawExtension => ({ type: 13, body: vector(2, u16s(schemes)) }),
  applicationProtocols: (names: readonly string[]): RawExtension => ({
    type: 16,
    body: vector(2, concat(...names.map((name) => vector(1, ascii(name))))),
  }),
  preSharedKey: (identities: readonly RawIdentity[], binders: readonly Bytes[]): RawExtension => ({
    type: 41,
    body: concat(
      vector(
        2,
        concat(
          ...identities.map(({ identity, obfuscatedAge }) => concat(vector(2, identity), uint(obfuscatedAge, 4))),
        ),
      ),
      vector(2, concat(...binders.map((binder) => vector(1, binder)))),
    ),
  }),
  earlyData: (): RawExtension => ({ type: 42, body: new Uint8Array() }),
  supportedVersions: (versions: readonly number[]): RawExtension => ({ type: 43, body: vector(1, u16s(versions)) }),
  cookie: (cookie: Bytes): RawExtension => ({ type: 44, body: vector(2, cookie) }),
  pskKeyExchangeModes: (modes: readonly number[]): RawExtension => ({
    type: 45,
    body: vector(1, Uint8Array.from(modes)),
  }),
  postHandshakeAuth: (): RawExtension => ({ type: 49, body: new Uint8Array() }),
  signatureAlgorithmsCert: (schemes: readonly number[]): RawExtension => ({
    type: 50,
    body: vector(2, u16s(schemes)),
  }),
  keyShare: (shares: readonly RawShare[]): RawExtension => ({
    type: 51,
    body: vector(2, concat(...shares.map(({ group, key }) => concat(u16(group), vector(2, key))))),
  }),
};

export function encodeExtensions(extensions: readonly RawExtension[]): Bytes {
  return concat(...extensions.map(({ type, body }) => concat(u16(type), vector(2, body))));
}

/** The fields of a ClientHello, in wire order. */
export interface RawHello {
  readonly legacyVersion: number;
  readonly random: Bytes;
  readonly legacySessionId: Bytes;
  readonly cipherSuites: readonly number[];
  readonly compressionMethods: readonly number[];
  readonly extensions: readonly RawExtension[];
  /** Bytes after the extensions. */
  readonly trailer?: Bytes;
}

/** The body of a ClientHello: give it to `message(1, …)`. */
export function encodeHello(hello: RawHello): Bytes {
  return concat(
    u16(hello.legacyVersion),
    hello.random,
    vector(1, hello.legacySessionId),
    vector(2, u16s(hello.cipherSuites)),
    vector(1, Uint8Array.from(hello.compressionMethods)),
    vector(2, encodeExtensions(hello.extensions)),
    hello.trailer ?? new Uint8Array(),
  );
}

/** `hello` with the extensions of the given types replaced in place, or appended (before pre_shared_key). */
export function withExtensions(hello: RawHello, ...changed: readonly RawExtension[]): RawHello {
  const extensions = [...hello.extensions];
  for (const one of changed) {
    const at = extensions.findIndex(({ type }) => type === one.type);
    const psk = extensions.findIndex(({ type }) => type === 41);
    if (at >= 0) extensions[at] = one;
    else if (psk >= 0) extensions.splice(psk, 0, one);
    else extensions.push(one);
  }
  return { ...hello, extensions };
}

export function withoutExtensions(hello: RawHello, ...types: readonly number[]): RawHello {
  return { ...hello, extensions: hello.extensions.filter(({ type }) => !types.includes(type)) };
}

/** The extensions block of a server's message: type → body. */
export function decodeExtensions(block: Bytes): Map<number, Bytes> {
  const found = new Map<number, Bytes>();
  for (let at = 2; at < block.length;) {
    const type = read(block, at, 2);
    const length = read(block, at + 2, 2);
    if (found.has(type)) throw new Error(`the server sent extension ${type} twice`);
    found.set(type, block.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

export function read(bytes: Bytes, at: number, width: number): number {
  if (at + width > bytes.length) throw new Error('the server sent less than it declared');
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + bytes[at + i]!;
  return value;
}

/** A ServerHello or HelloRetryRequest. */
export interface RawServerHello {
  readonly legacyVersion: number;
  readonly random: Bytes;
  readonly legacySessionIdEcho: Bytes;
  readonly cipherSuite: number;
  readonly compressionMethod: number;
  readonly extensions: ReadonlyMap<number, Bytes>;
  readonly isRetry: boolean;
}

/** SHA-256 of "HelloRetryRequest" (RFC 9846 §4.2.3). */
export const RETRY_RANDOM = 'cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c';

export interface RawServerHelloFields {
  readonly legacyVersion?: number;
  readonly random?: Bytes;
  readonly legacySessionIdEcho?: Bytes;
  readonly cipherSuite?: number;
  readonly compressionMethod?: number;
  readonly extensions: readonly RawExtension[];
}

/** A whole ServerHello message. */
export function encodeServerHello(fields: RawServerHelloFields): Bytes {
  return message(
    2,
    concat(
      u16(fields.legacyVersion ?? 0x0303),
      fields.random ?? new Uint8Array(32).fill(5),
      vector(1, fields.legacySessionIdEcho ?? new Uint8Array()),
      u16(fields.cipherSuite ?? 0x1303),
      u8(fields.compressionMethod ?? 0),
      vector(2, encodeExtensions(fields.extensions)),
    ),
  );
}

export function decodeServerHello(body: Bytes): RawServerHello {
  const random = body.subarray(2, 34);
  const echo = read(body, 34, 1);
  const at = 35 + echo;
  return {
    legacyVersion: read(body, 0, 2),
    random,
    legacySessionIdEcho: body.subarray(35, at),
    cipherSuite: read(body, at, 2),
    compressionMethod: read(body, at + 2, 1),
    extensions: decodeExtensions(body.subarray(at + 3)),
    isRetry: Buffer.from(random).toString('hex') === RETRY_RANDOM,
  };
}

/** A NewSessionTicket, with what the connection it came from derives from it. */
export interface RawTicket {
  readonly lifetime: number;
  readonly ageAdd: number;
  readonly nonce: Bytes;
  readonly ticket: Bytes;
  readonly extensions: ReadonlyMap<number, Bytes>;
}

export function decodeTicket(body: Bytes): RawTicket {
  const nonceLength = read(body, 8, 1);
  const at = 9 + nonceLength;
  const length = read(body, at, 2);
  return {
    lifetime: read(body, 0, 4),
    ageAdd: read(body, 4, 4),
    nonce: body.subarray(9, at),
    ticket: body.subarray(at + 2, at + 2 + length),
    extensions: decodeExtensions(body.subarray(at + 2 + length)),
  };
}

/** A Certificate message; `extensions` go into the first entry. */
export function encodeCertificate(
  chain: readonly Bytes[],
  context: Bytes = new Uint8Array(),
  extensions: readonly RawExtension[] = [],
): Bytes {
  const entries = chain.map((certificate, i) =>
    concat(vector(3, certificate), vector(2, i === 0 ? encodeExtensions(extensions) : new Uint8Array()))
  );
  return message(11, concat(vector(1, context), vector(3, concat(...entries))));
}
