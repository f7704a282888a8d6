/** Published failures of servers under floods and truncation, by name. The list with explanations is README.md. */
import { deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { CLIENT, Clock, join } from '../support/hostile_server.ts';
import { Type } from '../support/raw_client.ts';
import { concat, message, plainRecord, u16, u8, uint, vector } from '../support/raw_wire.ts';

describe('CVE-2024-32650: the end of the stream at any moment', () => {
  test('close_notify at once, and the end after it', async () => {
    const { server, client } = join();
    await client.sendAlert(1, 0);
    client.link.end();
    await client.drain();
    expect(server.events).toMatchObject([{ type: 'failed' }]);
    expect(server.reason).toBe('truncated');
    expect(client.alerts).toEqual([]);
  });

  test("close_notify after the server's flight, and the end after it: no handshake, no clean end", async () => {
    const { server, client } = join();
    await client.toServerFinished();
    await client.sendAlert(1, 0);
    client.link.end();
    await client.drain();
    expect(server.events.map(({ type }) => type)).toEqual(['failed']);
    expect(server.reason).toBe('truncated');
  });

  test('half a record, a half message, a half header', async () => {
    for (const rest of [[22], [22, 3, 3], [22, 3, 3, 0, 10, 1, 2], [22, 3, 3, 0, 2, 1, 0]]) {
      const { server, client } = join();
      await client.send(Uint8Array.from(rest));
      client.link.end();
      await client.drain();
      expect(server.reason).toBe('truncated');
    }
  });

  test('after the handshake: with close_notify clean, without it a truncation', async () => {
    // 9846-6.1-8
    const clean = join();
    await clean.client.handshake();
    await clean.client.sendAlert(1, 0);
    clean.client.link.end();
    await clean.client.drain();
    expect(clean.server.events.at(-1)?.type).toBe('end');

    const cut = join();
    await cut.client.handshake();
    cut.client.link.end();
    await cut.client.drain();
    expect(cut.server.events.some(({ type }) => type === 'end')).toBe(false);
    expect(cut.server.reason).toBe('truncated');
  });
});

describe('CVE-2026-32283, CVE-2026-56862: KeyUpdate floods', () => {
  test('a flood of requests ends the connection and is not answered in kind', async () => {
    const { server, client } = join();
    await client.handshake();
    for (let i = 0; i < 100; i++) await client.sendKeyUpdate(1);
    await client.drain();
    expect(server.reason).toBe('too_many_key_updates');
    expect(client.inbound.filter(({ messageType }) => messageType === 24).length).toBeLessThanOrEqual(1);
  });

  test('so many in a row, however slowly they come', async () => {
    const clock = new Clock();
    const { server, client } = join({ limits: { keyUpdates: 3 } }, {}, { clock });
    await client.handshake();
    for (let i = 0; i < 4; i++) {
      expect(server.error).toBeUndefined();
      clock.now += 1000;
      await client.sendKeyUpdate(0);
      await client.drain();
    }
    expect(server.reason).toBe('too_many_key_updates');
  });

  test('any number of requests costs one answer, sent with the next data', async () => {
    // 9846-4.7.3-3, 9846-4.7.3-5
    const { server, client } = join();
    await client.handshake();
    for (let i = 0; i < 10; i++) await client.sendKeyUpdate(1);
    await client.drain();
    await client.sendData('ping');
    await client.until(() => client.applicationData.length === 4);
    const updates = client.inbound.filter(({ messageType }) => messageType === 24);
    expect(updates.map(({ content }) => [...content])).toEqual([[0]]);
    expect(server.error).toBeUndefined();
  });

  test('a flood with data in between ends the connection: so many within a second, no more', async () => {
    const clock = new Clock();
    const { server, client } = join({ limits: { keyUpdatesPerSecond: 3 } }, {}, { clock });
    await client.handshake();
    const update = async () => {
      await client.sendKeyUpdate(0);
      await client.sendData('x');
      const length = client.applicationData.length + 1;
      await client.until(() => client.applicationData.length === length);
    };
    for (let i = 0; i < 3; i++) await update();
    clock.now += 1000;
    for (let i = 0; i < 3; i++) await update();
    expect(server.error).toBeUndefined();
    clock.now += 999;
    await update();
    await client.drain();
    expect(server.reason).toBe('too_many_key_updates');
    expect(client.alert).toBe(10);
  });

  test('with data and time in between, updates go on as long as the peer likes', async () => {
    // 9846-4.7.3-10
    const clock = new Clock();
    const { server, client } = join({}, {}, { clock });
    await client.handshake();
    for (let i = 0; i < 200; i++) {
      clock.now += 40;
      await client.sendKeyUpdate(i % 2);
      await client.sendData('x');
      await client.until(() => client.applicationData.length === i + 1);
    }
    expect(client.applicationData.length).toBe(200);
    expect(server.error).toBeUndefined();
  });

  test('a request of another value is illegal_parameter, a message of another length decode_error', async () => {
    // 9846-4.7.3-4
    const values: readonly (readonly [readonly number[], number])[] = [[[2], 47], [[255], 47], [[], 50], [[0, 0], 50]];
    for (const [body, alert] of values) {
      const { client } = join();
      await client.handshake();
      await client.sendRecord(Type.handshake, message(24, Uint8Array.from(body)));
      await client.drain();
      expect(client.alert).toBe(alert);
    }
  });

  test('new key without KeyUpdate, old key after it', async () => {
    // 9846-4.7.3-8
    const early = join();
    await early.client.handshake();
    early.client.updateWriteKey();
    await early.client.sendData('x');
    await early.client.drain();
    expect(early.server.reason).toBe('bad_record_mac');

    const late = join();
    await late.client.handshake();
    await late.client.sendRecord(Type.handshake, message(24, u8(0)));
    await late.client.sendData('x');
    await late.client.drain();
    expect(late.server.reason).toBe('bad_record_mac');
  });
});

describe('CVE-2020-25648: change_cipher_spec floods', () => {
  test('a few are dropped, a flood ends the connection', async () => {
    const { server, client } = join();
    await client.toServerFinished();
    const ccs = plainRecord(Type.changeCipherSpec, u8(1));
    await client.send(...Array.from({ length: 1000 }, () => ccs));
    await client.drain();
    expect(server.reason).toBe('too_many_change_cipher_specs');
    expect(client.alert).toBe(10);
  });

  test('one before the second flight, as middleboxes want it, is fine', async () => {
    // 9846-5-1
    const { server, client } = join({}, { legacySessionId: new Uint8Array(32).fill(1) });
    await client.toServerFinished();
    await client.send(plainRecord(Type.changeCipherSpec, u8(1)));
    await client.finish();
    await client.drain();
    expect(server.info).toBeDefined();
    // 9846-E.4-1
    expect(client.inbound.filter(({ type }) => type === Type.changeCipherSpec).length).toBe(1);
  });
});

describe('CVE-2016-8610 and its like: floods of records without content', () => {
  test('empty application data', async () => {
    const { server, client } = join();
    await client.handshake();
    for (let i = 0; i < 32; i++) await client.sendData('');
    await client.sendData('x');
    await client.until(() => client.applicationData.length === 1);
    expect(server.error).toBeUndefined();
    for (let i = 0; i < 1000; i++) await client.sendData('', { padding: 10 });
    await client.drain();
    expect(server.reason).toBe('too_many_empty_records');
    expect(client.alert).toBe(10);
  });

  test('warning alerts', async () => {
    const { server, client } = join();
    await client.handshake();
    for (let i = 0; i < 1000; i++) await client.sendAlert(1, 90);
    await client.drain();
    expect(server.reason).toBe('too_many_warning_alerts');
  });

  test('a ClientHello in as many records as it has bytes is not copied over and over', async () => {
    const { client } = join({ limits: { clientHelloLength: 65536 } });
    const hello = concat(message(1, new Uint8Array(0), 60000), new Uint8Array(30000));
    const bytes = concat(...Array.from(hello, (byte) => plainRecord(Type.handshake, u8(byte))));
    const { set } = Uint8Array.prototype;
    let copied = 0;
    Uint8Array.prototype.set = function (source, offset): void {
      copied += source.length;
      set.call(this, source, offset);
    };
    try {
      await client.send(bytes);
      await client.drain();
    } finally {
      Uint8Array.prototype.set = set;
    }
    // Copying all that came before with each record would be 450 MB.
    expect(copied).toBeLessThan(10 * bytes.length);
  });
});

describe('certificate decompression bombs', () => {
  const calls: number[] = [];
  const certificateCompression = {
    algorithms: [1],
    compress: (_: number, bytes: Uint8Array) => new Uint8Array(deflateSync(bytes)),
    decompress: (_: number, bytes: Uint8Array, length: number) => {
      calls.push(length);
      try {
        return new Uint8Array(inflateSync(bytes, { maxOutputLength: length }));
      } catch {
        return undefined;
      }
    },
  };

  async function sendCompressed(algorithm: number, announced: number, compressed: Uint8Array) {
    calls.length = 0;
    const joined = join({ clientAuthentication: { mode: 'require' }, certificateCompression });
    const { client } = joined;
    await client.toServerFinished();
    await client.sendMessages(message(25, concat(u16(algorithm), uint(announced, 3), vector(3, compressed))));
    await client.drain();
    return joined;
  }

  const list = (length: number) => concat(u8(0), vector(3, concat(vector(3, new Uint8Array(length)), u16(0))));

  test('a length beyond the limit is refused before anything is decompressed', async () => {
    const { server, client } = await sendCompressed(1, 0xffffff, deflateSync(new Uint8Array(0xffffff)));
    expect(server.reason).toBe('certificate_decompression');
    expect(client.alert).toBe(42);
    expect(calls).toEqual([]);
  });

  test('more, less or other bytes than announced', async () => {
    const bomb = deflateSync(new Uint8Array(10_000_000));
    for (const compressed of [bomb, deflateSync(list(10)), Uint8Array.of(1, 2, 3)]) {
      const { server } = await sendCompressed(1, 5000, compressed);
      expect(server.reason).toBe('certificate_decompression');
    }
  });

  test('an algorithm that was not offered', async () => {
    const { client } = await sendCompressed(2, 100, deflateSync(list(10)));
    expect(client.alert).toBe(47);
  });

  test('an honest one is accepted', async () => {
    const { server, client } = join({ clientAuthentication: { mode: 'require' }, certificateCompression });
    await client.toServerFinished();
    const body = client.certificateMessage([CLIENT.certificate]).subarray(4);
    await client.sendMessages(message(25, concat(u16(1), uint(body.length, 3), vector(3, deflateSync(body)))));
    await client.sendMessages(client.certificateVerifyMessage(CLIENT.privateKey));
    await client.finish();
    await client.drain();
    expect(server.info?.peerCertificates.length).toBe(1);
  });
});

describe('hostile chains', () => {
  test('CVE-2023-0464 and its like: more certificates than the limit are refused before they are looked at', async () => {
    const { server, client } = join({ clientAuthentication: { mode: 'require' } });
    await client.toServerFinished();
    await client.sendMessages(client.certificateMessage(Array.from({ length: 100 }, () => CLIENT.certificate)));
    await client.drain();
    expect(server.reason).toBe('certificate_chain_too_long');
    expect(server.effects.some(({ type }) => type === 'verify_peer')).toBe(false);
  });
});
