/**
 * A server that says what the test wants to our client: a handshake with X25519 and TLS_AES_128_GCM_SHA256 over node:crypto, by encoders
 * and a key schedule that share nothing with src/. It does not check what the client says; it keeps it.
 */
import { type KeyObject, sign } from 'node:crypto';
import type { ClientConnection } from '../../src/connection/client.ts';
import {
  deriveSecret,
  digest,
  expandLabel,
  extract,
  hmac,
  keyPair,
  type RawKeyPair,
  SUITES,
  TrafficKey,
  zeros,
} from './raw_keys.ts';
import {
  ascii,
  type Bytes,
  concat,
  encodeCertificate,
  encodeExtensions,
  encodeServerHello,
  extension,
  message,
  plainRecord,
  type RawExtension,
  read,
  RETRY_RANDOM,
  u16,
  u8,
  vector,
} from './raw_wire.ts';
import type { SelfSigned } from './self_signed.ts';

const CIPHER_SUITE = 0x1301;
const GROUP = 0x1d;

export interface RawMessage {
  readonly type: number;
  readonly body: Bytes;
}

export class RawServer {
  readonly client: ClientConnection;
  readonly #suite = SUITES.get(CIPHER_SUITE)!;
  readonly #transcript: Bytes[] = [];
  #handshakeSecret: Bytes = zeros(0);
  #write: TrafficKey | undefined;
  #read: TrafficKey | undefined;
  /** Of application data. */
  #readAfter: TrafficKey | undefined;
  /** The body of the last ClientHello. */
  #clientHello: Bytes = zeros(0);
  #share: RawKeyPair = keyPair(GROUP);
  #unread: Bytes = zeros(0);

  constructor(client: ClientConnection) {
    this.client = client;
  }

  /** Reads the ClientHello and answers it. From here on messages are protected. */
  hello(): void {
    this.readHello();
    const serverHello = this.serverHello();
    this.client.receive(plainRecord(22, serverHello));
    this.#transcript.push(serverHello);
    const theirs = shareOf(this.#clientHello);
    const pair = this.#share;
    const suite = this.#suite;
    const none = zeros(suite.digestLength);
    const early = extract(suite, none, none);
    this.#handshakeSecret = extract(suite, deriveSecret(suite, early, 'derived', digest(suite)), pair.finish(theirs));
    this.#write = this.#key(this.#handshakeSecret, 's hs traffic');
    this.#read = this.#key(this.#handshakeSecret, 'c hs traffic');
  }

  readHello(): void {
    const [clientHello] = this.#clear();
    if (clientHello === undefined) throw new Error('no ClientHello');
    this.#clientHello = clientHello.body;
    this.#transcript.push(message(1, clientHello.body));
  }

  /** The ServerHello that answers the last ClientHello; a HelloRetryRequest with the `random` of one. */
  serverHello(random?: Bytes): Bytes {
    const hello = this.#clientHello;
    const share = random === undefined ? vector(2, this.#share.share) : zeros(0);
    return encodeServerHello({
      ...(random && { random }),
      legacySessionIdEcho: hello.subarray(35, 35 + read(hello, 34, 1)),
      cipherSuite: CIPHER_SUITE,
      extensions: [extension.raw(43, u16(0x0304)), extension.raw(51, concat(u16(GROUP), share))],
    });
  }

  /** Reads the ClientHello and asks for one with a share of X25519. */
  retry(): void {
    this.readHello();
    const retry = this.serverHello(Uint8Array.from(Buffer.from(RETRY_RANDOM, 'hex')));
    // §4.1
    this.#transcript.push(message(254, digest(this.#suite, this.#transcript.pop()!)), retry);
    this.client.receive(plainRecord(22, retry));
  }

  /** A record of this content, protected once records are. */
  record(type: number, content: Bytes, padding = 0): Bytes {
    return this.#write === undefined
      ? plainRecord(type, content)
      : this.protect(concat(content, u8(type), zeros(padding)));
  }

  /** A protected record of this inner plaintext. */
  protect(inner: Bytes): Bytes {
    return this.#write!.seal(inner);
  }

  /** The alerts that the client has sent since it was last asked, in any state. */
  alerts(): number[] {
    return this.#records().flatMap(({ type, record }) => {
      const inner = type === 23 ? this.#openAny(record) : concat(record.subarray(5), u8(type));
      const end = inner.findLastIndex((byte) => byte !== 0);
      return inner[end] === 21 ? [inner[1]!] : [];
    });
  }

  /** Of the client's handshake, or after it. */
  #openAny(record: Bytes): Bytes {
    try {
      return this.#read!.open(record);
    } catch {
      return this.#readAfter!.open(record);
    }
  }

  /** Sends a handshake message, in a record of its own. */
  say(type: number, body: Bytes): void {
    const said = message(type, body);
    this.#transcript.push(said);
    this.client.receive(this.#write!.seal(concat(said, u8(22))));
  }

  encryptedExtensions(...extensions: readonly RawExtension[]): void {
    this.say(8, vector(2, encodeExtensions(extensions)));
  }

  certificateRequest(...extensions: readonly RawExtension[]): void {
    this.say(13, concat(vector(1, zeros(0)), vector(2, encodeExtensions(extensions))));
  }

  /** Certificate and CertificateVerify. */
  authenticate({ certificate, privateKey }: SelfSigned): void {
    this.say(11, encodeCertificate([certificate]).subarray(4));
    this.say(15, this.certificateVerify(privateKey));
  }

  /** The body of a CertificateVerify of what was said so far. */
  certificateVerify(privateKey: KeyObject): Bytes {
    return concat(u16(0x0403), vector(2, this.#signature(privateKey)));
  }

  /** The body of a Finished after what was said so far. */
  finished(): Bytes {
    const suite = this.#suite;
    const key = expandLabel(suite, this.#write!.secret, 'finished', zeros(0), suite.digestLength);
    return hmac(suite, key, digest(suite, ...this.#transcript));
  }

  /** Finished, and from here on the keys of application data in our direction. */
  finish(): void {
    const suite = this.#suite;
    this.say(20, this.finished());
    const none = zeros(suite.digestLength);
    const main = extract(suite, deriveSecret(suite, this.#handshakeSecret, 'derived', digest(suite)), none);
    this.#write = this.#key(main, 's ap traffic');
    this.#readAfter = this.#key(main, 'c ap traffic');
  }

  /** The client's flight under its handshake key. */
  flight(): RawMessage[] {
    const messages = [];
    for (const { type, record } of this.#records()) {
      if (type !== 23) continue;
      const inner = this.#read!.open(record);
      const end = inner.findLastIndex((byte) => byte !== 0);
      if (inner[end] !== 22) throw new Error(`a record of type ${inner[end]}`);
      messages.push(...split(inner.subarray(0, end)));
      if (messages.at(-1)?.type === 20) break;
    }
    return messages;
  }

  #signature(privateKey: KeyObject): Bytes {
    const content = concat(
      new Uint8Array(64).fill(0x20),
      ascii('TLS 1.3, server CertificateVerify'),
      u8(0),
      digest(this.#suite, ...this.#transcript),
    );
    return sign('sha256', content, privateKey);
  }

  #key(secret: Bytes, label: string): TrafficKey {
    return new TrafficKey(
      this.#suite,
      deriveSecret(this.#suite, secret, label, digest(this.#suite, ...this.#transcript)),
    );
  }

  #clear(): RawMessage[] {
    return this.#records().filter(({ type }) => type === 22).flatMap(({ record }) => split(record.subarray(5)));
  }

  #records(): { readonly type: number; readonly record: Bytes }[] {
    this.#unread = concat(this.#unread, ...this.client.takeOutput());
    const found = [];
    while (this.#unread.length >= 5) {
      const end = 5 + read(this.#unread, 3, 2);
      found.push({ type: this.#unread[0]!, record: this.#unread.subarray(0, end) });
      this.#unread = this.#unread.subarray(end);
    }
    return found;
  }
}

function split(content: Bytes): RawMessage[] {
  const messages: RawMessage[] = [];
  for (let at = 0; at + 4 <= content.length;) {
    const end = at + 4 + read(content, at + 1, 3);
    messages.push({ type: content[at]!, body: content.subarray(at + 4, end) });
    at = end;
  }
  return messages;
}

/** The 32 bytes of its X25519 share. */
function shareOf(body: Bytes): Bytes {
  const marker = Buffer.from('001d0020', 'hex');
  const at = Buffer.from(body).indexOf(marker);
  if (at < 0) throw new Error('no share of X25519');
  return body.subarray(at + 4, at + 36);
}
