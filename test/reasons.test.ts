/** Every Reason of src/error.ts, provoked, with the alert the table names. */
import { EchKeys, makeEchKey } from '../src/ech/keys.ts';
import { EchClient, type EchOptions, OUTER_EXTENSIONS } from './support/ech_client.ts';
import { expect, test } from 'vitest';
import { ClientConnection } from '../src/connection/client.ts';
import type { Connection } from '../src/connection/connection.ts';
import { ALERT_OF_REASON, type Reason } from '../src/error.ts';
import type { ServerConfig } from '../src/handshake/config.ts';
import { Alert } from '../src/registry/alert.ts';
import { CLIENT, Clock, join, startServer, TestAntiReplay, TestTickets } from './support/hostile_server.ts';
import { meddling } from './support/meddle.ts';
import { NOW, Pair, provider, seededRandom } from './support/pair.ts';
import { RawClient, type RawClientOptions, Type } from './support/raw_client.ts';
import {
  type Bytes,
  concat,
  encodeHello,
  encodeServerHello,
  extension,
  message,
  plainRecord,
  type RawHello,
  type RawServerHelloFields,
  RETRY_RANDOM,
  u16,
  u8,
  vector,
  withExtensions,
  withoutExtensions,
} from './support/raw_wire.ts';

/** How it ended: the reason, and the alert that was sent. */
interface End {
  readonly reason: Reason | undefined;
  readonly alert: string | null;
}

function alertName(description: number | undefined): string | null {
  return Object.entries(Alert).find(([, code]) => code === description)?.[0] ?? null;
}

/** A server, and what a client does to it. */
async function server(
  act: (client: RawClient, connection: Connection) => unknown,
  config: Partial<ServerConfig> = {},
  options: RawClientOptions = {},
): Promise<End> {
  const joined = join(config, options);
  await act(joined.client, joined.server.connection as Connection);
  await joined.client.drain();
  const alerts = joined.client.alerts.filter(([, description]) => description !== Alert.close_notify);
  return { reason: joined.server.reason, alert: alertName(alerts.at(-1)?.[1]) };
}

const hello = (alter: (hello: RawHello) => RawHello) => (client: RawClient) =>
  client.sendHello(alter(client.usualHello()));
const established = (act: (client: RawClient, connection: Connection) => unknown, config: Partial<ServerConfig> = {}) =>
  server(async (client, connection) => {
    await client.handshake();
    await client.drain();
    await act(client, connection);
  }, config);
/** To the second ClientHello of a handshake with HelloRetryRequest. */
const second = (alter: (hello: RawHello) => RawHello) =>
  server(async (client) => {
    await client.sendHello(withExtensions(client.usualHello(), extension.keyShare([])));
    await client.until(() => client.retry !== undefined);
    await client.sendHello(alter(client.secondHello()));
  });

/** A server with a key for Encrypted Client Hello, and an outer ClientHello around one made so. */
async function encryptedHello(ech: EchOptions, alter: (hello: RawHello) => RawHello = (hello) => hello) {
  const key = makeEchKey(provider, seededRandom('ech'), 'public.test');
  const { server, client } = join({ encryptedClientHello: new EchKeys(provider, [key]) });
  const maker = new EchClient(key.config, ech);
  const usual = client.usualHello();
  const hellos = maker.hellos(alter(usual), usual);
  client.hello = alter(usual);
  client.transcript.push(hellos.inner);
  await client.send(plainRecord(Type.handshake, hellos.outer));
  return { server, client, maker };
}

async function encrypted(ech: EchOptions, alter?: (hello: RawHello) => RawHello): Promise<End> {
  const { server, client } = await encryptedHello(ech, alter);
  await client.drain();
  return { reason: server.reason, alert: alertName(client.alert) };
}

/** A server that requires a client certificate, and what comes in place of it. */
const authenticating = (act: (client: RawClient) => unknown, config: Partial<ServerConfig> = {}) =>
  server(async (client) => {
    await client.toServerFinished();
    await act(client);
  }, { clientAuthentication: { mode: 'require' }, ...config });

/** The verdict of whoever verifies the client's certificate (9846-4.5.1.2-12). */
async function verdict(reason: Reason): Promise<End> {
  const effect = ({ type }: { type: string }) => type === 'verify_peer' ? reason : undefined;
  const joined = join({ clientAuthentication: { mode: 'require' } }, {}, { effect });
  const { client } = joined;
  await client.toServerFinished();
  await client.sendMessages(client.certificateMessage([CLIENT.certificate]));
  await client.sendMessages(client.certificateVerifyMessage(CLIENT.privateKey));
  await client.drain();
  return { reason: joined.server.reason, alert: alertName(client.alert) };
}

/** Two hellos' worth of a server made by hand, for our client. */
function clientRole(...answers: ((sessionId: Bytes) => RawServerHelloFields)[]): End {
  const connection = new ClientConnection({
    crypto: provider,
    random: seededRandom('reasons'),
    now: () => NOW,
    serverName: 'server.test',
    groups: [0x1d, 0x17],
  });
  const sessionId = concat(...connection.takeOutput()).subarray(5 + 4 + 2 + 32 + 1).subarray(0, 32).slice();
  for (const answer of answers) {
    connection.takeOutput();
    connection.receive(plainRecord(Type.handshake, encodeServerHello(answer(sessionId))));
  }
  const output = concat(...connection.takeOutput());
  const alert = output.length >= 7 && output[output.length - 7] === Type.alert ? output[output.length - 1] : undefined;
  return { reason: connection.error?.reason, alert: alertName(alert) };
}

const versions = extension.raw(43, u16(0x0304));
const retry = (group: number) => (legacySessionIdEcho: Bytes): RawServerHelloFields => ({
  legacySessionIdEcho,
  random: Uint8Array.from(Buffer.from(RETRY_RANDOM, 'hex')),
  extensions: [versions, extension.raw(51, u16(group))],
});

/** Our client and our server, with one message of the server's flight replaced. */
function meddled(type: number, replacement: Bytes): End {
  const crypto = meddling(provider, ({ contentType, content }) => {
    if (contentType !== Type.handshake) return { contentType, content };
    const parts: Bytes[] = [];
    for (let at = 0; at + 4 <= content.length;) {
      const end = at + 4 + (content[at + 2]! << 8) + content[at + 3]!;
      parts.push(content[at] === type ? replacement : content.subarray(at, end));
      at = end;
    }
    return { contentType, content: concat(...parts) };
  });
  const pair = new Pair({ crypto, clientCrypto: provider }).run();
  // The client's alert reached the server.
  const told = pair.serverEvents.find((event) => event.type === 'failed')?.error;
  return { reason: pair.client.error?.reason, alert: told?.reason === 'peer_alert' ? told.alert : null };
}

async function replayed(act: (client: RawClient) => unknown, maxSize: number): Promise<End> {
  const clock = new Clock();
  const config = { tickets: { store: new TestTickets() }, earlyData: { maxSize, antiReplay: new TestAntiReplay() } };
  const first = new RawClient(startServer(config, { clock }));
  await first.handshake();
  await first.drain();
  const joined = join(config, {}, { clock });
  joined.client.psk = first.pskOf(first.tickets[0]!);
  await act(joined.client);
  await joined.client.drain();
  return { reason: joined.server.reason, alert: alertName(joined.client.alert) };
}

const ccs = plainRecord(Type.changeCipherSpec, u8(1));
const tight = (recordLimit: number): ServerConfig['crypto'] => ({
  ...provider,
  aeads: new Map([...provider.aeads].map(([code, aead]) => [code, { ...aead, recordLimit }])),
});

const PROVOKED: Record<Reason, () => Promise<End> | End> = {
  decode_error: () => server((client) => client.sendMessages(message(1, new Uint8Array(10)))),
  message_too_long: () => authenticating((client) => client.sendMessages(message(11, new Uint8Array(), 0xffffff))),
  client_hello_too_long: () => server((client) => client.sendMessages(message(1, new Uint8Array(), 0xffffff))),
  too_many_extensions: () =>
    server(hello((usual) => ({
      ...usual,
      extensions: [...usual.extensions, ...Array.from({ length: 70 }, (_, i) => extension.raw(0x1000 + i))],
    }))),
  duplicate_extension: () =>
    server(hello((usual) => ({ ...usual, extensions: [...usual.extensions, usual.extensions[0]!] }))),

  not_tls: () => server((client) => client.send(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'))),
  sslv2_hello: () => server((client) => client.send(Uint8Array.of(0x80, 0x2e, 1, 0, 2))),
  unexpected_record_type: () => established((client) => client.send(plainRecord(24, u8(1)))),
  record_overflow: () => server((client) => client.send(Uint8Array.of(22, 3, 1, 0x40, 1))),
  bad_record_mac: () => established((client) => client.send(plainRecord(Type.applicationData, new Uint8Array(40)))),
  bad_change_cipher_spec: () => server((client) => client.send(ccs)),
  too_many_change_cipher_specs: () =>
    server(async (client) => {
      await client.toServerFinished();
      await client.send(ccs, ccs, ccs, ccs, ccs);
    }),
  empty_fragment: () => server((client) => client.send(plainRecord(Type.handshake, new Uint8Array()))),
  too_many_empty_records: () =>
    established(async (client) => {
      for (let i = 0; i < 33; i++) await client.sendData('');
    }),
  no_content_type: () =>
    established((client) => client.send(client.writeKeys.get('application')!.seal(new Uint8Array(8)))),
  interleaved_handshake: () =>
    established(async (client) => {
      await client.sendRecord(Type.handshake, u8(24));
      await client.sendData('x');
    }),
  key_change_not_on_boundary: () =>
    established((client) => client.sendRecord(Type.handshake, concat(message(24, u8(0)), [24]))),
  // With accepted early data the server may send before the handshake ends, when it cannot update its key.
  key_usage_exhausted: async () => {
    const clock = new Clock();
    const config = {
      crypto: tight(4),
      tickets: { store: new TestTickets() },
      earlyData: { maxSize: 1000, antiReplay: new TestAntiReplay() },
    };
    const first = new RawClient(startServer(config, { clock }));
    await first.handshake();
    await first.drain();
    const joined = join(config, {}, { clock });
    const { client } = joined;
    client.psk = first.pskOf(first.tickets[0]!);
    await client.toServerFinished(withExtensions(client.usualHello(), extension.earlyData()));
    for (let i = 0; i < 5; i++) joined.server.connection.send(u8(i));
    await client.drain();
    return { reason: joined.server.reason, alert: alertName(client.alert) };
  },

  unexpected_message: () => server((client) => client.sendMessages(message(20, new Uint8Array(32)))),
  unexpected_application_data: () =>
    server(async (client) => {
      await client.toServerFinished();
      await client.sendData('early');
    }),
  renegotiation: () => established((client) => client.sendMessages(message(1, encodeHello(client.usualHello())))),

  protocol_version: () => server(hello((usual) => withoutExtensions(usual, 43))),
  inappropriate_fallback: () =>
    server(hello((usual) => ({ ...withoutExtensions(usual, 43), cipherSuites: [0xc02b, 0x5600] }))),
  bad_compression_methods: () => server(hello((usual) => ({ ...usual, compressionMethods: [1, 0] }))),
  no_common_cipher_suite: () => server(hello((usual) => ({ ...usual, cipherSuites: [0x1304] }))),
  no_common_group: () =>
    server(hello((usual) => withExtensions(usual, extension.supportedGroups([0x0100]), extension.keyShare([])))),
  no_common_signature_scheme: () =>
    server(hello((usual) => withExtensions(usual, extension.signatureAlgorithms([0x0201])))),
  no_common_psk: async () => {
    const { server, client } = join({ externalPsk: () => undefined }, {}, { host: { chain: [] } });
    await client.sendHello();
    await client.drain();
    return { reason: server.reason, alert: alertName(client.alert) };
  },
  invalid_inner_hello: () => encrypted({ alterInner: (inner) => concat(inner, [1]) }),
  invalid_outer_extensions: () =>
    encrypted({}, (usual) => withExtensions(usual, extension.raw(OUTER_EXTENSIONS, Uint8Array.of(2, 0xab, 0xcd)))),
  inner_hello_not_authentic: async () => {
    const { server, client, maker } = await encryptedHello(
      {},
      (usual) => withExtensions(usual, extension.keyShare([])),
    );
    await client.until(() => client.retry !== undefined);
    const { outer } = maker.hellos(client.secondHello(), client.secondHello());
    await client.send(plainRecord(Type.handshake, outer.map((byte, i) => i === outer.length - 1 ? byte ^ 1 : byte)));
    await client.drain();
    return { reason: server.reason, alert: alertName(client.alert) };
  },
  needless_certificate_types: () =>
    server(hello((usual) => withExtensions(usual, extension.raw(19, Uint8Array.of(1, 0))))),
  no_common_certificate_type: () =>
    server(hello((usual) => withExtensions(usual, extension.raw(20, Uint8Array.of(1, 2))))),
  missing_extension: () => server(hello((usual) => withoutExtensions(usual, 51))),
  forbidden_extension: () => server(hello((usual) => withExtensions(usual, extension.raw(48, u16(0))))),
  unsolicited_extension: () =>
    clientRole((legacySessionIdEcho) => ({
      legacySessionIdEcho,
      extensions: [
        versions,
        extension.raw(0x1a1a),
        extension.raw(51, concat(u16(0x1d), vector(2, new Uint8Array(32)))),
      ],
    })),
  invalid_server_name: () => server(hello((usual) => withExtensions(usual, extension.serverName('a b')))),
  unrecognized_name: async () => {
    const joined = join({}, {}, { host: 'none' });
    await joined.client.sendHello();
    await joined.client.drain();
    return { reason: joined.server.reason, alert: alertName(joined.client.alert) };
  },
  no_application_protocol: () =>
    server((client) => client.sendHello(), { applicationProtocols: ['h2'] }, { applicationProtocols: ['h3'] }),
  invalid_key_share: () =>
    server(hello((usual) => withExtensions(usual, extension.keyShare([{ group: 0x1d, key: new Uint8Array(32) }])))),
  key_share_mismatch: () => server(hello((usual) => withExtensions(usual, extension.supportedGroups([0x17])))),
  duplicate_key_share: () =>
    server((client) =>
      client.sendHello(withExtensions(client.usualHello(), extension.keyShare([client.share(), client.share()])))
    ),
  second_hello_changed: () => second((usual) => ({ ...usual, random: new Uint8Array(32) })),
  invalid_cookie: () => second((usual) => withExtensions(usual, extension.cookie(u8(1)))),
  pre_shared_key_not_last: () =>
    server(hello((usual) => ({
      ...usual,
      extensions: [
        extension.preSharedKey([{ identity: u8(1), obfuscatedAge: 0 }], [new Uint8Array(32)]),
        ...usual.extensions,
      ],
    }))),
  psk_lists_differ: () => {
    const psk = extension.preSharedKey([{ identity: u8(1), obfuscatedAge: 0 }], [
      new Uint8Array(32),
      new Uint8Array(32),
    ]);
    return server(hello((usual) => withExtensions(usual, psk)));
  },
  invalid_binder: () =>
    replayed((client) => {
      client.psk = { ...client.psk!, key: new Uint8Array(32) };
      return client.sendHello();
    }, 0),
  illegal_parameter: () => server(hello((usual) => withExtensions(usual, extension.raw(28, u16(63))))),

  server_chose_unoffered: () =>
    clientRole((legacySessionIdEcho) => ({ legacySessionIdEcho, cipherSuite: 0x1304, extensions: [versions] })),
  second_hello_retry_request: () => clientRole(retry(0x17), retry(0x17)),
  pointless_hello_retry_request: () => clientRole(retry(0x1d)),

  // 9846-4.5.1.3-1
  empty_certificate: () => meddled(11, message(11, Uint8Array.of(0, 0, 0, 0))),
  certificate_required: () => authenticating((client) => client.sendMessages(client.certificateMessage([]))),
  bad_certificate: () => verdict('bad_certificate'),
  unsupported_certificate: () => verdict('unsupported_certificate'),
  certificate_revoked: () => verdict('certificate_revoked'),
  certificate_expired: () => verdict('certificate_expired'),
  certificate_unknown: () => verdict('certificate_unknown'),
  certificate_chain_too_long: () =>
    authenticating((client) =>
      client.sendMessages(client.certificateMessage(Array.from({ length: 11 }, () => CLIENT.certificate)))
    ),
  certificate_decompression: () =>
    authenticating((client) => client.sendMessages(message(25, concat(u16(1), [0xff, 0xff, 0xff], vector(3, u8(1))))), {
      certificateCompression: { algorithms: [1], compress: (_, bytes) => bytes, decompress: () => undefined },
    }),
  unknown_ca: () => verdict('unknown_ca'),
  access_denied: () => verdict('access_denied'),
  bad_certificate_status_response: () => verdict('bad_certificate_status_response'),
  bad_signature_scheme: () =>
    authenticating(async (client) => {
      await client.sendMessages(client.certificateMessage([CLIENT.certificate]));
      await client.sendMessages(message(15, concat(u16(0x0203), vector(2, u8(1)))));
    }),
  bad_signature: () => verdict('bad_signature'),
  // 9846-4.5.3-1
  bad_finished: () =>
    server(async (client) => {
      await client.toServerFinished();
      await client.sendMessages(message(20, new Uint8Array(32)));
    }),

  bad_key_update: () => established((client) => client.sendMessages(message(24, u8(2)))),
  too_many_key_updates: () =>
    established(async (client) => {
      for (let i = 0; i < 17; i++) await client.sendKeyUpdate(0);
    }),
  too_much_early_data: () =>
    replayed(async (client) => {
      await client.sendMessages(client.encodeHello(withExtensions(client.usualHello(), extension.earlyData())));
      await client.sendData(new Uint8Array(101), { epoch: 'early' });
    }, 100),
  too_many_warning_alerts: () =>
    established(async (client) => {
      for (let i = 0; i < 5; i++) await client.sendAlert(1, Alert.user_canceled);
    }),
  bad_alert: () => server((client) => client.send(plainRecord(Type.alert, u8(1)))),

  truncated: () => established((client) => client.link.end()),
  peer_alert: () => server((client) => client.sendAlert(2, Alert.handshake_failure)),
  handshake_timeout: () => server((_, connection) => connection.abort('handshake_timeout')),
  canceled: () => server((_, connection) => connection.close()),
  internal_error: () =>
    server((client) => client.sendHello(), {
      random: () => {
        throw new Error('no randomness');
      },
    }),
};

// 9846-6.2-1, 9846-6.2-2, 9846-6.2-4, 9846-6-7
test.each(Object.keys(ALERT_OF_REASON) as Reason[])('%s', async (reason) => {
  const end = await PROVOKED[reason]();
  expect(end.reason).toBe(reason);
  expect(end.alert).toBe(ALERT_OF_REASON[reason]);
});
