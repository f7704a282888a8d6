/** ClientHellos that are odd, old or wrong: what is ignored, and what is refused with which alert (RFC 9846 §4.2, §4.3, §9, §E). */
import { describe, expect, test } from 'vitest';
import type { ServerConfig } from '../../src/handshake/config.ts';
import { Alert, type AlertName } from '../../src/registry/alert.ts';
import { join } from '../support/hostile_server.ts';
import { type RawClient, Type } from '../support/raw_client.ts';
import { wasmProvider } from '../support/wasm.ts';
import {
  concat,
  extension,
  message,
  plainRecord,
  type RawHello,
  u16,
  u8,
  vector,
  withExtensions,
  withoutExtensions,
} from '../support/raw_wire.ts';

type Alter = (usual: RawHello, client: RawClient) => RawHello;

async function refuse(alter: Alter, alert: AlertName, config: Partial<ServerConfig> = {}): Promise<void> {
  const { server, client } = join(config);
  await client.sendHello(alter(client.usualHello(), client));
  await client.drain();
  expect(client.alerts).toEqual([[2, Alert[alert]]]);
  expect(server.error?.alert).toBe(alert);
  expect(client.serverHello).toBeUndefined();
}

async function accept(alter: Alter, config: Partial<ServerConfig> = {}) {
  const joined = join(config);
  await joined.client.handshake(alter(joined.client.usualHello(), joined.client));
  await joined.client.drain();
  expect(joined.server.error).toBeUndefined();
  return joined;
}

const GREASE = 0x7a7a;

describe('what is ignored', () => {
  test('GREASE and other unknown values everywhere', async () => {
    // 9846-4.2.2-12, 9846-4.2.2-17, 9846-4.3.1-5, 9846-9.3-3, 9846-9.3-5
    const { server } = await accept((usual, client) => ({
      ...withExtensions(
        usual,
        extension.supportedGroups([GREASE, 0x1d, 0x0102]),
        extension.signatureAlgorithms([GREASE, 0x0403]),
        extension.supportedVersions([GREASE, 0x0304, 0x7f1c]),
        extension.pskKeyExchangeModes([0x0b, 1, 0xfe]),
        extension.keyShare([{ group: GREASE, key: u8(0) }, client.share()]),
        extension.applicationProtocols(['\x7a\x7a', 'h2']),
        extension.signatureAlgorithmsCert([GREASE]),
        extension.raw(27, vector(1, u16(GREASE))),
      ),
      cipherSuites: [GREASE, 0x00ff, 0xc02b, 0x1303],
    }), { applicationProtocols: ['h2'] });
    expect(server.info?.applicationProtocol).toBe('h2');
  });

  test('unknown extensions, in any place', async () => {
    const { server } = await accept((usual) => ({
      ...usual,
      extensions: [
        extension.raw(GREASE),
        ...usual.extensions.toReversed(),
        extension.raw(0xfe0d, new Uint8Array(40)),
        extension.raw(0xffff, u8(7)),
      ],
    }));
    expect(server.info).toBeDefined();
  });

  test('status_request_v2 and truncated_hmac: neither acted on nor answered', async () => {
    // 9846-4.5.1.1-2, 9846-4.5.1.1-3, 9846-4.3-5
    const { client } = await accept((usual) =>
      withExtensions(usual, extension.raw(17, Uint8Array.of(0, 7, 2, 0, 4, 0, 0, 0, 0)), extension.raw(4))
    );
    expect([...client.encryptedExtensions!.keys()]).toEqual([0]);
  });

  test('the record version, that of the first record as well', async () => {
    // 9846-5.1-14, 9846-E-1, 9846-E.2-4
    for (const version of [0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x03ff, 0x0000, 0x0200, 0xfefd, 0xffff]) {
      const { server, client } = join();
      const hello = client.encodeHello(client.usualHello());
      client.transcript.push(hello);
      await client.send(plainRecord(Type.handshake, hello, version));
      await client.until(() => client.serverFinished);
      client.transcript.push(client.finishedMessage());
      await client.sendRecord(Type.handshake, client.transcript.at(-1)!, { version });
      client.afterFinished();
      await client.drain();
      expect(server.info).toBeDefined();
    }
  });

  test('a key share that was used before', async () => {
    // 9846-4.3.8-10, 9846-4.3.8-11
    const first = await accept((usual) => usual);
    const second = join();
    const share = extension.keyShare([first.client.share()]);
    await second.client.sendHello(withExtensions(second.client.usualHello(), share));
    const output = await second.server.receive();
    expect(second.server.error).toBeUndefined();
    expect(output.length).toBeGreaterThan(0);
  });

  test('a supported_versions with older versions beside 0x0304', async () => {
    // 9846-4.3.1-4, 9846-E.2-1
    const { client } = await accept((usual) => withExtensions(usual, extension.supportedVersions([0x0303, 0x0304])));
    expect([...client.serverHello!.extensions.get(43)!]).toEqual([3, 4]);
  });
});

test('early_data without pre_shared_key is rejected early data, and skipped', async () => {
  // 9846-4.3.10-1, 9846-4.3.10-5
  const { server, client } = join();
  await client.sendHello(withExtensions(client.usualHello(), extension.earlyData()));
  for (let i = 0; i < 3; i++) await client.send(plainRecord(Type.applicationData, new Uint8Array(100)));
  await client.until(() => client.serverFinished);
  await client.finish();
  await client.drain();
  expect(server.info?.earlyData).toBe(false);
});

test("QUIC's transport parameters are refused on TCP", async () => {
  // RFC 9001 §8.2
  const { server, client } = join();
  await client.sendHello(withExtensions(client.usualHello(), extension.raw(57)));
  await client.drain();
  expect([server.reason, client.alert]).toEqual(['unsolicited_extension', 110]);
});

describe('versions', () => {
  test('a legacy_version other than 0x0303', async () => {
    // 9846-4.2.2-7, 9846-E.5-9
    for (const legacyVersion of [0x0300, 0x0301, 0x0302, 0x0304, 0x0000, 0xffff]) {
      await refuse((usual) => ({ ...usual, legacyVersion }), 'protocol_version');
    }
  });

  test('no supported_versions, or none of them 0x0304', async () => {
    // 9846-4.3.1-5, 9846-4.3.1-7, 9846-E.2-3, 9846-E.5-4
    await refuse((usual) => withoutExtensions(usual, 43), 'protocol_version');
    for (const versions of [[0x0303], [0x0300, 0x0301, 0x0302, 0x0303], [0x0002], [0x0305], [GREASE]]) {
      await refuse((usual) => withExtensions(usual, extension.supportedVersions(versions)), 'protocol_version');
    }
    for (const legacyVersion of [0x0300, 0x0301, 0x0302, 0x0303]) {
      await refuse((usual) => ({ ...usual, legacyVersion, extensions: [] }), 'protocol_version');
    }
  });

  test('an SSL 2.0 CLIENT-HELLO is closed without an answer', async () => {
    // 9846-E.5-6
    const { server, client } = join();
    const body = concat(u8(1), u16(0x0304), u16(3), u16(0), u16(16), [0, 0, 0x2f], new Uint8Array(16));
    await client.send(u16(0x8000 | body.length), body);
    await client.drain();
    expect(server.reason).toBe('sslv2_hello');
    expect(client.inbound).toEqual([]);
  });
});

describe('nothing in common', () => {
  test('cipher suites', async () => {
    // 9846-2.1-1, 9846-4.2.1-4
    for (const cipherSuites of [[0x1304], [0x1305, 0xc02f], [0x0005], [GREASE]]) {
      await refuse((usual) => ({ ...usual, cipherSuites }), 'handshake_failure');
    }
    await refuse((usual) => ({ ...usual, cipherSuites: [0x1301] }), 'handshake_failure', { cipherSuites: [0x1303] });
  });

  test('groups, obsolete ones among them', async () => {
    // 9846-4.2.1-1, 9846-B.3.1.4-1
    for (const groups of [[0x0100], [0x0001, 0x0016, 0x001a, 0xfe00, 0xff01, 0xff02], [GREASE]]) {
      const offer = [extension.supportedGroups(groups), extension.keyShare([])];
      await refuse((usual) => withExtensions(usual, ...offer), 'handshake_failure');
    }
  });

  test('signature schemes: only those for certificates, or with broken hashes', async () => {
    // 9846-4.3.3-20, 9846-4.3.3-21, 9846-4.5.2-4, 9846-4.5.2-6, 9846-4.5.2-7
    for (const schemes of [[0x0401], [0x0201, 0x0203], [0x0101, 0x0301, 0x0402], [0x0804], [GREASE]]) {
      await refuse((usual) => withExtensions(usual, extension.signatureAlgorithms(schemes)), 'handshake_failure');
    }
  });
});

describe('what is missing', () => {
  test('an extension that this handshake needs', async () => {
    // 9846-4.3.3-3, 9846-9.2-1, 9846-9.2-4, 9846-9.2-5, 9846-9.2-6, 9846-9.2-12
    for (const type of [13, 10, 51]) {
      await refuse((usual) => withoutExtensions(usual, type), 'missing_extension');
    }
    await refuse((usual) => withoutExtensions(usual, 10, 51), 'missing_extension');
  });

  test('psk_key_exchange_modes beside pre_shared_key, and signature_algorithms when no PSK serves', async () => {
    // 9846-4.3.3-3, 9846-4.3.9-3, 9846-9.2-8
    const psk = extension.preSharedKey([{ identity: u8(1), obfuscatedAge: 0 }], [new Uint8Array(32)]);
    await refuse((usual) => withExtensions(withoutExtensions(usual, 45), psk), 'missing_extension');
    await refuse((usual) => withExtensions(withoutExtensions(usual, 13), psk), 'missing_extension');
  });

  test('server_name, where it is required', async () => {
    // 9846-9.2-13, 9846-9.2-15
    await refuse((usual) => withoutExtensions(usual, 0), 'missing_extension', { requireServerName: true });
    const { server } = await accept((usual) => usual, { requireServerName: true });
    expect(server.info?.serverName).toBe('server.test');
  });
});

describe('what is malformed', () => {
  test('legacy_compression_methods', async () => {
    // 9846-4.2.2-15
    for (const compressionMethods of [[1], [0, 1], [0, 0]]) {
      await refuse((usual) => ({ ...usual, compressionMethods }), 'illegal_parameter');
    }
    await refuse((usual) => ({ ...usual, compressionMethods: [] }), 'decode_error');
  });

  test('an extension twice', async () => {
    // 9846-4.3-9
    for (
      const twice of [extension.supportedVersions([0x0304]), extension.raw(GREASE), extension.serverName('a.test')]
    ) {
      await refuse((usual) => ({
        ...withExtensions(usual, twice),
        extensions: [...withExtensions(usual, twice).extensions, twice],
      }), 'illegal_parameter');
    }
  });

  test('an extension that is not for a ClientHello', async () => {
    // 9846-4.3-7
    await refuse((usual) => withExtensions(usual, extension.raw(48, u16(0))), 'illegal_parameter');
  });

  test('bytes left over in any extension, or in the message', async () => {
    // 9846-4.3-2, 9846-6-6
    const { client } = join();
    const psk = extension.preSharedKey([{ identity: u8(1), obfuscatedAge: 0 }], [new Uint8Array(32)]);
    const all = withExtensions(
      client.usualHello(),
      extension.statusRequest(),
      extension.applicationProtocols(['h2']),
      extension.raw(18),
      extension.raw(27, vector(1, u16(1))),
      extension.raw(28, u16(1000)),
      extension.earlyData(),
      extension.cookie(u8(1)),
      extension.raw(47, vector(2, vector(2, u8(1)))),
      extension.postHandshakeAuth(),
      extension.signatureAlgorithmsCert([0x0403]),
      psk,
    );
    for (const { type, body } of all.extensions) {
      const longer = extension.raw(type, concat(body, [0]));
      await refuse(() => withExtensions(all, longer), 'decode_error');
    }
    await refuse((usual) => ({ ...usual, trailer: u8(0) }), 'decode_error');
  });

  test('empty lists where there must be something', async () => {
    // 9846-6-6
    const empty = [
      extension.supportedVersions([]),
      extension.supportedGroups([]),
      extension.signatureAlgorithms([]),
      extension.applicationProtocols([]),
      extension.applicationProtocols(['']),
      extension.pskKeyExchangeModes([]),
      extension.cookie(new Uint8Array()),
      extension.raw(0, u16(0)),
      extension.keyShare([{ group: 0x1d, key: new Uint8Array() }]),
    ];
    for (const one of empty) await refuse((usual) => withExtensions(usual, one), 'decode_error');
    await refuse((usual) => ({ ...usual, cipherSuites: [] }), 'decode_error');
    await refuse((usual) => ({ ...usual, legacySessionId: new Uint8Array(33) }), 'decode_error');
  });

  test('key shares against the rules', async () => {
    // 9846-4.3.8-3, 9846-4.3.8-7, 9846-4.3.8-8, 9846-4.3.8-9
    const p256 = { group: 0x17, key: new Uint8Array(65) };
    const both = [extension.supportedGroups([0x1d, 0x17])];
    await refuse(
      (usual, c) => withExtensions(usual, ...both, extension.keyShare([p256, c.share()])),
      'illegal_parameter',
    );
    await refuse((usual, c) => withExtensions(usual, extension.keyShare([c.share(), c.share()])), 'illegal_parameter');
    await refuse(
      (usual, c) => withExtensions(usual, extension.supportedGroups([0x17]), extension.keyShare([c.share()])),
      'illegal_parameter',
    );
  });

  test('a message of no bytes', async () => {
    const { client } = join();
    await client.sendRecord(Type.handshake, message(1, new Uint8Array()));
    await client.drain();
    expect(client.alert).toBe(Alert.decode_error);
  });
});

test('a group that is for requests only is not taken by a server that does not name it', async () => {
  const crypto = wasmProvider();
  const costly = [...crypto.keyExchanges.values()].filter(({ onRequest }) => onRequest).map(({ name }) => name);
  expect(costly).toContain('secp384r1');
  const alone: Alter = (usual, client) =>
    withExtensions(usual, extension.supportedGroups([0x18]), extension.keyShare([client.share()]));
  const asking = async (config: Partial<ServerConfig>) => {
    const { server, client } = join({ crypto, ...config }, { group: 0x18 });
    await client.sendHello(alone(client.usualHello(), client));
    await client.drain();
    return server.reason;
  };
  expect(await asking({})).toBe('no_common_group');
  expect(await asking({ groups: [0x18] })).toBeUndefined();
});
