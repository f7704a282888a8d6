/** What the server sends, byte by byte, as RFC 9846 §4 and §5 want it; read by the raw client, which trusts nothing. */
import { createECDH } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Connection } from '../../src/connection/connection.ts';
import type { RecordKey } from '../../src/crypto/provider.ts';
import { UsageError } from '../../src/error.ts';
import type { ServerConfig } from '../../src/handshake/config.ts';
import { Alert } from '../../src/registry/alert.ts';
import { HandshakeType } from '../../src/registry/handshake_type.ts';
import { externalSession } from '../../src/session/session.ts';
import { join, SERVER } from '../support/hostile_server.ts';
import { provider } from '../support/pair.ts';
import { type RawClient, Type } from '../support/raw_client.ts';
import { deriveSecret, digest, expandLabel, zeros } from '../support/raw_keys.ts';
import {
  type Bytes,
  concat,
  decodeExtensions,
  extension,
  plainRecord,
  read,
  u8,
  withExtensions,
  withoutExtensions,
} from '../support/raw_wire.ts';
import { wasmProvider } from '../support/wasm.ts';

const OCSP = Uint8Array.of(0x30, 3, 0x0a, 1, 0);
const EXTERNAL = externalSession(new Uint8Array(32).fill(9), 0x1301);

/** Types of the server's handshake messages, in order. */
function order(client: RawClient): number[] {
  return client.inbound.flatMap(({ messageType }) => messageType ?? []);
}

function messageBody(client: RawClient, type: number): Bytes {
  return client.inbound.find(({ messageType }) => messageType === type)!.content;
}

/** The records of the server's output, unopened. */
function recordsOf(output: Bytes): Bytes[] {
  const records: Bytes[] = [];
  for (let at = 0; at < output.length;) {
    const end = at + 5 + read(output, at + 3, 2);
    records.push(output.subarray(at, end));
    at = end;
  }
  return records;
}

describe('the flight', () => {
  test('its messages, in their order', async () => {
    // 9846-4-1, 9846-4.4.1-1, 9846-4.5.1-1, 9846-4.5.2-1, 9846-4.5.2-3
    const { client } = join();
    await client.toServerFinished();
    expect(order(client)).toEqual([2, 8, 11, 15, 20]);
  });

  test('with CertificateRequest', async () => {
    // 9846-4.4.2-2, 9846-4.4.2-3, 9846-4.4.2-4, 9846-4.4.2-6, 9846-9.1-2
    const { client } = join({ clientAuthentication: { mode: 'request' } });
    await client.toServerFinished();
    expect(order(client)).toEqual([2, 8, 13, 11, 15, 20]);
    const request = messageBody(client, 13);
    expect(request[0]).toBe(0);
    const extensions = decodeExtensions(request.subarray(1));
    const schemes = (type: number) => {
      const body = extensions.get(type)!;
      return Array.from({ length: (body.length - 2) / 2 }, (_, i) => read(body, 2 + 2 * i, 2));
    };
    expect(schemes(13)).toEqual(expect.arrayContaining([0x0403, 0x0804]));
    expect(schemes(13).some((scheme) => [0x01, 0x02, 0x03, 0x04].includes(scheme >> 8) && scheme !== 0x0403)).toBe(
      false,
    );
    expect(schemes(50)).toEqual(expect.arrayContaining([0x0401, 0x0403, 0x0804]));
  });

  test('after a HelloRetryRequest', async () => {
    // 9846-4.2.1-3, 9846-4.2.4-1, 9846-4.2.4-3, 9846-4.2.4-9, 9846-4.2.4-12
    const { client } = join();
    await client.handshake(withExtensions(client.usualHello(), extension.keyShare([])));
    const { retry, serverHello } = client;
    expect([...retry!.extensions]).toEqual([[43, Uint8Array.of(3, 4)], [51, Uint8Array.of(0, 0x1d)]]);
    expect(serverHello!.cipherSuite).toBe(retry!.cipherSuite);
    expect(serverHello!.extensions.get(43)).toEqual(retry!.extensions.get(43));
    expect(retry!.legacyVersion).toBe(0x0303);
    expect(retry!.compressionMethod).toBe(0);
  });

  test('ServerHello', async () => {
    // 9846-2-1, 9846-4.2.3-1, 9846-4.2.3-7, 9846-4.2.3-9, 9846-4.2.3-10, 9846-4.3-1, 9846-4.3.1-9, 9846-4.3.1-10,
    // 9846-4.3.8-15, 9846-4.3.8-16, 9846-4.3.9-8, 9846-9.2-3, 9846-E.5-8
    const { client } = join({}, { legacySessionId: new Uint8Array(32).fill(3) });
    await client.toServerFinished();
    const hello = client.serverHello!;
    expect(hello.legacyVersion).toBe(0x0303);
    expect(hello.compressionMethod).toBe(0);
    expect(hello.legacySessionIdEcho).toEqual(new Uint8Array(32).fill(3));
    expect([...hello.extensions.keys()].sort()).toEqual([43, 51]);
    expect(hello.extensions.get(43)).toEqual(Uint8Array.of(3, 4));
    const share = hello.extensions.get(51)!;
    expect([...share.subarray(0, 4)]).toEqual([0, 0x1d, 0, 32]);
    expect(share.length).toBe(36);
  });

  test('random and key share are new each time, whatever the client sends', async () => {
    // 9846-4.2.3-3, 9846-4.2.3-4, 9846-4.3.8-10
    const { client: maker } = join();
    const hello = maker.usualHello();
    const seen = new Set<string>();
    for (let i = 0; i < 5; i++) {
      const { server, client } = join();
      client.transcript.push(client.encodeHello(hello));
      await client.sendRecord(Type.handshake, client.transcript[0]!);
      const output = await server.receive();
      seen.add(Buffer.from(output.subarray(5 + 4 + 2, 5 + 4 + 2 + 32)).toString('hex'));
      seen.add(Buffer.from(recordsOf(output)[0]!.subarray(-32)).toString('hex'));
    }
    expect(seen.size).toBe(10);
  });

  test('EncryptedExtensions answers what was asked, and nothing else', async () => {
    // 9846-4.3-5, 9846-4.3.6-2, 9846-4.3.9-6
    const bare = join({ applicationProtocols: ['h2'] });
    await bare.client.toServerFinished(withoutExtensions(bare.client.usualHello(), 0));
    expect([...bare.client.encryptedExtensions!]).toEqual([]);
    const full = join({ applicationProtocols: ['h2'] });
    const hello = withExtensions(
      full.client.usualHello(),
      extension.applicationProtocols(['h2']),
      extension.postHandshakeAuth(),
      extension.raw(28, Uint8Array.of(0x10, 0)),
    );
    await full.client.toServerFinished(hello);
    expect([...full.client.encryptedExtensions!.keys()].sort()).toEqual([0, 16, 28]);
  });

  test('Certificate: its own first, without a context, stapling only what was asked for', async () => {
    // 9846-4.5.1-5, 9846-4.5.1-6, 9846-4.5.1-9, 9846-4.5.1-15, 9846-4.5.1.1-1
    const host = { chain: [SERVER.certificate, u8(1)], ocspResponse: OCSP };
    const plain = join({}, {}, { host });
    await plain.client.toServerFinished();
    const body = messageBody(plain.client, 11);
    expect(body[0]).toBe(0);
    const length = read(body, 4, 3);
    expect(body.subarray(7, 7 + length)).toEqual(SERVER.certificate);
    expect(read(body, 7 + length, 2)).toBe(0);

    const asking = join({}, {}, { host });
    await asking.client.toServerFinished(withExtensions(asking.client.usualHello(), extension.statusRequest()));
    const stapled = messageBody(asking.client, 11);
    const extensions = decodeExtensions(stapled.subarray(7 + length, 7 + length + 2 + read(stapled, 7 + length, 2)));
    expect([...extensions]).toEqual([[5, concat([1, 0, 0, OCSP.length], OCSP)]]);
  });

  test('no certificate at all is an error of ours, not an empty list', async () => {
    // 9846-4.5.1-15
    const { server, client } = join({}, {}, { host: { chain: [] } });
    await client.sendHello();
    await client.drain();
    expect(server.reason).toBe('internal_error');
  });

  test("with an external PSK: its suite's hash, its age unseen, no certificates from either side", async () => {
    // 9846-4.3.11-1, 9846-4.3.11-2, 9846-4.4.2-9, 9846-9.2-7, 9846-F.1-1
    for (const obfuscatedAge of [0, 0xffffffff]) {
      const { server, client } = join({ clientAuthentication: { mode: 'request' }, externalPsk: () => EXTERNAL });
      client.psk = { identity: u8(1), key: EXTERNAL.secret, suite: 0x1301, external: true, obfuscatedAge };
      await client.handshake();
      await client.drain();
      expect(order(client).filter((type) => type !== 4)).toEqual([2, 8, 20]);
      expect(server.info?.resumed).toBe(true);
    }
    const other = join({ externalPsk: () => EXTERNAL, cipherSuites: [0x1302] });
    other.client.psk = { identity: u8(1), key: EXTERNAL.secret, suite: 0x1301, external: true };
    await other.client.toServerFinished();
    expect(order(other.client)).toEqual([2, 8, 11, 15, 20]);
  });

  test('psk_ke alone is never chosen, so there is always a share', async () => {
    // 9846-4.3.9-7
    const { client } = join({ externalPsk: () => EXTERNAL });
    client.psk = { identity: u8(1), key: EXTERNAL.secret, suite: 0x1301, external: true };
    await client.toServerFinished(withExtensions(client.usualHello(), extension.pskKeyExchangeModes([0])));
    expect(client.serverHello!.extensions.has(41)).toBe(false);
    expect(client.serverHello!.extensions.has(51)).toBe(true);
  });
});

describe('records', () => {
  test('types and versions, and messages that end with their record before a key change', async () => {
    // 9846-5-4, 9846-5.1-7, 9846-5.1-13, 9846-5.1-17, 9846-E.5-10
    const { server, client } = join({}, { legacySessionId: new Uint8Array(32) });
    const hello = client.encodeHello(client.usualHello());
    client.transcript.push(hello);
    await client.sendRecord(Type.handshake, hello);
    const output = await server.receive();
    const records = recordsOf(output);
    expect(records.map((record) => record[0])).toEqual([22, 20, 23]);
    for (const record of records) expect(read(record, 1, 2)).toBe(0x0303);
    // ServerHello fills its record; Finished ends the protected one, or the client's keys would not fit.
    expect(records[0]!.length).toBe(5 + 4 + read(records[0]!, 6, 3));
    client.feed(output);
    expect(client.serverFinished).toBe(true);
  });

  test('none is longer than allowed, and all of them open in order', async () => {
    // 9846-5.1-15, 9846-5.2-1, 9846-5.3-1, 9846-5.4-6
    for (const config of [{}, { paddingMultiple: 16384 }, { paddingMultiple: 1000, maxFragmentLength: 300 }]) {
      const { server, client } = join(config);
      await client.handshake();
      await client.drain();
      server.connection.send(new Uint8Array(100_000).fill(7));
      const output = await server.receive();
      for (const record of recordsOf(output)) expect(record.length).toBeLessThanOrEqual(5 + 16384 + 1 + 16);
      client.feed(output);
      expect(client.applicationData.length).toBe(100_000);
    }
  });

  test('maxFragmentLength holds for unprotected records too', async () => {
    // 9846-5.1-15
    const { server, client } = join({ maxFragmentLength: 64 });
    const hello = client.encodeHello(client.usualHello());
    client.transcript.push(hello);
    await client.sendRecord(Type.handshake, hello);
    const output = await server.receive();
    for (const record of recordsOf(output)) expect(record.length).toBeLessThanOrEqual(5 + 64 + 1 + 16);
    client.feed(output);
    expect(client.serverFinished).toBe(true);
  });

  test('padding is zeros, up to the multiple', async () => {
    // 9846-5.4-2
    const { server, client } = join({ paddingMultiple: 64 });
    await client.handshake();
    await client.drain();
    server.connection.send(u8(7));
    const [record] = recordsOf(await server.receive());
    const inner = client.readKeys.get('application')!.open(record!);
    expect(inner).toEqual(concat([7, 23], zeros(62)));
  });

  test('no application data before the handshake allows it', async () => {
    // 9846-2-2, 9846-5.1-18
    const { server, client } = join();
    expect(() => server.connection.send(u8(1))).toThrow(UsageError);
    await client.toServerFinished();
    expect(() => server.connection.send(u8(1))).toThrow(UsageError);
    await client.finish();
    await client.drain();
    server.connection.send(u8(1));
    await client.drain();
    expect(client.applicationData.length).toBe(1);
  });

  test('alerts: one to a record, fatal but for the closing ones', async () => {
    // 9846-5.1-9, 9846-6-4, 9846-6.1-2, 9846-6.1-3
    const { client } = join();
    await client.sendHello(withoutExtensions(client.usualHello(), 43));
    await client.drain();
    expect(client.alerts).toEqual([[2, Alert.protocol_version]]);
    const closing = join();
    await closing.client.toServerFinished();
    closing.server.connection.close();
    await closing.client.drain();
    expect(closing.client.alerts).toEqual([[1, Alert.user_canceled], [1, Alert.close_notify]]);
    // Nothing of the handshake follows.
    await closing.client.finish();
    await closing.client.drain();
    expect(closing.client.inbound.at(-1)!.type).toBe(Type.alert);
  });

  test('what older versions had is never sent', () => {
    // 9846-B-1
    const reserved = [21, 30, 41, 60, 100];
    expect(Object.values(Alert).filter((code) => reserved.includes(code))).toEqual([]);
    const types: number[] = Object.values(HandshakeType);
    expect(types.filter((code) => [0, 3, 6, 12, 14, 16, 21, 22, 23].includes(code))).toEqual([]);
  });
});

describe('keys', () => {
  test('everything after Finished is under the application keys, both ways', async () => {
    // 9846-4.5.3-3
    const { server, client } = join();
    await client.handshake();
    await client.sendData('ping');
    await client.until(() => client.applicationData.length === 4);
    expect(client.applicationData.length).toBe(4);
    await client.sendData('late', { epoch: 'handshake' });
    await client.drain();
    expect(server.reason).toBe('bad_record_mac');
  });

  test('KeyUpdate of ours: under the old key, then the next; one request at a time', async () => {
    // 9846-4.7.3-2, 9846-4.7.3-6, 9846-4.7.3-7, 9846-5.3-1
    const { server, client } = join();
    await client.handshake();
    await client.drain();
    const connection = server.connection as Connection;
    connection.updateKeys(true);
    connection.updateKeys(true);
    connection.send(u8(1));
    await client.drain();
    const updates = () => client.inbound.flatMap(({ messageType, content }) => messageType === 24 ? [content[0]] : []);
    expect(updates()).toEqual([1, 0]);
    expect(client.applicationData.length).toBe(1);
    await client.sendKeyUpdate(0);
    await client.drain();
    connection.updateKeys(true);
    await client.drain();
    expect(updates()).toEqual([1, 0, 1]);
  });

  test('the key is updated before its limit', async () => {
    // 9846-5.3-2, 9846-5.5-1
    const aeads = new Map([...provider.aeads].map(([code, aead]) => [code, { ...aead, recordLimit: 10 }]));
    const { server, client } = join({ crypto: { ...provider, aeads } });
    await client.handshake();
    await client.drain();
    for (let i = 0; i < 50; i++) server.connection.send(u8(i));
    await client.drain();
    expect(client.applicationData).toEqual(Uint8Array.from({ length: 50 }, (_, i) => i));
    expect(order(client).filter((type) => type === 24).length).toBeGreaterThan(4);
    // 9846-5.5-3: what the peer does with its key is not limited.
    for (let i = 0; i < 50; i++) await client.sendData(u8(i));
    await client.drain();
    expect(server.error).toBeUndefined();
  });

  test('all are wiped when a connection fails, and when it is disposed of', async () => {
    // 9846-6-3
    for (const end of ['fail', 'dispose'] as const) {
      const live = new Set<RecordKey>();
      const aeads = new Map([...provider.aeads].map(([code, aead]) => [code, {
        ...aead,
        deriveKey: (...rest: Parameters<typeof aead.deriveKey>) => {
          const installed = aead.deriveKey(...rest);
          const wrapped: RecordKey = {
            open: (...rest) => installed.open(...rest),
            seal: (...rest) => installed.seal(...rest),
            wipe: () => {
              live.delete(wrapped);
              installed.wipe();
            },
          };
          live.add(wrapped);
          return wrapped;
        },
      }]));
      const { server, client } = join({ crypto: { ...provider, aeads } });
      await client.handshake();
      await client.drain();
      expect(live.size).toBe(2);
      if (end === 'fail') {
        await client.send(plainRecord(99, u8(1)));
        await client.drain();
      } else {
        (server.connection as Connection).dispose();
      }
      expect(live.size).toBe(0);
    }
  });

  test('the exporter', async () => {
    // 9846-7.5-1
    const { server, client } = join();
    await client.handshake();
    await client.drain();
    const connection = server.connection as Connection;
    const { suite } = client;
    const context = Uint8Array.of(1, 2, 3);
    const secret = deriveSecret(suite, client.exporterSecret!, 'EXPORTER-test', digest(suite));
    const expected = expandLabel(suite, secret, 'exporter', digest(suite, context), 40);
    expect(Buffer.from(connection.exportKeyingMaterial('EXPORTER-test', context, 40))).toEqual(Buffer.from(expected));
  });
});

test('groups that are listed twice are refused where they are configured', () => {
  // 9846-4.3.7-1
  expect(() => join({ groups: [0x1d, 0x1d] })).toThrow(UsageError);
});

describe('what a server must have, with the cryptography that is shipped', () => {
  const crypto = wasmProvider();
  const handshake = async (config: Partial<ServerConfig>, group: number) => {
    const { server, client } = join({ crypto, ...config }, { group });
    await client.handshake();
    await client.sendData('ping');
    await client.until(() => client.applicationData.length === 4);
    return server.info!;
  };

  test('cipher suites', async () => {
    // 9846-9.1-1
    for (const suite of [0x1301, 0x1302, 0x1303]) {
      expect((await handshake({ cipherSuites: [suite] }, 0x1d)).cipherSuite).toBe(suite);
    }
  });

  test('groups', async () => {
    // 9846-9.1-3
    for (const group of [0x17, 0x18, 0x1d]) expect((await handshake({ groups: [group] }, group)).group).toBe(group);
  });

  test('a shared secret that begins with zeros keeps them', () => {
    // 9846-7.4.2-1
    const p256 = crypto.keyExchanges.get(0x17)!;
    let seen = 0;
    for (let i = 0; i < 5000 && seen === 0; i++) {
      const ours = createECDH('prime256v1');
      const share = new Uint8Array(ours.generateKeys());
      const random = new Uint8Array(p256.respondRandomLength).fill(i % 251 + 1);
      const answer = p256.respond(share, random)!;
      const expected = new Uint8Array(ours.computeSecret(answer.share));
      if (expected[0] !== 0 && i > 0) continue;
      expect(answer.secret.length).toBe(32);
      expect(answer.secret).toEqual(expected);
      if (expected[0] === 0) seen++;
    }
    expect(seen).toBe(1);
  });
});
