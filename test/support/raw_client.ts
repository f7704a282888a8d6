/**
 * A TLS 1.3 client that does as the test says and not as the RFC says: any message, any record, under any key, at any
 * time. It keeps the transcript and the keys so that a test may be honest up to the point where it is not.
 *
 * It knows nothing of src/ and of sockets: a `Link` carries the bytes to the server under test.
 */
import { createPrivateKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  ascii,
  type Bytes,
  concat,
  decodeExtensions,
  decodeServerHello,
  decodeTicket,
  encodeCertificate,
  encodeHello,
  extension,
  message,
  plainRecord,
  type RawExtension,
  type RawHello,
  type RawServerHello,
  type RawShare,
  type RawTicket,
  read,
  u8,
  vector,
  withExtensions,
  withoutExtensions,
} from './raw_wire.ts';
import {
  deriveSecret,
  digest,
  expandLabel,
  extract,
  hmac,
  keyPair,
  type RawKeyPair,
  type Suite,
  SUITES,
  TrafficKey,
  zeros,
} from './raw_keys.ts';

/** The way to the server under test, in memory or over TCP. */
export interface Link {
  send(bytes: Bytes): void | Promise<void>;
  /**
   * What the server has written since the last call, at least one byte. Empty when nothing more will come: in memory, until
   * something is sent again; over TCP, ever.
   */
  receive(): Promise<Bytes>;
  /** Ends the client's direction: the server reads the end of the stream. */
  end(): void;
}

export const Type = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;

export type Epoch = 'plaintext' | 'early' | 'handshake' | 'application';

/** One thing the server sent. */
export interface Inbound {
  readonly epoch: Epoch;
  /** Inner content type. */
  readonly type: number;
  /** For a handshake message its body, for all else the record's content. */
  readonly content: Bytes;
  /** For a handshake message its type. */
  readonly messageType?: number;
}

/** A pre-shared key as the client knows it. */
export interface RawPsk {
  readonly identity: Bytes;
  readonly key: Bytes;
  readonly suite: number;
  readonly obfuscatedAge?: number;
  readonly external?: boolean;
}

export interface SealOptions {
  readonly epoch?: Epoch;
  readonly padding?: number;
  readonly outerType?: number;
  readonly version?: number;
}

export interface RawClientOptions {
  /** Group of the key share. Default x25519. */
  readonly group?: number;
  readonly cipherSuites?: readonly number[];
  readonly serverName?: string;
  readonly applicationProtocols?: readonly string[];
  readonly legacySessionId?: Bytes;
  /** Extensions that replace or complete the usual ones. */
  readonly extensions?: readonly RawExtension[];
}

export class RawClient {
  readonly link: Link;
  readonly inbound: Inbound[] = [];
  /** Alerts received: [level, description]. */
  readonly alerts: (readonly [number, number])[] = [];
  readonly tickets: RawTicket[] = [];
  serverHello: RawServerHello | undefined;
  retry: RawServerHello | undefined;
  encryptedExtensions: ReadonlyMap<number, Bytes> | undefined;
  certificateRequest: Bytes | undefined;
  serverFinished: boolean = false;
  /** The epoch `send…` uses when it is not told. */
  epoch: Epoch = 'plaintext';
  /** Handshake messages of both sides so far. */
  readonly transcript: Bytes[] = [];
  readonly keyPair: RawKeyPair;
  readonly writeKeys: Map<Epoch, TrafficKey> = new Map();
  readonly readKeys: Map<Epoch, TrafficKey> = new Map();
  /** The last ClientHello sent. */
  hello: RawHello | undefined;
  psk: RawPsk | undefined;
  resumptionSecret: Bytes | undefined;
  exporterSecret: Bytes | undefined;
  readonly #options: RawClientOptions;
  #readEpoch: Epoch = 'plaintext';
  #unparsed: Bytes = zeros(0);
  #fragments: Bytes = zeros(0);
  #mainSecret: Bytes = zeros(0);
  #earlySecret: Bytes | undefined;

  constructor(link: Link, options: RawClientOptions = {}) {
    this.link = link;
    this.#options = options;
    this.keyPair = keyPair(options.group ?? 0x1d);
  }

  /** The cipher suite in use. */
  get suite(): Suite {
    const chosen = this.serverHello?.cipherSuite ?? this.retry?.cipherSuite ?? this.psk?.suite;
    const suite = chosen === undefined ? undefined : SUITES.get(chosen);
    if (suite === undefined) throw new Error('no cipher suite is negotiated yet');
    return suite;
  }

  /** Description of the first fatal alert (all but close_notify and user_canceled). */
  get alert(): number | undefined {
    return this.alerts.find(([, description]) => description !== 0 && description !== 90)?.[1];
  }

  get applicationData(): Bytes {
    return concat(
      ...this.inbound.filter(({ type }) => type === Type.applicationData).map(({ content }) => content),
    );
  }

  /** A ClientHello nobody can object to. */
  usualHello(): RawHello {
    const { serverName = 'server.test', applicationProtocols, extensions = [] } = this.#options;
    const usual: RawExtension[] = [
      extension.serverName(serverName),
      extension.supportedGroups([this.keyPair.group, ...[0x1d, 0x17].filter((g) => g !== this.keyPair.group)]),
      extension.signatureAlgorithms([0x0403, 0x0503, 0x0804, 0x0805, 0x0806, 0x0807, 0x0401]),
      extension.supportedVersions([0x0304]),
      extension.pskKeyExchangeModes([1]),
      extension.keyShare([this.share()]),
    ];
    if (applicationProtocols !== undefined) usual.push(extension.applicationProtocols(applicationProtocols));
    const hello: RawHello = {
      legacyVersion: 0x0303,
      random: randomBytes(32),
      legacySessionId: this.#options.legacySessionId ?? zeros(0),
      cipherSuites: this.#options.cipherSuites ?? [0x1303, 0x1301, 0x1302],
      compressionMethods: [0],
      extensions: usual,
    };
    return withExtensions(hello, ...extensions);
  }

  share(): RawShare {
    return { group: this.keyPair.group, key: this.keyPair.share };
  }

  // Sending.

  /** Any bytes at all. */
  async send(...bytes: readonly Bytes[]): Promise<void> {
    await this.link.send(concat(...bytes));
  }

  /** A record with `content` under the epoch's key, as bytes. */
  seal(type: number, content: Bytes, options: SealOptions = {}): Bytes {
    const epoch = options.epoch ?? this.epoch;
    if (epoch === 'plaintext') return plainRecord(type, content, options.version);
    const key = this.writeKeys.get(epoch);
    if (key === undefined) throw new Error(`no ${epoch} key yet`);
    return key.seal(concat(content, u8(type), zeros(options.padding ?? 0)), options.outerType, options.version);
  }

  async sendRecord(type: number, content: Bytes, options: SealOptions = {}): Promise<void> {
    await this.send(this.seal(type, content, options));
  }

  /** Handshake messages in as few records as they fit in; they enter the transcript. */
  async sendMessages(...messages: readonly Bytes[]): Promise<void> {
    this.transcript.push(...messages);
    const content = concat(...messages);
    const records: Bytes[] = [];
    for (let at = 0; at < content.length; at += 16384) {
      records.push(this.seal(Type.handshake, content.subarray(at, at + 16384)));
    }
    await this.send(...records);
  }

  /** The ClientHello, with a good binder if there is a PSK. Returns the message. */
  async sendHello(hello: RawHello = this.usualHello()): Promise<Bytes> {
    const encoded = this.encodeHello(hello);
    await this.sendMessages(encoded);
    return encoded;
  }

  /** The ClientHello message, not yet in the transcript. */
  encodeHello(hello: RawHello): Bytes {
    this.hello = hello;
    const psk = this.psk;
    if (psk === undefined) return message(1, encodeHello(hello));
    const suite = SUITES.get(psk.suite)!;
    const identities = [{ identity: psk.identity, obfuscatedAge: psk.obfuscatedAge ?? 0 }];
    const offer = (binder: Bytes) =>
      message(1, encodeHello(withExtensions(hello, extension.preSharedKey(identities, [binder]))));
    const encoded = offer(zeros(suite.digestLength));
    const truncated = encoded.subarray(0, encoded.length - suite.digestLength - 3);
    const binder = pskBinder(psk, concat(...this.transcript, truncated));
    this.#earlySecret = extract(suite, zeros(suite.digestLength), psk.key);
    const complete = offer(binder);
    const hash = digest(suite, ...this.transcript, complete);
    this.writeKeys.set('early', new TrafficKey(suite, deriveSecret(suite, this.#earlySecret, 'c e traffic', hash)));
    return complete;
  }

  /** The second ClientHello as the server's HelloRetryRequest asks for it. */
  secondHello(): RawHello {
    const asked = this.retry!.extensions;
    let hello = withoutExtensions(this.hello!, 42, 41);
    const cookie = asked.get(44);
    if (cookie !== undefined) hello = withExtensions(hello, { type: 44, body: cookie });
    if (asked.has(51)) hello = withExtensions(hello, extension.keyShare([this.share()]));
    return hello;
  }

  // Messages.

  finishedMessage(): Bytes {
    const suite = this.suite;
    const key = expandLabel(suite, this.writeKeys.get('handshake')!.secret, 'finished', zeros(0), suite.digestLength);
    return message(20, hmac(suite, key, digest(suite, ...this.transcript)));
  }

  certificateMessage(chain: readonly Bytes[], context?: Bytes): Bytes {
    return encodeCertificate(chain, context);
  }

  /** CertificateVerify over the transcript so far, with a PEM key (ECDSA P-256 or RSA-PSS). */
  certificateVerifyMessage(key: string | KeyObject, scheme: number = 0x0403): Bytes {
    const privateKey = typeof key === 'string' ? createPrivateKey(key) : key;
    const content = concat(
      new Uint8Array(64).fill(0x20),
      ascii('TLS 1.3, client CertificateVerify\0'),
      digest(this.suite, ...this.transcript),
    );
    const signature = scheme === 0x0804
      ? sign('sha256', content, { key: privateKey, padding: 6, saltLength: 32 })
      : sign(scheme === 0x0807 ? null : 'sha256', content, privateKey);
    return message(15, concat([scheme >> 8, scheme & 0xff], vector(2, signature)));
  }

  /** Sends a KeyUpdate under the current key and moves on to the next. */
  async sendKeyUpdate(request: number = 0): Promise<void> {
    await this.sendRecord(Type.handshake, message(24, u8(request)));
    this.updateWriteKey();
  }

  updateWriteKey(): void {
    this.writeKeys.set('application', this.writeKeys.get('application')!.next());
  }

  async sendAlert(level: number, description: number): Promise<void> {
    await this.sendRecord(Type.alert, Uint8Array.of(level, description));
  }

  async sendData(content: Bytes | string, options?: SealOptions): Promise<void> {
    await this.sendRecord(Type.applicationData, typeof content === 'string' ? ascii(content) : content, options);
  }

  // Whole steps of an honest client.

  /** ClientHello, a second one if asked, and the server's flight. Afterwards the handshake key is in use. */
  async toServerFinished(hello?: RawHello): Promise<void> {
    await this.sendHello(hello);
    await this.until(() => this.retry !== undefined || this.serverFinished || this.alert !== undefined);
    if (this.retry !== undefined && this.serverHello === undefined) await this.sendHello(this.secondHello());
    await this.until(() => this.serverFinished || this.alert !== undefined);
    if (!this.serverFinished) throw new Error(`no server Finished; alert ${this.alert}`);
  }

  /** Finished, and what the server says to it at once (tickets). Afterwards the application key is in use. */
  async finish(): Promise<void> {
    await this.sendMessages(this.finishedMessage());
    this.afterFinished();
  }

  /** Derives what follows the client's Finished and moves to the application key. */
  afterFinished(): void {
    const suite = this.suite;
    const hash = digest(suite, ...this.transcript);
    this.resumptionSecret = deriveSecret(suite, this.#mainSecret, 'res master', hash);
    this.epoch = 'application';
  }

  async handshake(hello?: RawHello): Promise<void> {
    await this.toServerFinished(hello);
    await this.finish();
  }

  /** The PSK of a received ticket. */
  pskOf(ticket: RawTicket, ageMilliseconds: number = 0): RawPsk {
    const { suite } = this;
    return {
      identity: ticket.ticket,
      key: expandLabel(suite, this.resumptionSecret!, 'resumption', ticket.nonce, suite.digestLength),
      suite: this.serverHello!.cipherSuite,
      obfuscatedAge: (ageMilliseconds + ticket.ageAdd) % 2 ** 32,
    };
  }

  // Receiving.

  /** Reads until `done` holds or nothing more comes. Returns what `done` says at the end. */
  async until(done: () => boolean): Promise<boolean> {
    while (!done()) {
      const bytes = await this.link.receive();
      if (bytes.length === 0) break;
      this.feed(bytes);
    }
    return done();
  }

  /** Reads until nothing more comes. */
  async drain(): Promise<void> {
    await this.until(() => false);
  }

  /** Takes bytes of the server. Throws when they are not what a server may send. */
  feed(bytes: Bytes): void {
    this.#unparsed = concat(this.#unparsed, bytes);
    while (this.#unparsed.length >= 5) {
      const length = 5 + read(this.#unparsed, 3, 2);
      if (this.#unparsed.length < length) return;
      const record = this.#unparsed.subarray(0, length);
      this.#unparsed = this.#unparsed.subarray(length);
      this.#record(record);
    }
  }

  #record(record: Bytes): void {
    const outer = record[0]!;
    if (read(record, 1, 2) !== 0x0303) throw new Error('the server sent a record version other than 0x0303');
    if (outer === Type.applicationData) {
      const key = this.readKeys.get(this.#readEpoch);
      if (key === undefined) throw new Error('the server sent a protected record too early');
      const inner = key.open(record);
      let end = inner.length;
      while (end > 0 && inner[end - 1] === 0) end--;
      this.#content(inner[end - 1] ?? 0, inner.subarray(0, Math.max(0, end - 1)));
    } else {
      this.#content(outer, record.subarray(5));
    }
  }

  #content(type: number, content: Bytes): void {
    if (type === Type.handshake) {
      this.#fragments = concat(this.#fragments, content);
      while (this.#fragments.length >= 4) {
        const length = 4 + read(this.#fragments, 1, 3);
        if (this.#fragments.length < length) return;
        const whole = this.#fragments.subarray(0, length);
        this.#fragments = this.#fragments.subarray(length);
        this.#message(whole);
      }
      return;
    }
    this.inbound.push({ epoch: this.#readEpoch, type, content });
    if (type === Type.alert) {
      if (content.length !== 2) throw new Error(`the server sent an alert of ${content.length} bytes`);
      this.alerts.push([content[0]!, content[1]!]);
    }
  }

  #message(whole: Bytes): void {
    const type = whole[0]!;
    const body = whole.subarray(4);
    this.inbound.push({ epoch: this.#readEpoch, type: Type.handshake, content: body, messageType: type });
    if (type === 2) return this.#serverHello(whole, body);
    if (this.#readEpoch === 'application') {
      if (type === 4) this.tickets.push(decodeTicket(body));
      else if (type === 24) this.readKeys.set('application', this.readKeys.get('application')!.next());
      return;
    }
    if (type === 8) this.encryptedExtensions = decodeExtensions(body);
    if (type === 13) this.certificateRequest = body;
    if (type === 20) this.#verifyServerFinished(body);
    this.transcript.push(whole);
    if (type === 20) this.#enterApplication();
  }

  #serverHello(whole: Bytes, body: Bytes): void {
    const hello = decodeServerHello(body);
    if (hello.isRetry) {
      this.retry = hello;
      const first = this.transcript.splice(0);
      this.transcript.push(message(254, digest(SUITES.get(hello.cipherSuite)!, ...first)), whole);
      return;
    }
    this.serverHello = hello;
    this.transcript.push(whole);
    const { suite } = this;
    const none = zeros(suite.digestLength);
    const resumed = hello.extensions.has(41);
    const early = resumed ? this.#earlySecret! : extract(suite, none, none);
    const theirs = hello.extensions.get(51);
    const shared = theirs === undefined ? none : this.keyPair.finish(theirs.subarray(4));
    const handshakeSecret = extract(suite, deriveSecret(suite, early, 'derived', digest(suite)), shared);
    this.#enter('handshake', handshakeSecret, 'c hs traffic', 's hs traffic');
    this.epoch = 'handshake';
    const derived = deriveSecret(suite, handshakeSecret, 'derived', digest(suite));
    this.#mainSecret = extract(suite, derived, none);
  }

  #enter(epoch: Epoch, secret: Bytes, clientLabel: string, serverLabel: string): void {
    const { suite } = this;
    const hash = digest(suite, ...this.transcript);
    this.writeKeys.set(epoch, new TrafficKey(suite, deriveSecret(suite, secret, clientLabel, hash)));
    this.readKeys.set(epoch, new TrafficKey(suite, deriveSecret(suite, secret, serverLabel, hash)));
    this.#readEpoch = epoch;
  }

  #verifyServerFinished(body: Bytes): void {
    const { suite } = this;
    const secret = this.readKeys.get('handshake')!.secret;
    const key = expandLabel(suite, secret, 'finished', zeros(0), suite.digestLength);
    const expected = hmac(suite, key, digest(suite, ...this.transcript));
    if (!Buffer.from(expected).equals(body)) throw new Error("the server's Finished is wrong");
  }

  #enterApplication(): void {
    this.#enter('application', this.#mainSecret, 'c ap traffic', 's ap traffic');
    const hash = digest(this.suite, ...this.transcript);
    this.exporterSecret = deriveSecret(this.suite, this.#mainSecret, 'exp master', hash);
    this.serverFinished = true;
  }
}

/** The binder of `psk` over the transcript up to and including the truncated ClientHello (RFC 9846 §4.3.11.2). */
export function pskBinder(psk: RawPsk, transcript: Bytes): Bytes {
  const suite = SUITES.get(psk.suite)!;
  const early = extract(suite, zeros(suite.digestLength), psk.key);
  const label = psk.external === true ? 'ext binder' : 'res binder';
  const binderKey = deriveSecret(suite, early, label, digest(suite));
  const key = expandLabel(suite, binderKey, 'finished', zeros(0), suite.digestLength);
  return hmac(suite, key, digest(suite, transcript));
}
