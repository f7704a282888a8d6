/**
 * A server that says what the test wants to our client: a handshake with X25519 and TLS_AES_128_GCM_SHA256 over node:crypto, by encoders
 * and a key schedule that share nothing with src/. It does not check what the client says; it keeps it.
 */
import { type KeyObject, sign } from 'node:crypto';
import type { ClientConnection } from '../../src/connection/client.ts';
import { deriveSecret, digest, expandLabel, extract, hmac, keyPair, SUITES, TrafficKey, zeros } from './raw_keys.ts';
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
  u16,
  u8,
  vector,
} from './raw_wire.ts';
import type { SelfSigned } from './self_signed.ts';

const CIPHER_SUITE = 0x1301;

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
  #unread: Bytes = zeros(0);

  constructor(client: ClientConnection) {
    this.client = client;
  }

  /** Reads the ClientHello and answers it. From here on messages are protected. */
  hello(): void {
    const [clientHello] = this.#clear();
    if (clientHello === undefined) throw new Error('no ClientHello');
    this.#transcript.push(message(1, clientHello.body));
    const body = clientHello.body;
    const sessionEnd = 35 + read(body, 34, 1);
    const theirs = shareOf(body);
    const pair = keyPair(0x1d);
    const serverHello = encodeServerHello({
      legacySessionIdEcho: body.subarray(35, sessionEnd),
      cipherSuite: CIPHER_SUITE,
      extensions: [
        extension.raw(43, u16(0x0304)),
        extension.raw(51, concat(u16(0x1d), vector(2, pair.share))),
      ],
    });
    this.client.receive(plainRecord(22, serverHello));
    this.#transcript.push(serverHello);
    const suite = this.#suite;
    const none = zeros(suite.digestLength);
    const early = extract(suite, none, none);
    this.#handshakeSecret = extract(suite, deriveSecret(suite, early, 'derived', digest(suite)), pair.finish(theirs));
    this.#write = this.#key(this.#handshakeSecret, 's hs traffic');
    this.#read = this.#key(this.#handshakeSecret, 'c hs traffic');
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
    this.say(15, concat(u16(0x0403), vector(2, this.#signature(privateKey))));
  }

  /** Finished, and from here on the keys of application data in our direction. */
  finish(): void {
    const suite = this.#suite;
    const key = expandLabel(suite, this.#write!.secret, 'finished', zeros(0), suite.digestLength);
    this.say(20, hmac(suite, key, digest(suite, ...this.#transcript)));
    const none = zeros(suite.digestLength);
    const main = extract(suite, deriveSecret(suite, this.#handshakeSecret, 'derived', digest(suite)), none);
    this.#write = this.#key(main, 's ap traffic');
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
