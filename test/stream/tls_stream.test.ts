import { describe, expect, test } from 'vitest';
import { TlsError } from '../../src/error.ts';
import type { Socket } from '../../src/socket/socket.ts';
import { memorySocketPair } from '../../src/socket/memory.ts';
import type { EffectHandlers } from '../../src/stream/effect_runner.ts';
import { acceptTls, connectTls, type TlsStream } from '../../src/stream/tls_stream.ts';
import { NOW, perform, provider, seededRandom, serverIdentity } from '../support/pair.ts';
import { TestAntiReplay, TestTickets } from '../support/hostile_server.ts';
import { RawClient } from '../support/raw_client.ts';
import { concat, extension, message, withExtensions } from '../support/raw_wire.ts';

const config = (seed: string) => ({ crypto: provider, random: seededRandom(seed), now: () => NOW });

const trusting: EffectHandlers = {
  verifyPeer: (effect) => perform(effect) as true,
};

interface Joined {
  readonly client: TlsStream;
  readonly server: TlsStream;
  readonly sockets: readonly [client: Socket, server: Socket];
}

async function join(
  selectCredentials: EffectHandlers['selectCredentials'] = () => serverIdentity.credentials,
): Promise<Joined> {
  const sockets = memorySocketPair();
  const [client, server] = await Promise.all([
    connectTls(sockets[0], { ...config('client'), serverName: 'a.example' }, trusting),
    acceptTls(sockets[1], config('server'), { selectCredentials }),
  ]);
  return { client, server, sockets };
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

async function write(stream: TlsStream, text: string, end = false): Promise<void> {
  const writer = stream.writable.getWriter();
  await writer.write(encode(text));
  if (end) await writer.close();
  writer.releaseLock();
}

async function readAll(stream: TlsStream): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream.readable as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer());
}

test('both sides learn what was agreed, and derive the same keys from it', async () => {
  const { client, server } = await join();
  expect(client.info.role).toBe('client');
  expect(server.info.serverName).toBe('a.example');
  expect(server.info.cipherSuiteName).toBe(client.info.cipherSuiteName);
  const [one, other] = [client, server].map((side) => side.exportKeyingMaterial('EXPORTER-test', encode('x'), 32));
  expect(one).toEqual(other);
});

test('handlers may answer later', async () => {
  const { server } = await join((hello) =>
    new Promise((resolve) => {
      queueMicrotask(() => resolve(hello.serverName === 'a.example' ? serverIdentity.credentials : undefined));
    })
  );
  expect(server.info.version).toBe('TLSv1.3');
});

test('no credentials: both sides are rejected, the client with the alert', async () => {
  const sockets = memorySocketPair();
  const results = await Promise.allSettled([
    connectTls(sockets[0], { ...config('client'), serverName: 'a.example' }, trusting),
    acceptTls(sockets[1], config('server'), { selectCredentials: () => undefined }),
  ]);
  expect(results.map((result) => (result as PromiseRejectedResult).reason)).toEqual([
    expect.objectContaining({ reason: 'peer_alert', alert: 'unrecognized_name' }),
    expect.objectContaining({ reason: 'unrecognized_name' }),
  ]);
});

test('a handler that throws ends the handshake with internal_error, and says nothing of why', async () => {
  const sockets = memorySocketPair();
  const results = await Promise.allSettled([
    connectTls(sockets[0], { ...config('client') }, trusting),
    acceptTls(sockets[1], config('server'), {
      selectCredentials: () => {
        throw new Error('the vault is at /secret/path');
      },
    }),
  ]);
  const [client, server] = results.map((result) => (result as PromiseRejectedResult).reason as TlsError);
  expect(client?.alert).toBe('internal_error');
  expect(server?.reason).toBe('internal_error');
  expect(server?.message).not.toContain('secret');
});

describe('streams', () => {
  test('each direction ends for itself', async () => {
    const { client, server } = await join();
    await write(client, 'question', true);
    expect(new TextDecoder().decode(await readAll(server))).toBe('question');
    await write(server, 'answer', true);
    expect(new TextDecoder().decode(await readAll(client))).toBe('answer');
  });

  test('megabytes arrive whole, and wait while nobody reads', async () => {
    const { client, server } = await join();
    const sent = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 2654435761) >>> 13);
    const writer = client.writable.getWriter();
    let written = 0;
    const writing = (async () => {
      for (; written < sent.length; written += 50_000) {
        await writer.ready;
        await writer.write(sent.slice(written, written + 50_000));
      }
      await writer.close();
    })();
    // As many turns as a stream without an end to its patience would need to take everything.
    for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBeLessThan(sent.length / 2);
    const received = await readAll(server);
    await writing;
    expect(Buffer.from(received).equals(Buffer.from(sent))).toBe(true);
  });

  test('a socket that ends without close_notify is a truncation, after the data before it', async () => {
    const { client, server, sockets } = await join();
    await write(client, 'half of a mess');
    const reader = server.readable.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('half of a mess');
    sockets[0].end();
    await expect(reader.read()).rejects.toMatchObject({ reason: 'truncated' });
  });

  test('a socket that is reset is an error on both streams', async () => {
    const { client, server, sockets } = await join();
    sockets[0].reset();
    await expect(server.readable.getReader().read()).rejects.toThrow('reset');
    await expect(write(server, 'x')).rejects.toThrow('reset');
    await expect(write(client, 'x')).rejects.toThrow();
  });

  test('aborting a direction ends the connection with an alert', async () => {
    const { client, server } = await join();
    await client.writable.abort();
    await expect(server.readable.getReader().read()).rejects.toMatchObject({
      reason: 'peer_alert',
      alert: 'internal_error',
    });
    await expect(write(client, 'x')).rejects.toThrow();
  });
});

/** The client's end of a pair of sockets, as the raw client sees it. */
function rawLink(socket: Socket) {
  const inbox: Uint8Array[] = [];
  socket.handler = {
    connected() {},
    received: (bytes) => void inbox.push(bytes.slice()),
    receivedEnd() {},
    drained() {},
    closed() {},
  };
  socket.resume();
  return {
    send: (bytes: Uint8Array) => void socket.write(bytes),
    async receive() {
      await new Promise((resolve) => setImmediate(resolve));
      return concat(...inbox.splice(0));
    },
    end() {},
  };
}

test('early data is given only when the handshake is finished, and how much of it there was', async () => {
  const accepted = new TestAntiReplay();
  const options = { tickets: { store: new TestTickets() }, earlyData: { maxSize: 100, antiReplay: accepted } };
  const selectCredentials = () => serverIdentity.credentials;
  const start = () => {
    const sockets = memorySocketPair();
    const stream = acceptTls(sockets[1], { ...config('server'), ...options }, { selectCredentials });
    return { stream, client: new RawClient(rawLink(sockets[0])) };
  };
  const first = start();
  await first.client.toServerFinished();
  await first.client.finish();
  await first.client.until(() => first.client.tickets.length > 0);
  const psk = first.client.pskOf(first.client.tickets[0]!);

  const { stream, client } = start();
  let done = false;
  void stream.then(() => done = true);
  client.psk = psk;
  await client.sendMessages(client.encodeHello(withExtensions(client.usualHello(), extension.earlyData())));
  await client.sendData('early', { epoch: 'early' });
  await client.until(() => client.serverFinished);
  expect(client.encryptedExtensions?.has(42)).toBe(true);
  expect(done).toBe(false);
  const end = message(5, new Uint8Array());
  client.transcript.push(end);
  await client.sendRecord(22, end, { epoch: 'early' });
  await client.finish();
  await client.sendData(' and late');
  await client.sendAlert(1, 0);
  await client.drain();
  const { earlyDataLength, info } = await stream;
  expect(info.earlyData).toBe(true);
  expect(earlyDataLength).toBe(5);
  expect(new TextDecoder().decode(await readAll(await stream))).toBe('early and late');
});
