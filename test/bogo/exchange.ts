/** One connection of the shim: the sans-IO engine over a TCP socket to the runner, and what the runner wants to see of it. */
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Connection } from '../../src/connection/connection.ts';
import type { ConnectionEvent } from '../../src/connection/event.ts';
import { type Reason, TlsError } from '../../src/error.ts';
import type { Effect } from '../../src/handshake/effect.ts';
import type { HandshakeInfo } from '../../src/handshake/result.ts';
import { type Certificate, PEER_CERTIFICATE_LIMITS, readCertificate } from '../../src/pki/certificate.ts';
import { CertificateError } from '../../src/pki/der.ts';
import { readRawPublicKey } from '../../src/pki/raw_public_key.ts';
import { CertificateType } from '../../src/registry/certificate_type.ts';
import type { Session } from '../../src/session/session.ts';
import { nodeVerify } from '../support/node_provider.ts';
import { TcpLink } from '../support/raw_link.ts';
import { concat } from '../support/raw_wire.ts';
import { chooseCredential, type LoadedCredential, type PskChoice } from './credentials.ts';
import { ExpectationError, type ShimConfig } from './flags.ts';
import { speaksTls13 } from './hello.ts';

/** What the error map of config.json speaks of. */
export function shimReason({ reason, alert }: TlsError): string {
  return `reason:${reason === 'peer_alert' ? `peer_alert:${alert}` : reason}:`;
}

export interface Received {
  readonly session: Session;
  readonly ticket: Uint8Array;
}

export interface Outcome {
  /** The last ticket received. */
  readonly ticket: Received | undefined;
}

export class Exchange {
  readonly #config: ShimConfig;
  readonly #connection: Connection;
  readonly #link: TcpLink;
  readonly #credentials: readonly LoadedCredential[];
  readonly #psks: PskChoice;
  readonly #isServer: boolean;
  readonly #isResume: boolean;
  #info: HandshakeInfo | undefined;
  #ticket: Received | undefined;
  #ended: boolean = false;
  #earlyAccepted: boolean = false;
  #selected: LoadedCredential | undefined;
  #peerScheme: number | undefined;
  #advertised: readonly string[] = [];
  #peerSchemes: readonly number[] = [];
  #ocspResponse: Uint8Array | undefined;
  /** Application data that waits to be sent back. */
  #received: Uint8Array[] = [];

  constructor(
    config: ShimConfig,
    connection: Connection,
    link: TcpLink,
    credentials: readonly LoadedCredential[],
    psks: PskChoice,
    isResume: boolean,
  ) {
    this.#config = config;
    this.#connection = connection;
    this.#link = link;
    this.#credentials = credentials;
    this.#psks = psks;
    this.#isServer = config.switches.has('server');
    this.#isResume = isResume;
  }

  async run(): Promise<Outcome> {
    try {
      await this.#exchange();
      return { ticket: this.#ticket };
    } finally {
      this.#flush();
      // Half-close and drain, so that the peer reads our last words.
      this.#link.end();
      while ((await this.#link.receive()).length > 0);
      this.#link.close();
    }
  }

  async #exchange(): Promise<void> {
    const { switches, strings, numbers } = this.#config;
    await this.#settle();
    // A server that accepts early data goes on before the client's Finished.
    while (this.#info === undefined && !(this.#isServer && this.#earlyAccepted)) await this.#pump();
    if (this.#info !== undefined) this.#check(this.#info);

    this.#exportKeyingMaterial();
    if (switches.has('shim-writes-first')) {
      for (let i = 0; i < numbers.get('repeat-shim-initial-write')!; i++) {
        this.#send(new TextEncoder().encode(strings.get('shim-initial-write')));
      }
    }
    if (switches.has('shim-shuts-down')) return await this.#shutDown();
    while (!this.#ended) {
      if (switches.has('key-update-before-read') && this.#info !== undefined) this.#connection.updateKeys(false);
      this.#echo();
      if (this.#ended) break;
      await this.#pump(true);
    }
    this.#checkEnd();
    this.#connection.close();
    this.#flush();
  }

  /** Sends close_notify and, if asked, waits for the peer's. */
  async #shutDown(): Promise<void> {
    this.#connection.close();
    this.#flush();
    if (!this.#config.switches.has('check-close-notify')) return;
    while (!this.#ended) {
      try {
        await this.#pump(true);
      } catch (error) {
        if (!(error instanceof TlsError)) throw error;
        throw new ExpectationError(`Unexpected SSL_shutdown result: -1 != 1\n${shimReason(error)}`);
      }
    }
    if (this.#truncated) throw new ExpectationError('Unexpected SSL_shutdown result: -1 != 1');
  }

  #truncated: boolean = false;
  #first: Uint8Array = new Uint8Array();
  #peerSpeaksTls13: boolean | undefined;

  get peerSpeaksTls13(): boolean | undefined {
    return this.#peerSpeaksTls13;
  }

  /** Reads once. With `endAllowed` the end of the stream without close_notify is an end too, as in BoringSSL's shim. */
  async #pump(endAllowed: boolean = false): Promise<void> {
    const bytes = await this.#link.receive();
    if (bytes.length > 0) {
      if (this.#peerSpeaksTls13 === undefined && this.#first.length < 100_000) {
        this.#first = concat(this.#first, bytes);
        this.#peerSpeaksTls13 = speaksTls13(this.#first);
      }
      this.#connection.receive(bytes);
      return await this.#settle();
    }
    if (endAllowed && this.#info !== undefined) {
      this.#ended = true;
      this.#truncated = true;
      if (this.#config.switches.has('check-close-notify')) {
        throw new ExpectationError('Unexpected SSL_shutdown result: -1 != 1');
      }
      return;
    }
    this.#connection.receiveEnd();
    await this.#settle();
  }

  /** Runs effects, takes events, sends output. Throws when the connection has failed. */
  async #settle(): Promise<void> {
    let failure: TlsError | undefined;
    for (;;) {
      for (const event of this.#connection.takeEvents()) failure = this.#take(event) ?? failure;
      const effect = this.#connection.pending;
      if (effect === undefined) break;
      let value: unknown;
      try {
        value = await this.#perform(effect);
      } catch (error) {
        this.#connection.reject(error);
        continue;
      }
      this.#connection.resolve(value);
    }
    this.#flush();
    if (failure !== undefined) throw failure;
  }

  #take(event: ConnectionEvent): TlsError | undefined {
    switch (event.type) {
      case 'handshake':
        this.#info = event.info;
        // It was running ahead of the client's Finished: what was put off is checked now.
        if (this.#isServer && this.#earlyAccepted) this.#check(event.info);
        break;
      case 'data':
        this.#received.push(event.bytes.slice());
        break;
      case 'end':
        this.#ended = true;
        break;
      case 'ticket':
        this.#ticket = event;
        break;
      case 'failed':
        return event.error;
    }
    return undefined;
  }

  #flush(): void {
    for (const chunk of this.#connection.takeOutput()) this.#link.send(chunk.slice());
  }

  #send(bytes: Uint8Array): void {
    if (this.#connection.writeClosed) return;
    this.#connection.send(bytes);
    this.#flush();
  }

  #echo(): void {
    for (const bytes of this.#received.splice(0)) {
      if (this.#config.switches.has('key-update') && this.#info !== undefined) this.#connection.updateKeys(false);
      this.#send(bytes.map((byte) => byte ^ 0xff));
    }
  }

  async #perform(effect: Effect): Promise<unknown> {
    switch (effect.type) {
      case 'select_credentials': {
        const { clientHello } = effect;
        this.#advertised = clientHello.applicationProtocols;
        this.#peerSchemes = clientHello.signatureSchemes;
        this.#refuse();
        if (this.#isServer && this.#config.switches.has('fail-ocsp-callback')) throw new Error('the callback fails');
        if (this.#config.switches.has('fail-cert-callback')) throw new Error('the callback fails, as it is told to');
        this.#selected = chooseCredential(this.#credentials, clientHello);
        this.#psks.preferTo(this.#selected);
        return this.#selected?.host;
      }
      case 'sign':
        return await effect.signer.sign(effect.scheme, effect.content);
      case 'verify_peer':
        this.#peerScheme = effect.scheme;
        this.#ocspResponse = effect.ocspResponse;
        return this.#verify(effect);
      case 'open_ticket':
        return await effect.store.open(effect.ticket, effect.now);
      case 'seal_ticket':
        return await effect.store.seal(effect.session, effect.now);
      case 'accept_early_data':
        return this.#earlyAccepted = await effect.antiReplay.accept(effect.binder, effect.now);
    }
  }

  /** The callbacks by which an application refuses a ClientHello, each with the alert BoringSSL has for it. */
  #refuse(): void {
    const { switches } = this.#config;
    const text = 'the application refuses the client, as it is told to';
    if (switches.has('fail-early-callback')) throw new TlsError('access_denied', text, 'handshake_failure');
    if (switches.has('fail-ddos-callback')) throw new TlsError('access_denied', text, 'internal_error');
  }

  /** The peer's key must be what its certificate says; the chain itself is not judged, as the runner expects it. */
  #verify(effect: Extract<Effect, { type: 'verify_peer' }>): true | Reason {
    if (effect.certificateType === CertificateType.RawPublicKey) return this.#verifyRawPublicKey(effect);
    let leaf: Certificate;
    try {
      leaf = readCertificate(effect.chain[0]!, PEER_CERTIFICATE_LIMITS);
    } catch (error) {
      return error instanceof CertificateError ? error.reason : 'bad_certificate';
    }
    const { publicKey } = leaf;
    if (publicKey instanceof CertificateError) return publicKey.reason;
    if (!publicKey.schemes.includes(effect.scheme)) return 'bad_signature_scheme';
    if (!leaf.allowsUsage(0)) return 'unsupported_certificate';
    const key = new X509Certificate(effect.chain[0]!).publicKey;
    if (!nodeVerify(key, effect.scheme, effect.content, effect.signature)) return 'bad_signature';
    return this.#judge();
  }

  /** By its digest, where the runner gives one. */
  #verifyRawPublicKey(effect: Extract<Effect, { type: 'verify_peer' }>): true | Reason {
    const [spki] = effect.chain as [Uint8Array];
    let schemes: readonly number[];
    try {
      ({ schemes } = readRawPublicKey(spki));
    } catch (error) {
      return error instanceof CertificateError ? error.reason : 'bad_certificate';
    }
    if (!schemes.includes(effect.scheme)) return 'bad_signature_scheme';
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    if (!nodeVerify(key, effect.scheme, effect.content, effect.signature)) return 'bad_signature';
    const digest = createHash('sha256').update(spki).digest('base64');
    const expected = this.#config.strings.get('expect-peer-rpk-sha256');
    return expected === undefined || expected === digest ? this.#judge() : 'certificate_unknown';
  }

  /** As the flags say, once the proof is good. */
  #judge(): true | Reason {
    if (!this.#config.switches.has('verify-fail')) return true;
    // BoringSSL's own chain verification has another alert than its callback.
    if (this.#config.switches.has('use-custom-verify-callback')) return 'certificate_unknown';
    throw new TlsError('certificate_unknown', 'as it is told to', 'handshake_failure');
  }

  #exportKeyingMaterial(): void {
    const { numbers, strings, switches } = this.#config;
    const length = numbers.get('export-keying-material');
    if (length === undefined || length === 0) return;
    // In TLS 1.3 an absent context is an empty one.
    const context = switches.has('use-export-context') ? strings.get('export-context') ?? '' : '';
    const bytes = new TextEncoder().encode(context);
    this.#send(this.#connection.exportKeyingMaterial(strings.get('export-label') ?? '', bytes, length));
  }

  // What the runner expects of a finished handshake.

  #check(info: HandshakeInfo): void {
    const { switches, numbers, strings, lists } = this.#config;
    const equal = (what: string, actual: unknown, expected: unknown) => {
      if (expected !== undefined && actual !== expected) {
        throw new ExpectationError(`${what} is ${String(actual)}, wanted ${String(expected)}`);
      }
    };
    equal('the version', 0x0304, numbers.get('expect-version'));
    equal('the curve', info.group, numbers.get('expect-curve-id'));
    equal('the cipher suite', info.cipherSuite, numbers.get('expect-cipher') ?? numbers.get('expect-cipher-no-aes'));
    if (!info.resumed) {
      const scheme = this.#peerScheme ?? (this.#isServer ? undefined : info.signatureScheme);
      equal('the peer scheme', scheme, numbers.get('expect-peer-signature-algorithm'));
    }
    equal('HelloRetryRequest', info.helloRetryRequest, switches.has('expect-hrr') ? true : undefined);
    equal('HelloRetryRequest', info.helloRetryRequest, switches.has('expect-no-hrr') ? false : undefined);
    equal('early data', info.earlyData, switches.has('expect-accept-early-data') ? true : undefined);
    equal('early data', info.earlyData, switches.has('expect-reject-early-data') ? false : undefined);
    equal('the type of certificate', info.peerCertificateType, numbers.get('expect-peer-certificate-type'));
    equal('ECH', info.encryptedClientHello, switches.has('expect-ech-accept') ? 'accepted' : undefined);
    if (this.#isResume) equal('resumption', info.resumed, !switches.has('expect-session-miss'));
    if (this.#isServer) {
      equal('the server name', info.serverName, strings.get('expect-server-name'));
      if (switches.has('expect-no-server-name')) equal('the server name', info.serverName === undefined, true);
      const advertised = this.#advertised.map((name) => String.fromCharCode(name.length) + name).join('');
      equal('the advertised ALPN', advertised, strings.get('expect-advertised-alpn'));
      if (!info.resumed || info.pskIdentity !== undefined) {
        const used = this.#psks.credentialOf(info.pskIdentity) ?? this.#selected;
        equal('the credential', used?.index ?? -1, numbers.get('expect-selected-credential'));
      }
      const schemes = lists.get('expect-peer-verify-pref');
      if (schemes !== undefined) equal('the schemes', this.#peerSchemes.join(), schemes.join());
      if (this.#isResume) {
        equal('the skew', Math.round((info.ticketAgeSkew ?? 0) / 1000), numbers.get('expect-ticket-age-skew'));
      }
    } else {
      const response = info.resumed ? undefined : strings.get('expect-ocsp-response');
      if (response !== undefined) {
        equal('the OCSP response', Buffer.from(this.#ocspResponse ?? []).toString('base64'), response);
      }
    }
    const protocol = strings.get('expect-alpn');
    if (protocol !== undefined) equal('ALPN', info.applicationProtocol ?? '', protocol);
    this.#checkPeerCertificate(info);
  }

  #checkPeerCertificate(info: HandshakeInfo): void {
    const { switches, strings } = this.#config;
    if (switches.has('expect-no-peer-cert') && info.peerCertificates.length > 0) {
      throw new ExpectationError('the peer has a certificate');
    }
    const file = strings.get('expect-peer-cert-file');
    if (file === undefined) return;
    const expected = new X509Certificate(readFileSync(file)).raw;
    if (!expected.equals(info.peerCertificates[0] ?? new Uint8Array())) {
      throw new ExpectationError('the peer has another certificate');
    }
  }

  #checkEnd(): void {
    if (this.#isServer) return;
    const { switches } = this.#config;
    const expectsTicket = !switches.has('expect-no-session');
    if ((this.#ticket !== undefined) !== expectsTicket) {
      throw new ExpectationError(`a ticket was${expectsTicket ? ' not' : ''} received`);
    }
    if (this.#ticket === undefined) return;
    const early = this.#ticket.session.maxEarlyDataSize > 0;
    if (early !== switches.has('expect-ticket-supports-early-data')) {
      throw new ExpectationError(`the ticket is${early ? '' : ' not'} for early data`);
    }
  }
}
