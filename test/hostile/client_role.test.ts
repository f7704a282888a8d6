/** The client's side against a server that breaks the rules (RFC 9846 §4.2.3, §4.2.4, §4.3), and what its own hellos are. */
import { describe, expect, test } from 'vitest';
import { ClientConnection } from '../../src/connection/client.ts';
import type { Reason } from '../../src/error.ts';
import type { ClientConfig } from '../../src/handshake/config.ts';
import { NOW, provider, seededRandom } from '../support/pair.ts';
import { keyPair } from '../support/raw_keys.ts';
import {
  type Bytes,
  concat,
  decodeExtensions,
  encodeServerHello,
  extension,
  message,
  plainRecord,
  type RawServerHelloFields,
  read,
  RETRY_RANDOM,
  u16,
  vector,
} from '../support/raw_wire.ts';

const VERSIONS = extension.raw(43, u16(0x0304));
const share = (group = 0x1d) => extension.raw(51, concat(u16(group), vector(2, keyPair(group).share)));

interface Hello {
  readonly legacyVersion: number;
  readonly random: Bytes;
  readonly legacySessionId: Bytes;
  readonly compression: Bytes;
  readonly suites: Bytes;
  readonly extensions: ReadonlyMap<number, Bytes>;
}

function decodeHello(body: Bytes): Hello {
  const sessionEnd = 35 + read(body, 34, 1);
  const suitesEnd = sessionEnd + 2 + read(body, sessionEnd, 2);
  const compressionEnd = suitesEnd + 1 + read(body, suitesEnd, 1);
  return {
    legacyVersion: read(body, 0, 2),
    random: body.subarray(2, 34),
    legacySessionId: body.subarray(35, sessionEnd),
    suites: body.subarray(sessionEnd + 2, suitesEnd),
    compression: body.subarray(suitesEnd + 1, compressionEnd),
    extensions: decodeExtensions(body.subarray(compressionEnd)),
  };
}

class Meeting {
  readonly client: ClientConnection;

  constructor(config: Partial<ClientConfig> = {}) {
    this.client = new ClientConnection({
      crypto: provider,
      random: seededRandom('client role'),
      now: () => NOW,
      serverName: 'server.test',
      groups: [0x1d, 0x17],
      ...config,
    });
  }

  /** The ClientHello that is due: of the first record with handshake content. */
  hello(): Hello {
    const output = concat(...this.client.takeOutput());
    for (let at = 0; at < output.length;) {
      const end = at + 5 + read(output, at + 3, 2);
      if (output[at] === 22) return decodeHello(output.subarray(at + 9, end));
      at = end;
    }
    throw new Error('no ClientHello');
  }

  say(fields: RawServerHelloFields): void {
    this.client.receive(plainRecord(22, encodeServerHello(fields)));
  }

  get reason(): Reason | undefined {
    return this.client.error?.reason;
  }
}

function retry(
  legacySessionIdEcho: Bytes,
  group: number,
  more: Partial<RawServerHelloFields> = {},
): RawServerHelloFields {
  return {
    legacySessionIdEcho,
    random: Uint8Array.from(Buffer.from(RETRY_RANDOM, 'hex')),
    extensions: [VERSIONS, extension.raw(51, u16(group))],
    ...more,
  };
}

describe('its ClientHello', () => {
  test('is what every TLS 1.3 ClientHello must be', () => {
    // 9846-4.2.2-1, 9846-4.2.2-6, 9846-4.2.2-9, 9846-4.2.2-14, 9846-4.3.1-1, 9846-4.3.2-3, 9846-4.3.3-2, 9846-4.3.9-1,
    // 9846-9.2-9, 9846-9.2-10, 9846-9.2-11
    const hello = new Meeting().hello();
    expect(hello.legacyVersion).toBe(0x0303);
    expect(hello.legacySessionId.length).toBe(32);
    expect([...hello.compression]).toEqual([0]);
    expect([...hello.extensions.get(43)!]).toEqual([2, 3, 4]);
    for (const type of [10, 13, 45, 51]) expect(hello.extensions.has(type)).toBe(true);
    for (const type of [42, 44]) expect(hello.extensions.has(type)).toBe(false);
  });

  test('has shares of groups it offers, each once, in their order, none of them used before', () => {
    // 9846-4.3.8-3, 9846-4.3.8-6, 9846-4.3.8-7, 9846-4.3.8-8
    const hello = new Meeting({ keyShareGroups: [0x1d, 0x17] }).hello();
    const body = hello.extensions.get(51)!;
    expect([read(body, 2, 2), read(body, 2 + 4 + 32, 2)]).toEqual([0x1d, 0x17]);
    const groups = hello.extensions.get(10)!;
    expect([read(groups, 2, 2), read(groups, 4, 2)]).toEqual([0x1d, 0x17]);
    const other = new Meeting({ random: seededRandom('another') }).hello();
    expect(other.extensions.get(51)!.subarray(6, 38)).not.toEqual(body.subarray(6, 38));
  });
});

describe('a ServerHello with', () => {
  type Fields = (sessionId: Bytes) => RawServerHelloFields;
  const good = [VERSIONS, share()];
  const cases: Record<string, readonly [Fields, string]> = {
    // 9846-4.2.3-2
    'another legacy_version': [
      (id) => ({ legacySessionIdEcho: id, legacyVersion: 0x0302, extensions: good }),
      'server_chose_unoffered',
    ],
    // 9846-4.2.3-5
    'another session ID': [() => ({ legacySessionIdEcho: new Uint8Array(32), extensions: good }), 'illegal_parameter'],
    // 9846-4.2.3-6
    'a cipher suite that was not offered': [
      (id) => ({ legacySessionIdEcho: id, cipherSuite: 0x1304, extensions: good }),
      'server_chose_unoffered',
    ],
    // 9846-4.2.3-8
    'a compression method': [
      (id) => ({ legacySessionIdEcho: id, compressionMethod: 1, extensions: good }),
      'bad_compression_methods',
    ],
    // 9846-4.3.1-13
    'an older version in supported_versions': [
      (id) => ({ legacySessionIdEcho: id, extensions: [extension.raw(43, u16(0x0303)), share()] }),
      'server_chose_unoffered',
    ],
    // 9846-4.3.1-11, 9846-E.1-3
    'no supported_versions': [(id) => ({ legacySessionIdEcho: id, extensions: [share()] }), 'protocol_version'],
    // 9846-4.3-6
    'an extension that was not asked for': [
      (id) => ({ legacySessionIdEcho: id, extensions: [...good, extension.raw(0x1a1a)] }),
      'unsolicited_extension',
    ],
    // 9846-4.3.11-11, 9846-4.3.11-12
    'a PSK that was not offered': [
      (id) => ({ legacySessionIdEcho: id, extensions: [...good, extension.raw(41, u16(0))] }),
      'unsolicited_extension',
    ],
    'no share': [(id) => ({ legacySessionIdEcho: id, extensions: [VERSIONS] }), 'missing_extension'],
    'a share of a group without one of ours': [
      (id) => ({ legacySessionIdEcho: id, extensions: [VERSIONS, share(0x17)] }),
      'server_chose_unoffered',
    ],
    // 9846-7.4.2-3
    'a share of zeros': [
      (id) => ({
        legacySessionIdEcho: id,
        extensions: [VERSIONS, extension.raw(51, concat(u16(0x1d), vector(2, new Uint8Array(32))))],
      }),
      'invalid_key_share',
    ],
  };
  test.each(Object.keys(cases))('%s', (name) => {
    const [fields, reason] = cases[name]!;
    const meeting = new Meeting();
    meeting.say(fields(meeting.hello().legacySessionId));
    expect(meeting.reason).toBe(reason);
  });
});

describe('a HelloRetryRequest', () => {
  test('is answered with the same hello but for the share and the cookie', () => {
    // 9846-4.2.2-2, 9846-4.2.3-11, 9846-4.2.4-4, 9846-4.2.4-7, 9846-4.3.2-2, 9846-4.3.8-14
    const meeting = new Meeting();
    const first = meeting.hello();
    const cookie = extension.cookie(Uint8Array.of(7, 7, 7));
    meeting.say(retry(first.legacySessionId, 0x17, {
      extensions: [VERSIONS, extension.raw(51, u16(0x17)), cookie],
    }));
    expect(meeting.reason).toBeUndefined();
    const second = meeting.hello();
    expect(second.random).toEqual(first.random);
    expect(second.legacySessionId).toEqual(first.legacySessionId);
    expect(second.suites).toEqual(first.suites);
    expect(second.extensions.get(44)).toEqual(cookie.body);
    expect(read(second.extensions.get(51)!, 2, 2)).toBe(0x17);
    expect(second.extensions.get(51)!.length).toBe(2 + 4 + 65);
    for (const type of first.extensions.keys()) {
      if (type !== 51) expect(second.extensions.get(type)).toEqual(first.extensions.get(type));
    }
  });

  test('that would change nothing, asks for what was not offered, or comes twice', () => {
    // 9846-4.2.4-5, 9846-4.2.4-6, 9846-4.2.4-8, 9846-4.3.8-12, 9846-4.3.8-13
    const asking = (fields: (id: Bytes) => RawServerHelloFields): Reason | undefined => {
      const meeting = new Meeting();
      meeting.say(fields(meeting.hello().legacySessionId));
      return meeting.reason;
    };
    expect(asking((id) => retry(id, 0x1d))).toBe('pointless_hello_retry_request');
    expect(asking((id) => retry(id, 0, { extensions: [VERSIONS] }))).toBe('pointless_hello_retry_request');
    expect(asking((id) => retry(id, 0x18))).toBe('server_chose_unoffered');
    expect(asking((id) => retry(id, 0x17, { cipherSuite: 0x1304 }))).toBe('server_chose_unoffered');
    const twice = new Meeting();
    const id = twice.hello().legacySessionId;
    twice.say(retry(id, 0x17));
    twice.say(retry(id, 0x17));
    expect(twice.reason).toBe('second_hello_retry_request');
  });

  test('followed by a ServerHello of another suite or group', () => {
    // 9846-4.2.4-10, 9846-4.3.8-17, 9846-4.3.8-18
    const other = new Meeting();
    const id = other.hello().legacySessionId;
    other.say(retry(id, 0x17));
    other.say({ legacySessionIdEcho: id, cipherSuite: 0x1301, extensions: [VERSIONS, share(0x17)] });
    expect(other.reason).toBe('server_chose_unoffered');
    const group = new Meeting();
    const groupId = group.hello().legacySessionId;
    group.say(retry(groupId, 0x17));
    group.say({ legacySessionIdEcho: groupId, extensions: [VERSIONS, share(0x1d)] });
    expect(group.reason).toBe('server_chose_unoffered');
  });

  test('with something behind it in its record', () => {
    // 9846-5.1-6
    const meeting = new Meeting();
    const id = meeting.hello().legacySessionId;
    meeting.client.receive(plainRecord(22, concat(encodeServerHello(retry(id, 0x17)), message(2, new Uint8Array(0)))));
    expect(meeting.reason).toBe('key_change_not_on_boundary');
  });
});
