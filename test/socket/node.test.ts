import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createNodeNetwork } from '../../src/socket/node.ts';
import type { Listener, Network, Socket } from '../../src/socket/socket.ts';
import { pattern, plainServer, Recorder, writeAll } from './socket_contract.ts';

const READ_REGION = 64 * 1024;
const networks: Record<string, () => Network> = {
  'bare handles': () => createNodeNetwork({ readRegion: new Uint8Array(READ_REGION) }),
  'one shared read region': () => createNodeNetwork({ readRegion: new Uint8Array(READ_REGION), netSockets: true }),
  'a read region in WebAssembly memory': () => {
    const memory = new WebAssembly.Memory({ initial: 4, maximum: 4 });
    return createNodeNetwork({ readRegion: new Uint8Array(memory.buffer, 65536, READ_REGION) });
  },
  "the fallback over 'data' events": () => createNodeNetwork({ plainSockets: true }),
};

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanups.splice(0)) cleanUp();
});

/** A listener of ours, and one accepted socket with a client of Node's own at the other end. */
async function accept(network: Network): Promise<{ socket: Socket; recorder: Recorder; client: net.Socket }> {
  let report: (socket: Socket) => void = () => {};
  const accepted = new Promise<Socket>((resolve) => report = resolve);
  const listener: Listener = await network.listen({ host: '127.0.0.1', port: 0 }, report);
  const client = net.connect({ host: '127.0.0.1', port: listener.address.port, allowHalfOpen: true });
  client.on('error', () => {});
  await once(client, 'connect');
  const socket = await accepted;
  const recorder = new Recorder();
  socket.handler = recorder;
  cleanups.push(() => {
    client.destroy();
    socket.destroy();
    listener.close();
  });
  return { socket, recorder, client };
}

describe.each(Object.keys(networks))('Node sockets with %s', (name) => {
  const network = (networks[name] as () => Network)();

  test('tell both addresses', async () => {
    const { socket, client } = await accept(network);
    expect(socket.remote).toEqual({ host: '127.0.0.1', port: client.localPort });
    expect(socket.local).toEqual({ host: '127.0.0.1', port: client.remotePort });
  });

  test('receive nothing before resume, everything after', async () => {
    const { socket, recorder, client } = await accept(network);
    client.write('hello');
    const other = await accept(network);
    other.socket.resume();
    other.client.write('x');
    await other.recorder.until((it) => it.length === 1);
    expect(recorder.length).toBe(0);
    socket.resume();
    await recorder.until((it) => it.length === 5);
    expect(recorder.bytes.toString()).toBe('hello');
  });

  test('stop when paused inside received, and go on at resume', async () => {
    const { socket, recorder, client } = await accept(network);
    const sent = pattern(4 * READ_REGION);
    recorder.onBytes = () => {
      socket.pause();
      setImmediate(() => socket.resume());
    };
    socket.resume();
    client.end(sent);
    await recorder.until((it) => it.ended);
    expect(recorder.bytes.equals(sent)).toBe(true);
  });

  test('write returns false when the peer does not read, then drained comes, in order and whole', async () => {
    const { socket, recorder, client } = await accept(network);
    const sent = pattern(24 * 1024 * 1024);
    const received: Buffer[] = [];
    let stopped = 0;
    const written = writeAll(socket, recorder, sent, 256 * 1024).then(() => socket.end());
    client.on('data', (chunk) => {
      received.push(chunk);
      if (stopped++ % 64 !== 0) return;
      client.pause();
      setImmediate(() => client.resume());
    });
    await once(client, 'end');
    await written;
    expect(recorder.drains).toBeGreaterThan(0);
    expect(Buffer.concat(received).equals(sent)).toBe(true);
  });

  test('drained comes for small writes into a full connection too', async () => {
    const { socket, recorder, client } = await accept(network);
    client.pause();
    const small = pattern(512);
    let written = 0;
    while (socket.write(small)) written += small.length;
    expect(written).toBeGreaterThan(0);
    client.resume();
    await recorder.until((it) => it.drains === 1);
    expect(socket.write(small)).toBe(true);
  });

  test('bytes are free again when write returned true', async () => {
    const { socket, client } = await accept(network);
    const bytes = new Uint8Array(1000);
    bytes.fill(0x61);
    expect(socket.write(bytes)).toBe(true);
    bytes.fill(0x62);
    const [chunk] = await once(client, 'data');
    expect(String(chunk)).toBe('a'.repeat(1000));
  });

  test('half-close in both directions', async () => {
    const { socket, recorder, client } = await accept(network);
    client.on('data', () => {});
    socket.resume();
    client.end('question');
    await recorder.until((it) => it.ended);
    expect(recorder.bytes.toString()).toBe('question');
    expect(recorder.isClosed).toBe(false);
    const answered = once(client, 'data');
    socket.write(new TextEncoder().encode('answer'));
    expect(String((await answered)[0])).toBe('answer');
    socket.end();
    await once(client, 'end');
    await recorder.until((it) => it.isClosed);
    expect(recorder.error).toBeUndefined();
  });

  test('close sends the rest however slowly the peer reads, and does not wait for its end', async () => {
    const { socket, recorder, client } = await accept(network);
    socket.resume();
    const sent = pattern(8 * 1024 * 1024);
    expect(socket.write(sent)).toBe(false);
    socket.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(recorder.isClosed).toBe(false);
    const received: Buffer[] = [];
    client.on('data', (chunk) => void received.push(chunk));
    await recorder.until((it) => it.isClosed);
    await once(client, 'end');
    expect(Buffer.concat(received).equals(sent)).toBe(true);
    expect(recorder.error).toBeUndefined();
    // The client never ended its direction.
    expect(client.writableEnded).toBe(false);
  });

  test('close after end, with nothing left to send', async () => {
    const { socket, recorder, client } = await accept(network);
    client.on('data', () => {});
    socket.resume();
    socket.end();
    await once(client, 'end');
    socket.close();
    await recorder.until((it) => it.isClosed);
    expect(recorder.error).toBeUndefined();
  });

  test('our end first leaves the peer free to send', async () => {
    const { socket, recorder, client } = await accept(network);
    client.on('data', () => {});
    socket.resume();
    socket.end();
    await once(client, 'end');
    client.end('late');
    await recorder.until((it) => it.isClosed);
    expect(recorder.bytes.toString()).toBe('late');
  });

  test('a reset by the peer is an error, a reset by us is one to the peer', async () => {
    const first = await accept(network);
    first.socket.resume();
    first.client.resetAndDestroy();
    await first.recorder.until((it) => it.isClosed);
    expect((first.recorder.error as NodeJS.ErrnoException).code).toBe('ECONNRESET');

    const second = await accept(network);
    const failed = once(second.client, 'error');
    second.client.resume();
    second.socket.resume();
    second.socket.reset();
    await second.recorder.until((it) => it.isClosed);
    expect(second.recorder.error).toBeUndefined();
    expect((await failed)[0].code).toBe('ECONNRESET');
  });

  test('connect keeps what is written before it is reached', async () => {
    const { server, port } = await plainServer((peer) => peer.on('data', (chunk) => peer.end(chunk)));
    cleanups.push(() => server.close());
    const recorder = new Recorder();
    const socket = network.connect({ host: '127.0.0.1', port }, recorder);
    expect(socket.write(new TextEncoder().encode('early'))).toBe(false);
    await recorder.until((it) => it.reached && it.drains === 1);
    expect(recorder.length).toBe(0);
    socket.resume();
    await recorder.until((it) => it.ended);
    expect(recorder.bytes.toString()).toBe('early');
    socket.end();
    await recorder.until((it) => it.isClosed);
  });

  test('connect to a port without a listener closes with the error', async () => {
    const { server, port } = await plainServer(() => {});
    server.close();
    await once(server, 'close');
    const recorder = new Recorder();
    network.connect({ host: '127.0.0.1', port }, recorder);
    await recorder.until((it) => it.isClosed);
    expect(recorder.reached).toBe(false);
    expect((recorder.error as NodeJS.ErrnoException).code).toBe('ECONNREFUSED');
  });

  test('a busy port rejects', async () => {
    const { server, port } = await plainServer(() => {});
    cleanups.push(() => server.close());
    await expect(network.listen({ host: '127.0.0.1', port }, () => {})).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

test('an accepted socket reads into the shared region itself', async () => {
  const readRegion = new Uint8Array(READ_REGION);
  const { socket, recorder, client } = await accept(createNodeNetwork({ readRegion }));
  let inRegion = false;
  recorder.onBytes = (bytes) => inRegion = bytes.buffer === readRegion.buffer;
  socket.resume();
  client.write('x');
  await recorder.until((it) => it.length === 1);
  expect(inRegion).toBe(true);
});

test.each([false, true])(
  'reads are long while there is much to read, and short in a crowd (net.Socket: %s)',
  async (netSockets) => {
    let crowd = false;
    const network = createNodeNetwork({ readRegion: new Uint8Array(256 * 1024), crowded: () => crowd, netSockets });
    const { socket, recorder, client } = await accept(network);
    const longest = async (total: number): Promise<number> => {
      const from = recorder.chunks.length;
      const before = recorder.length;
      // Stopped now and then, so that the kernel gathers more than one short read.
      recorder.onBytes = () => {
        socket.pause();
        setTimeout(() => socket.resume(), 5);
      };
      client.write(pattern(total));
      await recorder.until((it) => it.length === before + total);
      return Math.max(...recorder.chunks.slice(from).map((chunk) => chunk.length));
    };
    socket.resume();
    expect(await longest(2_000_000)).toBeGreaterThan(32 * 1024);
    crowd = true;
    await longest(300_000);
    expect(await longest(2_000_000)).toBeLessThanOrEqual(32 * 1024);
    crowd = false;
    expect(await longest(2_000_000)).toBeGreaterThan(32 * 1024);
    expect(recorder.bytes.subarray(-2_000_000).equals(pattern(2_000_000))).toBe(true);
  },
);

test('a crowd shortens the reads of sockets that are waiting, too', async () => {
  let crowd = false;
  const network = createNodeNetwork({ readRegion: new Uint8Array(256 * 1024), crowded: () => crowd });
  const [one, other] = [await accept(network), await accept(network)];
  const longestRead = async ({ recorder, socket, client }: typeof one): Promise<number> => {
    const [chunks, length] = [recorder.chunks.length, recorder.length];
    // What has gathered in the kernel comes as 32 KiB, and the rest at once if that may be.
    socket.pause();
    client.write(pattern(100_000));
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.resume();
    await recorder.until((it) => it.length === length + 100_000);
    return Math.max(...recorder.chunks.slice(chunks).map((chunk) => chunk.length));
  };
  other.socket.resume();
  one.socket.resume();
  expect(await longestRead(other)).toBeGreaterThan(32 * 1024);
  crowd = true;
  await longestRead(one);
  expect(await longestRead(other)).toBeLessThanOrEqual(32 * 1024);
});
