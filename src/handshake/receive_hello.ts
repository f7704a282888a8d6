import { openHello, openSecondHello } from '../ech/client_facing.ts';
import { CONFIRMATION_LENGTH, confirmInRetryRequest } from '../ech/confirmation.ts';
import { type ClientHello, decodeClientHello } from '../message/client_hello.ts';
import type { HandshakeMessage } from '../message/handshake.ts';
import { encodeHelloRetryRequest } from '../message/server_hello.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { Transcript } from '../schedule/transcript.ts';
import { DEFAULT_LIMITS, type ServerConfig } from './config.ts';
import { type Flow, type HandshakeIo, receive, type Secrets, type Suite } from './flow.ts';
import * as negotiate from './negotiate.ts';
import type { HandshakeInfo } from './result.ts';

export interface ReceivedHello extends negotiate.GroupChoice {
  readonly message: HandshakeMessage;
  readonly hello: ClientHello;
  readonly suite: Suite;
  readonly clientShare: Uint8Array;
  /** Without the ClientHello to be answered: a PSK binder needs it in two parts. */
  readonly transcript: Transcript;
  readonly retried: boolean;
  /** Of an accepted one `message` and `hello` are what was inside. */
  readonly ech: HandshakeInfo['encryptedClientHello'];
}

/** The ClientHello that can be answered, after a HelloRetryRequest where the first has no usable share (§4.2.4). */
export function* receiveHello(config: ServerConfig, io: HandshakeIo, secrets: Secrets): Flow<ReceivedHello> {
  const limits = {
    clientHelloLength: config.limits?.clientHelloLength ?? DEFAULT_LIMITS.clientHelloLength,
    extensions: config.limits?.extensions ?? DEFAULT_LIMITS.extensions,
  };
  const received = yield* receive(HandshakeType.client_hello);
  const opened = openHello(
    config.encryptedClientHello,
    received,
    decodeClientHello(received.body, limits.extensions),
    limits,
  );
  const { message, hello, ech, accepted } = opened;
  try {
    negotiate.checkClientHello(hello);
    // 9846-5-1
    io.setChangeCipherSpec('drop');
    const suite = negotiate.chooseCipherSuite(hello, config);
    const choice = negotiate.chooseGroup(hello, config);
    const transcript = secrets.keep(new Transcript(suite.hash));
    if (choice.share !== undefined) {
      return { ...choice, message, hello, suite, clientShare: choice.share, transcript, retried: false, ech };
    }

    io.expectBoundary();
    transcript.add(message.bytes);
    transcript.replaceByMessageHash();
    const { group } = choice.keyExchange;
    // 9846-4.2.1-3, 9846-4.2.4-3
    const retryRequest = encodeHelloRetryRequest({
      legacySessionIdEcho: hello.legacySessionId,
      cipherSuite: suite.cipherSuite,
      selectedGroup: group,
      // Random where ECH is rejected, so that nobody else can tell (RFC 9849 §7.1).
      echConfirmation: ech && config.random(CONFIRMATION_LENGTH),
    }, io.flight);
    if (ech === 'accepted') confirmInRetryRequest(suite.hash, hello.random, transcript, retryRequest);
    transcript.add(retryRequest);
    if (hello.legacySessionId.length > 0) io.sendChangeCipherSpec();
    if (hello.extensions.earlyData) io.skipEarlyData(skippedLength(config));
    const receivedNext = yield* receive(HandshakeType.client_hello);
    const outerNext = decodeClientHello(receivedNext.body, limits.extensions);
    const second = openSecondHello(opened, receivedNext, outerNext, limits);
    negotiate.checkClientHello(second.hello);
    const clientShare = negotiate.checkSecondHello(hello, second.hello, group);
    io.skipEarlyData(0);
    // 9846-4.2.4-9
    return { ...choice, ...second, suite, clientShare, transcript, retried: true, ech };
  } finally {
    accepted?.context.wipe();
  }
}

/** Bytes of rejected early data to skip (§4.3.10): what this server would accept, and some where it accepts none. */
export function skippedLength({ earlyData, limits }: ServerConfig): number {
  return Math.max(earlyData?.maxSize ?? 0, limits?.skippedEarlyData ?? DEFAULT_LIMITS.skippedEarlyData);
}
