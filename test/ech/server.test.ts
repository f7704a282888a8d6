/** RFC 9849, the server's side: §5 to §7. The client is test/support/ech_client.ts. */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { encodeEchConfig, encodeEchConfigList } from '../../src/ech/config.ts';
import { type EchKey, EchKeys, makeEchKey } from '../../src/ech/keys.ts';
import { UsageError } from '../../src/error.ts';
import type { ServerConfig } from '../../src/handshake/config.ts';
import { confirmation, ECH, EchClient, type EchOptions, OUTER_EXTENSIONS } from '../support/ech_client.ts';
import { join } from '../support/hostile_server.ts';
import { nodeProvider } from '../support/node_provider.ts';
import { type RawClient, type RawClientOptions, Type } from '../support/raw_client.ts';
import {
  type Bytes,
  concat,
  extension,
  plainRecord,
  type RawHello,
  u16s,
  u8,
  vector,
  withExtensions,
  withoutExtensions,
} from '../support/raw_wire.ts';

const crypto = nodeProvider();
const random = (length: number): Bytes => new Uint8Array(randomBytes(length));
const key = makeEchKey(crypto, random, 'public.test', { configId: 7, maximumNameLength: 32 });
const keys = new EchKeys(crypto, [key]);

interface Attempt {
  readonly config?: Partial<ServerConfig>;
  readonly client?: RawClientOptions;
  readonly ech?: EchOptions;
  readonly with?: EchKey;
  /** The inner hello, made of the usual one. */
  readonly inner?: (usual: RawHello) => RawHello;
  readonly outer?: (usual: RawHello) => RawHello;
}

/** An outer ClientHello for public.test around an inner one for secret.test, sent; the transcript is that of the inner one. */
async function attempt({ config = {}, client: options = {}, ech, with: used = key, inner, outer }: Attempt = {}) {
  const { server, client } = join({ encryptedClientHello: keys, ...config }, options);
  const maker = new EchClient(used.config, ech);
  const usual = client.usualHello();
  const inside = withExtensions(usual, extension.serverName('secret.test'));
  const outside: RawHello = { ...withExtensions(usual, extension.serverName('public.test')), random: random(32) };
  const hellos = maker.hellos(inner?.(inside) ?? inside, outer?.(outside) ?? outside);
  client.hello = inner?.(inside) ?? inside;
  client.transcript.push(hellos.inner);
  await client.send(plainRecord(Type.handshake, hellos.outer));
  return { server, client, maker, hellos, outside };
}

/** The client goes on with the outer hello, as one does that sees no confirmation. */
function withOuter({ client, hellos }: { client: RawClient; hellos: { outer: Bytes } }): void {
  client.transcript.splice(0, 1, hellos.outer);
}

async function finished(attempted: Awaited<ReturnType<typeof attempt>>) {
  const { server, client } = attempted;
  await client.until(() => client.serverFinished || client.alert !== undefined);
  if (client.serverFinished) await client.finish();
  await client.drain();
  return { server, client };
}

describe('an inner ClientHello', () => {
  test.each([[1, 1], [1, 3]])('is opened and confirmed, with KDF %d and AEAD %d', async (kdf, aead) => {
    const attempted = await attempt({ ech: { kdf, aead }, client: { legacySessionId: random(32) } });
    const { server, client } = await finished(attempted);
    expect(server.error).toBeUndefined();
    expect(server.info).toMatchObject({ encryptedClientHello: 'accepted', serverName: 'secret.test' });
    expect(client.encryptedExtensions!.has(ECH)).toBe(false);
    const [hello, answer] = client.transcript as [Bytes, Bytes];
    const expected = confirmation(
      client.serverHello!.cipherSuite,
      hello.subarray(6, 38),
      [hello, answer],
      30,
      'ech accept confirmation',
    );
    expect(Buffer.from(answer.subarray(30, 38))).toEqual(Buffer.from(expected));
  });

  test('takes extensions from the outer one, in order, with others between them', async () => {
    const attempted = await attempt({
      inner: (usual) =>
        withExtensions(
          withoutExtensions(usual, 10, 51, 0xabcd),
          extension.raw(OUTER_EXTENSIONS, vector(1, u16s([10, 0xabcd, 51]))),
        ),
      outer: (usual) => ({
        ...usual,
        extensions: [
          ...usual.extensions.filter(({ type }) => type !== 51),
          extension.raw(0xabcd, u8(1)),
          ...usual.extensions.filter(({ type }) => type === 51),
        ],
      }),
    });
    const { server } = await finished(attempted);
    expect(server.error).toBeUndefined();
    expect(server.info).toMatchObject({ encryptedClientHello: 'accepted', serverName: 'secret.test' });
  });

  test('is all that counts: the outer one may offer nothing', async () => {
    const attempted = await attempt({ outer: (usual) => withoutExtensions(usual, 10, 13, 43, 51) });
    expect((await finished(attempted)).server.info).toMatchObject({ serverName: 'secret.test' });
  });

  test('after a HelloRetryRequest, which confirms as well', async () => {
    const attempted = await attempt({
      client: { group: 0x1d },
      inner: (usual) => withExtensions(usual, extension.keyShare([])),
    });
    const { server, client, maker, hellos, outside } = attempted;
    await client.until(() => client.retry !== undefined);
    const retry = client.transcript.at(-1)!;
    const first = client.transcript[0]!;
    const expected = confirmation(
      client.retry!.cipherSuite,
      hellos.inner.subarray(6, 38),
      client.transcript,
      retry.length - 8,
      'hrr ech accept confirmation',
    );
    expect(first[0]).toBe(254);
    expect(Buffer.from(client.retry!.extensions.get(ECH)!)).toEqual(Buffer.from(expected));
    const second = maker.hellos(withExtensions(client.hello!, extension.keyShare([client.share()])), outside);
    client.transcript.push(second.inner);
    await client.send(plainRecord(Type.handshake, second.outer));
    await finished(attempted);
    expect(server.error).toBeUndefined();
    expect(server.info).toMatchObject({ encryptedClientHello: 'accepted', helloRetryRequest: true });
  });
});

describe('a ClientHello that is not opened', () => {
  const other = makeEchKey(crypto, random, 'public.test', { configId: 7 });
  const old = makeEchKey(crypto, random, 'public.test', { configId: 8 });

  test.each<[string, Attempt]>([
    ['of another key under the same identifier', { with: other }],
    ['of an unknown configuration', { ech: { configId: 99 } }],
    ['of a suite that the configuration lacks', { ech: { kdf: 2, aead: 3 } }],
    ['whose payload was altered', {
      ech: { alterPayload: (payload) => payload.map((byte, i) => i === 5 ? byte ^ 1 : byte) },
    }],
  ])('%s: the outer one counts, and the configurations come back', async (_name, options) => {
    const attempted = await attempt(options);
    withOuter(attempted);
    const { server, client } = await finished(attempted);
    expect(server.error).toBeUndefined();
    expect(server.info).toMatchObject({ encryptedClientHello: 'rejected', serverName: 'public.test' });
    expect(Buffer.from(client.encryptedExtensions!.get(ECH)!)).toEqual(Buffer.from(encodeEchConfigList([key.config])));
  });

  test('of an outer hello that was altered on the way', async () => {
    const attempted = await attempt({
      ech: { alterOuter: (body) => body.map((byte, i) => i === 10 ? byte ^ 1 : byte) },
    });
    withOuter(attempted);
    expect((await finished(attempted)).server.info).toMatchObject({ encryptedClientHello: 'rejected' });
  });

  test('former keys still open, but are not given out', async () => {
    const both = new EchKeys(crypto, [key, { ...old, retry: false }]);
    const attempted = await attempt({ with: old, config: { encryptedClientHello: both } });
    expect((await finished(attempted)).server.info).toMatchObject({ encryptedClientHello: 'accepted' });
    expect(Buffer.from(both.retryConfigs)).toEqual(Buffer.from(encodeEchConfigList([key.config])));
  });

  test('two keys may have one identifier', async () => {
    const both = new EchKeys(crypto, [other, key]);
    const attempted = await attempt({ config: { encryptedClientHello: both } });
    expect((await finished(attempted)).server.info).toMatchObject({ encryptedClientHello: 'accepted' });
  });

  test('its HelloRetryRequest has eight bytes that confirm nothing', async () => {
    const attempted = await attempt({ with: other, outer: (usual) => withExtensions(usual, extension.keyShare([])) });
    withOuter(attempted);
    const { client, server, outside, maker } = attempted;
    await client.until(() => client.retry !== undefined);
    expect(client.retry!.extensions.get(ECH)).toHaveLength(8);
    const second = maker.hellos(client.hello!, withExtensions(outside, extension.keyShare([client.share()])));
    client.transcript.push(second.outer);
    await client.send(plainRecord(Type.handshake, second.outer));
    await finished(attempted);
    expect(server.info).toMatchObject({ encryptedClientHello: 'rejected', helloRetryRequest: true });
    expect(client.encryptedExtensions!.has(ECH)).toBe(true);
  });

  test('a server without keys does not know the extension', async () => {
    const { server, client } = join();
    const outer = new EchClient(key.config).hellos(client.usualHello(), client.usualHello()).outer;
    client.transcript.push(outer);
    await client.send(plainRecord(Type.handshake, outer));
    await client.until(() => client.serverFinished);
    expect(client.encryptedExtensions!.has(ECH)).toBe(false);
    expect(server.error).toBeUndefined();
  });
});

describe('is refused', () => {
  const refusal = async (options: Attempt) => {
    const { server, client } = await attempt(options);
    await client.drain();
    return [server.reason, client.alert];
  };
  const outerExtensions = (...types: number[]) => (usual: RawHello) =>
    withExtensions(withoutExtensions(usual, 10), extension.raw(OUTER_EXTENSIONS, vector(1, u16s(types))));

  test.each<[string, (usual: RawHello) => RawHello]>([
    ['missing', outerExtensions(10, 0xabcd)],
    ['out of order', outerExtensions(51, 10)],
    ['there twice', outerExtensions(10, 10)],
    ['encrypted_client_hello itself', outerExtensions(10, ECH)],
  ])('an outer extension %s', async (_name, inner) => {
    expect(await refusal({ inner })).toEqual(['invalid_outer_extensions', 47]);
  });

  test('an extension both inside and referred to', async () => {
    const inner = (usual: RawHello) => withExtensions(usual, extension.raw(OUTER_EXTENSIONS, vector(1, u16s([10]))));
    expect(await refusal({ inner })).toEqual(['duplicate_extension', 47]);
  });

  test.each<[string, Attempt]>([
    ['without its mark', { ech: { alterInner: unmarked } }],
    ['that offers TLS 1.2', { inner: (usual) => withExtensions(usual, extension.supportedVersions([0x0304, 0x0303])) }],
    ['that offers no version', { inner: (usual) => withoutExtensions(usual, 43) }],
    ['with padding that is not zero', { ech: { alterInner: (encoded) => concat(encoded, [0, 1]) } }],
    ['with a session identifier', {
      ech: { alterInner: (encoded) => concat(encoded.subarray(0, 34), [1, 9], encoded.subarray(35)) },
    }],
  ])('an inner hello %s', async (_name, options) => {
    expect(await refusal(options)).toEqual(['invalid_inner_hello', 47]);
  });

  /** The last extension of the encoded hello, before 20 zeros, is the mark: another type takes its place. */
  function unmarked(encoded: Bytes): Bytes {
    const copy = Uint8Array.from(encoded);
    copy.set([0xab, 0xcd], encoded.length - 20 - 5);
    return copy;
  }

  test('an inner hello that is longer than one may be', async () => {
    const inner = (usual: RawHello) => withExtensions(usual, extension.raw(0xabcd, new Uint8Array(300)));
    const outer = (usual: RawHello) => withExtensions(usual, extension.raw(0xabce, new Uint8Array(0)));
    expect(await refusal({ inner, outer, config: { limits: { clientHelloLength: 16384 } } })).toEqual([
      undefined,
      undefined,
    ]);
    expect(await refusal({ inner, outer, config: { limits: { clientHelloLength: 300 } } })).toEqual([
      'client_hello_too_long',
      47,
    ]);
  });

  test.each([
    ['an inner mark outside', [1], 47],
    ['an unknown type', [2], 47],
    ['nothing', [], 50],
    ['an inner mark and more', [1, 0], 50],
    ['an outer one that ends early', [0, 0, 1, 0, 3, 7, 0, 0], 50],
    ['an outer one without a payload', [0, 0, 1, 0, 3, 7, 0, 0, 0, 0], 50],
  ])('%s', async (_name, body, alert) => {
    const { client } = join({ encryptedClientHello: keys });
    await client.sendHello(withExtensions(client.usualHello(), extension.raw(ECH, Uint8Array.from(body))));
    await client.drain();
    expect(client.alert).toBe(alert);
  });

  test.each<[string, (second: Bytes, first: Bytes) => Bytes, number]>([
    ['altered', (second) => second.map((byte, i) => i === second.length - 1 ? byte ^ 1 : byte), 51],
    ['with the first payload again', (_second, first) => first, 47],
    ['without encrypted_client_hello', (second) => second, 109],
    ['under another identifier', (second) => second, 47],
  ])('a second hello %s', async (name, alter, alert) => {
    const attempted = await attempt({ inner: (usual) => withExtensions(usual, extension.keyShare([])) });
    const { client, maker, outside, hellos } = attempted;
    await client.until(() => client.retry !== undefined);
    const inner = withExtensions(client.hello!, extension.keyShare([client.share()]));
    const other = new EchClient(key.config, { configId: 9 });
    if (name.startsWith('under')) other.hellos(inner, outside);
    const second = name.startsWith('under') ? other.hellos(inner, outside) : maker.hellos(inner, outside);
    if (name.startsWith('without')) await client.sendHello(client.secondHello());
    else await client.send(plainRecord(Type.handshake, alter(second.outer, hellos.outer)));
    await client.drain();
    expect(client.alert).toBe(alert);
  });
});

describe('the backend of split mode: a server without keys', () => {
  const inner = (client: RawClient) => withExtensions(client.usualHello(), extension.raw(ECH, u8(1)));

  test('confirms an inner hello', async () => {
    const { server, client } = join();
    await client.toServerFinished(inner(client));
    const [hello, answer] = client.transcript as [Bytes, Bytes];
    const suite = client.serverHello!.cipherSuite;
    const expected = confirmation(suite, hello.subarray(6, 38), [hello, answer], 30, 'ech accept confirmation');
    expect(Buffer.from(answer.subarray(30, 38))).toEqual(Buffer.from(expected));
    await client.finish();
    await client.drain();
    expect(server.info?.encryptedClientHello).toBe('accepted');
  });

  test('after a HelloRetryRequest, and then the mark has to stay', async () => {
    for (const stays of [true, false]) {
      const { server, client } = join();
      await client.sendHello(withExtensions(inner(client), extension.keyShare([])));
      await client.until(() => client.retry !== undefined);
      expect(client.retry!.extensions.get(ECH)).toHaveLength(8);
      await client.sendHello(stays ? client.secondHello() : withoutExtensions(client.secondHello(), ECH));
      await client.drain();
      expect(server.reason).toBe(stays ? undefined : 'missing_extension');
    }
  });
});

describe('keys', () => {
  const wrong = (config: Bytes, privateKey: Bytes = key.privateKey) => () =>
    new EchKeys(crypto, [{ config, privateKey }]);
  const publicKey = key.config.subarray(9, 41);

  test('that make no sense are refused, each with its reason', () => {
    expect(() => new EchKeys(crypto, [])).toThrow('at least one key with `retry`');
    expect(() => new EchKeys(crypto, [{ ...key, retry: false }])).toThrow(UsageError);
    expect(wrong(key.config, random(32))).toThrow('the private key is not that of the ECHConfig');
    expect(wrong(key.config, random(31))).toThrow('an X25519 private key has 32 bytes');
    expect(wrong(key.config.subarray(0, 30))).toThrow('not one ECHConfig');
    expect(wrong(concat(key.config, [0]))).toThrow('not one ECHConfig');
    expect(wrong(concat([0xfe, 0x0a], key.config.subarray(2)))).toThrow('an ECHConfig of version 0xfe0a');
    const base = { configId: 1, publicKey, publicName: 'a.test' };
    expect(wrong(encodeEchConfig({ ...base, kem: 0x10 }))).toThrow('KEM 0x10 is not supported');
    expect(wrong(encodeEchConfig({ ...base, cipherSuites: [{ kdf: 9, aead: 9 }] }))).toThrow(
      'none of its cipher suites',
    );
    expect(() => encodeEchConfig({ ...base, publicName: '' })).toThrow(UsageError);
  });

  test('are gone when they are wiped', async () => {
    const own = new EchKeys(crypto, [key]);
    own.wipe();
    const attempted = await attempt({ config: { encryptedClientHello: own } });
    withOuter(attempted);
    expect((await finished(attempted)).server.info).toMatchObject({ encryptedClientHello: 'rejected' });
    expect(key.privateKey.some((byte) => byte !== 0)).toBe(true);
  });
});
