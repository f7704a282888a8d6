/** Published failures of servers in resumption and early data, by name. The list with explanations is README.md. */
import { describe, expect, test } from 'vitest';
import type { ServerConnection } from '../../src/connection/server.ts';
import { UsageError } from '../../src/error.ts';
import type { HostConfig, ServerConfig } from '../../src/handshake/config.ts';
import { CLIENT, Clock, type HostileOptions, join, TestAntiReplay, TestTickets } from '../support/hostile_server.ts';
import { type RawClient, type RawClientOptions, type RawPsk, Type } from '../support/raw_client.ts';
import { concat, encodeHello, extension, message, withExtensions, withoutExtensions } from '../support/raw_wire.ts';

const HASH = 32;

/** A server that remembers sessions over several connections. */
class Place {
  readonly clock: Clock = new Clock();
  readonly store: TestTickets = new TestTickets();
  readonly antiReplay: TestAntiReplay = new TestAntiReplay();
  readonly config: Partial<ServerConfig> = { tickets: { store: this.store } };
  readonly early: Partial<ServerConfig> = {
    ...this.config,
    earlyData: { maxSize: 1000, antiReplay: this.antiReplay },
  };

  join(config: Partial<ServerConfig> = this.config, client: RawClientOptions = {}, options: HostileOptions = {}) {
    return join(config, client, { clock: this.clock, ...options });
  }

  /** A session made by an honest handshake. */
  async session(
    config: Partial<ServerConfig> = this.config,
    client: RawClientOptions = {},
    options: HostileOptions = {},
  ): Promise<RawPsk> {
    const made = this.join(config, client, options);
    await made.client.toServerFinished();
    if (made.client.certificateRequest !== undefined) {
      await made.client.sendMessages(made.client.certificateMessage([CLIENT.certificate]));
      await made.client.sendMessages(made.client.certificateVerifyMessage(CLIENT.privateKey));
    }
    await made.client.finish();
    await made.client.drain();
    return made.client.pskOf(made.client.tickets[0]!);
  }

  /** Whether a session resumes here and now. */
  async resumes(
    psk: RawPsk,
    config: Partial<ServerConfig> = this.config,
    client: RawClientOptions = {},
    options: HostileOptions = {},
  ): Promise<boolean> {
    const joined = this.join(config, client, options);
    joined.client.psk = psk;
    await joined.client.sendHello();
    await joined.client.until(() => joined.client.serverFinished || joined.client.alert !== undefined);
    expect(joined.server.error).toBeUndefined();
    return joined.client.serverHello!.extensions.has(41);
  }
}

describe('CVE-2026-1584: invalid binders', () => {
  async function offer(alter: (client: RawClient) => Promise<unknown>) {
    const place = new Place();
    const psk = await place.session();
    const joined = place.join();
    joined.client.psk = psk;
    await alter(joined.client);
    await joined.client.drain();
    return joined;
  }

  /** A hello with these identities and binders, whatever they are. */
  function hello(client: RawClient, identities: number, binders: readonly number[]) {
    const { identity } = client.psk!;
    const list = Array.from({ length: identities }, () => ({ identity, obfuscatedAge: 0 }));
    const values = binders.map((length) => new Uint8Array(length).fill(1));
    return message(1, encodeHello(withExtensions(client.usualHello(), extension.preSharedKey(list, values))));
  }

  test('a wrong binder is decrypt_error', async () => {
    // 9846-4.3.11-8, 9846-4.3.11-9
    const { server, client } = await offer((client) => {
      const encoded = client.encodeHello(client.usualHello());
      encoded[encoded.length - 1]! ^= 1;
      return client.sendMessages(encoded);
    });
    expect(server.reason).toBe('invalid_binder');
    expect(client.alert).toBe(51);
  });

  test('a binder of another length is decrypt_error', async () => {
    for (const length of [HASH + 1, 48, 255]) {
      const { server } = await offer((client) => client.sendMessages(hello(client, 1, [length])));
      expect(server.reason).toBe('invalid_binder');
    }
  });

  test('a binder shorter than any hash, an empty list: decode_error', async () => {
    // 9846-6-6
    const shapes: readonly (readonly [number, readonly number[]])[] = [[1, [31]], [1, [0]], [1, []], [0, [32]], [
      0,
      [],
    ]];
    for (const [identities, binders] of shapes) {
      const { client } = await offer((client) => client.sendMessages(hello(client, identities, binders)));
      expect(client.alert).toBe(50);
    }
  });

  test('another number of binders than of identities is illegal_parameter', async () => {
    for (const [identities, binders] of [[1, [32, 32]], [2, [32]]] as const) {
      const { server, client } = await offer((client) => client.sendMessages(hello(client, identities, binders)));
      expect(server.reason).toBe('psk_lists_differ');
      expect(client.alert).toBe(47);
    }
  });

  test('pre_shared_key that is not the last extension is illegal_parameter', async () => {
    // 9846-4.3.11-16
    const { server, client } = await offer((client) => {
      const usual = client.usualHello();
      const psk = extension.preSharedKey([{ identity: client.psk!.identity, obfuscatedAge: 0 }], [new Uint8Array(32)]);
      const last = extension.raw(21, new Uint8Array(4));
      return client.sendMessages(message(1, encodeHello({ ...usual, extensions: [...usual.extensions, psk, last] })));
    });
    expect(server.reason).toBe('pre_shared_key_not_last');
    expect(client.alert).toBe(47);
  });

  test('pre_shared_key without psk_key_exchange_modes is missing_extension', async () => {
    // 9846-4.3.9-3
    const { server, client } = await offer((client) => client.sendHello(withoutExtensions(client.usualHello(), 45)));
    expect(server.reason).toBe('missing_extension');
    expect(client.alert).toBe(109);
  });

  test('psk_ke alone is not chosen', async () => {
    // 9846-4.2.1-2, 9846-4.3.9-4
    const modes = extension.pskKeyExchangeModes([0]);
    const { server, client } = await offer((client) => client.sendHello(withExtensions(client.usualHello(), modes)));
    expect(server.error).toBeUndefined();
    expect(client.serverHello!.extensions.has(41)).toBe(false);
  });

  test('an unknown ticket is ignored, whatever its binder', async () => {
    // 9846-4.3.11-5, 9846-4.3.11-6
    const place = new Place();
    const { server, client } = place.join();
    client.psk = { identity: new Uint8Array(300).fill(7), key: new Uint8Array(32), suite: 0x1303 };
    await client.handshake();
    await client.drain();
    expect(server.info?.resumed).toBe(false);
  });

  test('a thousand identities are not all looked at', async () => {
    const place = new Place();
    let opened = 0;
    const store = {
      seal: () => new Uint8Array(1),
      open: () => {
        opened++;
        return undefined;
      },
    };
    const { client } = place.join({ tickets: { store } });
    const identities = Array.from({ length: 300 }, (_, i) => ({ identity: Uint8Array.of(i), obfuscatedAge: i }));
    const binders = identities.map(() => new Uint8Array(32));
    const offered = withExtensions(client.usualHello(), extension.preSharedKey(identities, binders));
    await client.sendMessages(message(1, encodeHello(offered)));
    await client.until(() => client.serverFinished);
    expect(client.serverFinished).toBe(true);
    expect(opened).toBeLessThanOrEqual(4);
  });
});

describe('CVE-2025-23419, CVE-2025-68121: a session carried to where it was not made', () => {
  const auth: Partial<HostConfig> = { clientAuthentication: { mode: 'require' }, sessionContext: 'private' };

  test('it resumes where it was made', async () => {
    const place = new Place();
    expect(await place.resumes(await place.session())).toBe(true);
    const mine = await place.session(place.config, {}, { host: auth });
    expect(await place.resumes(mine, place.config, {}, { host: auth })).toBe(true);
  });

  test('another server name: full handshake', async () => {
    const place = new Place();
    const psk = await place.session(place.config, { serverName: 'a.test' });
    expect(await place.resumes(psk, place.config, { serverName: 'b.test' })).toBe(false);
  });

  test('a host that asks for client certificates: full handshake, and the certificate is asked for', async () => {
    const place = new Place();
    const psk = await place.session();
    for (const host of [auth, { clientAuthentication: { mode: 'require' as const } }]) {
      const { server, client } = place.join(place.config, {}, { host });
      client.psk = psk;
      await client.toServerFinished();
      expect(client.serverHello!.extensions.has(41)).toBe(false);
      expect(client.certificateRequest).toBeDefined();
      await client.finish();
      await client.drain();
      expect(server.reason).toBe('unexpected_message');
    }
  });

  test('other rules for client certificates, the same name: full handshake', async () => {
    const place = new Place();
    const psk = await place.session(place.config, {}, { host: auth });
    const stricter = { ...auth, sessionContext: 'private, other roots' };
    expect(await place.resumes(psk, place.config, {}, { host: stricter })).toBe(false);
  });

  test('the identity is that of the first handshake, and no certificate is asked for', async () => {
    // 9846-4.4.2-8, 9846-4.7.1-9
    const place = new Place();
    const psk = await place.session(place.config, {}, { host: auth });
    const { server, client } = place.join(place.config, {}, { host: auth });
    client.psk = psk;
    await client.handshake();
    await client.drain();
    expect(client.certificateRequest).toBeUndefined();
    expect(server.info?.resumed).toBe(true);
    expect(server.info?.serverName).toBe('server.test');
    expect(server.info?.peerCertificates.map((one) => Buffer.from(one).toString('hex'))).toEqual([
      Buffer.from(CLIENT.certificate).toString('hex'),
    ]);
  });

  test('another application protocol: full handshake', async () => {
    const place = new Place();
    const config = { ...place.config, applicationProtocols: ['h2', 'http/1.1'] };
    const psk = await place.session(config, { applicationProtocols: ['h2'] });
    expect(await place.resumes(psk, config, { applicationProtocols: ['http/1.1'] })).toBe(false);
    expect(await place.resumes(psk, config)).toBe(false);
    expect(await place.resumes(psk, config, { applicationProtocols: ['h2'] })).toBe(true);
  });

  test('a suite of another hash: full handshake', async () => {
    // 9846-4.3.11-3, 9846-4.7.1-6
    const place = new Place();
    const psk = await place.session(place.config, { cipherSuites: [0x1301] });
    expect(await place.resumes(psk, place.config, { cipherSuites: [0x1302] })).toBe(false);
    expect(await place.resumes(psk, place.config, { cipherSuites: [0x1303] })).toBe(true);
  });

  test('after its lifetime, and before its time: full handshake', async () => {
    // 9846-4.7.1-11, 9846-4.7.1-13
    const place = new Place();
    const config = { tickets: { store: place.store, lifetime: 100 } };
    const psk = await place.session(config);
    place.clock.now += 99_000;
    expect(await place.resumes(psk, config)).toBe(true);
    place.clock.now += 2_000;
    expect(await place.resumes(psk, config)).toBe(false);
    place.clock.now -= 200_000;
    expect(await place.resumes(psk, config)).toBe(false);
  });

  test('tickets: a lifetime of seven days at most, fresh ticket_age_add and nonce', async () => {
    // 9846-4.7.1-11, 9846-4.7.1-14
    const { client } = new Place().join({ tickets: { store: new TestTickets(), lifetime: 604800, count: 4 } });
    await client.handshake();
    await client.drain();
    expect(client.tickets.length).toBe(4);
    expect(new Set(client.tickets.map(({ ageAdd }) => ageAdd)).size).toBe(4);
    expect(new Set(client.tickets.map(({ nonce }) => String(nonce))).size).toBe(4);
    for (const { lifetime } of client.tickets) expect(lifetime).toBe(604800);
    expect(() => join({ tickets: { store: new TestTickets(), lifetime: 604801 } })).toThrow('lifetime');
  });

  test('no tickets for a client that could not use them', async () => {
    // 9846-4.3.9-5
    const { client } = new Place().join();
    await client.handshake(withExtensions(client.usualHello(), extension.pskKeyExchangeModes([0])));
    await client.drain();
    expect(client.tickets).toEqual([]);
  });
});

describe('early data', () => {
  async function resume(
    place: Place,
    psk: RawPsk,
    data: readonly number[],
    config: Partial<ServerConfig> = place.early,
    client: RawClientOptions = {},
  ) {
    const joined = place.join(config, client, { echo: false });
    joined.client.psk = psk;
    const hello = joined.client.encodeHello(withExtensions(joined.client.usualHello(), extension.earlyData()));
    await joined.client.sendMessages(hello);
    for (const length of data) await joined.client.sendData(new Uint8Array(length).fill(1), { epoch: 'early' });
    await joined.client.drain();
    return joined;
  }

  /** Goes on to the end of the handshake. */
  async function complete({ client }: Awaited<ReturnType<typeof resume>>): Promise<void> {
    if (client.encryptedExtensions!.has(42)) {
      const end = message(5, new Uint8Array());
      client.transcript.push(end);
      await client.sendRecord(Type.handshake, end, { epoch: 'early' });
    }
    await client.finish();
    await client.drain();
  }

  test('accepted: marked as early, and limited', async () => {
    // 9846-4.3.10-7, 9846-4.3.10-8, 9846-F.5-4
    const place = new Place();
    const joined = await resume(place, await place.session(place.early), [10, 20]);
    expect(joined.client.encryptedExtensions!.has(42)).toBe(true);
    await complete(joined);
    await joined.client.sendData('late');
    await joined.client.drain();
    const lengths = joined.server.events.flatMap((e) => e.type === 'data' ? [[e.early, e.bytes.length]] : []);
    expect(lengths.filter(([early]) => early).reduce((sum, [, length]) => sum + Number(length), 0)).toBe(30);
    expect(lengths.at(-1)).toEqual([false, 4]);
    expect(joined.server.info?.earlyData).toBe(true);
  });

  test('application data after EndOfEarlyData and before Finished: unexpected_message', async () => {
    const place = new Place();
    const { client, server } = await resume(place, await place.session(place.early), [10]);
    const end = message(5, new Uint8Array());
    client.transcript.push(end);
    await client.sendRecord(Type.handshake, end, { epoch: 'early' });
    await client.sendRecord(Type.applicationData, new Uint8Array(10), { epoch: 'handshake' });
    await client.drain();
    expect(server.reason).toBe('unexpected_application_data');
    expect(client.alert).toBe(10);
    expect(server.received.length).toBe(10);
  });

  test('is not for names and protocols that the server leaves out', async () => {
    const place = new Place();
    const asked: unknown[] = [];
    const allows = (session: { readonly serverName: string | undefined }): boolean =>
      asked.push(session.serverName) < 0;
    const careful = { ...place.early, earlyData: { ...place.early.earlyData!, allows } };
    const joined = await resume(place, await place.session(place.early), [10], careful);
    expect(joined.client.encryptedExtensions!.has(42)).toBe(false);
    await complete(joined);
    expect(joined.server.received.length).toBe(0);
    expect(asked[0]).toBe(joined.server.info?.serverName);
    // Nor do its tickets offer it.
    const sizes = () => [...place.store.sessions.values()].map(({ maxEarlyDataSize }) => maxEarlyDataSize);
    expect(sizes().at(-1)).toBe(0);
    await place.session(place.early);
    expect(sizes().at(-1)).toBe(1000);
  });

  test('what is exported before the client has finished is what is exported after', async () => {
    const place = new Place();
    const joined = await resume(place, await place.session(place.early), [10]);
    const { connection } = joined.server;
    const exported = () => (connection as ServerConnection).exportKeyingMaterial('label', new Uint8Array(3), 32);
    expect(joined.server.info).toBeUndefined();
    const early = exported();
    await complete(joined);
    expect(joined.server.info?.earlyData).toBe(true);
    expect(Buffer.from(exported())).toEqual(Buffer.from(early));
    (connection as ServerConnection).dispose();
    expect(exported).toThrow(UsageError);

    const waiting = place.join();
    expect(() => (waiting.server.connection as ServerConnection).exportKeyingMaterial('label', new Uint8Array(0), 32))
      .toThrow(
        UsageError,
      );
  });

  test('off by default: rejected and skipped', async () => {
    // 9846-4.3.10-5, 9846-4.3.10-10, 9846-F.5-3
    const place = new Place();
    const joined = await resume(place, await place.session(), [10, 2000, 0], place.config);
    expect(joined.client.encryptedExtensions!.has(42)).toBe(false);
    await complete(joined);
    expect(joined.server.info?.earlyData).toBe(false);
    expect(joined.server.received.length).toBe(0);
    expect(joined.server.error).toBeUndefined();
  });

  test('more than max_early_data_size: unexpected_message', async () => {
    // 9846-4.7.1-17
    const place = new Place();
    const joined = await resume(place, await place.session(place.early), [600, 401]);
    expect(joined.server.reason).toBe('too_much_early_data');
    expect(joined.client.alert).toBe(10);
  });

  test('rejected early data does not go on for ever', async () => {
    const place = new Place();
    const data = Array.from({ length: 40 }, () => 1000);
    const joined = await resume(place, await place.session(), data, place.config);
    expect(joined.server.error?.alert).toMatch(/unexpected_message|bad_record_mac/);
  });

  test('and for no longer than the limit says', async () => {
    for (const [length, reason] of [[1000, undefined], [1200, 'too_much_early_data']] as const) {
      const place = new Place();
      const config = { ...place.config, limits: { skippedEarlyData: 1100 } };
      const joined = await resume(place, await place.session(), [length], config);
      if (reason === undefined) await complete(joined);
      expect(joined.server.reason).toBe(reason);
    }
  });

  test('a replayed first flight: its early data is rejected, the handshake is not', async () => {
    // 9846-8-3, 9846-8.2-1
    const place = new Place();
    const psk = await place.session(place.early);
    const first = place.join(place.early, {}, { echo: false });
    first.client.psk = psk;
    const hello = first.client.encodeHello(withExtensions(first.client.usualHello(), extension.earlyData()));
    await first.client.sendMessages(hello);
    await first.client.drain();
    expect(first.client.encryptedExtensions!.has(42)).toBe(true);

    const again = place.join(place.early, {}, { echo: false });
    await again.client.sendRecord(Type.handshake, hello);
    const output = await again.server.receive();
    expect(output.length).toBeGreaterThan(100);
    expect(again.server.error).toBeUndefined();
    // The replayed records of early data are skipped.
    const record = first.client.seal(Type.applicationData, new Uint8Array(10), { epoch: 'early' });
    await again.client.send(record);
    await again.server.receive();
    expect(again.server.received.length).toBe(0);
    expect(again.server.error).toBeUndefined();
  });

  test('a ClientHello with a wrong binder does not reach the replay register', async () => {
    // 9846-8.2-2
    const place = new Place();
    const psk = await place.session(place.early);
    let asked = 0;
    const antiReplay = { accept: () => ++asked > 0 };
    const { server, client } = place.join({ ...place.config, earlyData: { maxSize: 1000, antiReplay } });
    client.psk = { ...psk, key: new Uint8Array(32) };
    await client.sendHello(withExtensions(client.usualHello(), extension.earlyData()));
    await client.drain();
    expect(server.reason).toBe('invalid_binder');
    expect(asked).toBe(0);
  });

  test('a ticket age that does not fit: rejected, the handshake goes on', async () => {
    // 9846-4.3.10-3, 9846-4.3.10-4
    const place = new Place();
    const psk = await place.session(place.early);
    place.clock.now += 60_000;
    const joined = await resume(place, psk, [10]);
    expect(joined.client.encryptedExtensions!.has(42)).toBe(false);
    await complete(joined);
    expect(joined.server.info?.resumed).toBe(true);
    const fitting = { ...psk, obfuscatedAge: (psk.obfuscatedAge! + 60_000) % 2 ** 32 };
    const fresh = await resume(place, fitting, [10]);
    expect(fresh.client.encryptedExtensions!.has(42)).toBe(true);
  });

  test('how far the age may be off is an option, and how far it was is told', async () => {
    const place = new Place();
    const psk = await place.session(place.early);
    place.clock.now += 1000;
    for (const [skew, accepted] of [[500, true], [-500, true], [501, false], [-501, false]] as const) {
      const early = { ...place.early, earlyData: { ...place.early.earlyData!, ageTolerance: 500 } };
      const joined = await resume(
        place,
        { ...psk, obfuscatedAge: (psk.obfuscatedAge! + 1000 + skew) >>> 0 },
        [10],
        early,
      );
      expect(joined.client.encryptedExtensions?.has(42)).toBe(accepted);
      await complete(joined);
      expect(joined.server.info).toMatchObject({ earlyData: accepted, ticketAgeSkew: skew });
    }
  });

  test('not with the second PSK, nor with another suite', async () => {
    // 9846-4.3.10-7, 9846-4.3.10-8
    const place = new Place();
    const psk = await place.session(place.early, { cipherSuites: [0x1303] });
    const other = await resume(place, psk, [10], { ...place.early, cipherSuites: [0x1301] });
    expect(other.client.serverHello!.extensions.has(41)).toBe(true);
    expect(other.client.encryptedExtensions!.has(42)).toBe(false);
  });

  test('an accepted record that does not decrypt is bad_record_mac', async () => {
    // 9846-4.3.10-11, 9846-4.3.10-12
    const place = new Place();
    const joined = await resume(place, await place.session(place.early), [10]);
    const record = joined.client.seal(Type.applicationData, new Uint8Array(10), { epoch: 'early' });
    record[8]! ^= 1;
    await joined.client.send(record);
    await joined.client.drain();
    expect(joined.server.reason).toBe('bad_record_mac');
    expect(joined.client.alert).toBe(20);
  });

  test('Finished without EndOfEarlyData does not end it', async () => {
    // 9846-4.6-1
    const place = new Place();
    const joined = await resume(place, await place.session(place.early), [10]);
    await joined.client.finish();
    await joined.client.drain();
    expect(joined.server.reason).toBe('bad_record_mac');
  });

  test('EndOfEarlyData that was not due is unexpected_message', async () => {
    // 9846-4.6-2
    const { server, client } = join();
    await client.toServerFinished();
    await client.sendMessages(message(5, new Uint8Array()));
    await client.drain();
    expect(server.reason).toBe('unexpected_message');
  });

  test('after a HelloRetryRequest it is skipped, and not offered again', async () => {
    // 9846-4.3.10-5, 9846-4.3.10-6
    const place = new Place();
    const psk = await place.session(place.early);
    const { server, client } = place.join(place.early, {}, { echo: false });
    client.psk = psk;
    const hello = withExtensions(client.usualHello(), extension.keyShare([]), extension.earlyData());
    await client.sendHello(hello);
    await client.sendRecord(Type.applicationData, new Uint8Array(100), { epoch: 'early' });
    await client.until(() => client.retry !== undefined);
    await client.sendHello(client.secondHello());
    await client.until(() => client.serverFinished);
    await client.finish();
    await client.drain();
    expect(server.info?.resumed).toBe(true);
    expect(server.info?.earlyData).toBe(false);
    expect(server.received.length).toBe(0);
  });

  test('after a HelloRetryRequest it ends where the second ClientHello begins', async () => {
    // 9846-5.1-3, 9846-5.1-4
    const place = new Place();
    const { server, client } = place.join(place.early);
    await client.sendHello(withExtensions(client.usualHello(), extension.keyShare([]), extension.earlyData()));
    await client.until(() => client.retry !== undefined);
    const second = client.encodeHello(client.secondHello());
    await client.sendRecord(Type.handshake, second.subarray(0, 20));
    await client.sendRecord(Type.applicationData, new Uint8Array(100));
    await client.sendRecord(Type.handshake, second.subarray(20));
    await client.drain();
    expect(server.reason).toBe('unexpected_application_data');
    expect(client.alert).toBe(10);
  });

  test('the server answers before early data ends', async () => {
    // 9846-4.3.11.3-1, 9846-4.5.3-2
    const place = new Place();
    const joined = await resume(place, await place.session(place.early), []);
    expect(joined.client.serverFinished).toBe(true);
    joined.server.connection.send(concat([1, 2, 3]));
    await joined.client.drain();
    expect(joined.client.applicationData.length).toBe(3);
  });
});
