/// <reference lib="deno.ns" />
// The bare handles by which backends are reached, on the Deno that runs this.
import assert from 'node:assert/strict';
import { type ConnectHandle, handleConnector } from '../../src/socket/deno_handle.ts';
import type { Socket, SocketHandler } from '../../src/socket/socket.ts';

const REGION = 512 * 1024;

function connector(): ConnectHandle {
  const connect = handleConnector(new Uint8Array(REGION), () => false);
  assert.ok(connect !== undefined, 'the handles of this Deno are not as we know them');
  return connect;
}

/** Counts what arrives, and lets a test wait for one of its events. */
class Events implements SocketHandler {
  length = 0;
  longest = 0;
  sum = 0;
  readonly seen = new Set<string>();
  error: Error | undefined;
  #wake: () => void = () => {};

  connected(): void {
    this.#saw('connected');
  }
  received(bytes: Uint8Array): void {
    this.length += bytes.length;
    this.longest = Math.max(this.longest, bytes.length);
    for (const byte of bytes) this.sum = (this.sum * 31 + byte) >>> 0;
    this.#saw('received');
  }
  receivedEnd(): void {
    this.#saw('end');
  }
  drained(): void {
    this.#saw('drained');
  }
  closed(error: Error | undefined): void {
    this.error = error;
    this.#saw('closed');
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#wake = resolve);
  }

  #saw(event: string): void {
    this.seen.add(event);
    this.#wake();
  }
}

async function withListener(use: (listener: Deno.TcpListener, port: number) => Promise<void>): Promise<void> {
  const listener = Deno.listen({ hostname: '127.0.0.1', port: 0 });
  try {
    await use(listener, listener.addr.port);
  } finally {
    listener.close();
  }
}

function checksum(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => (sum * 31 + byte) >>> 0, 0);
}

Deno.test('four megabytes there and back, in long reads and with writes that wait', async () => {
  await withListener(async (listener, port) => {
    const events = new Events();
    const socket = connector()({ host: '127.0.0.1', port }, events) as Socket;
    const peer = await listener.accept();
    const sent = Uint8Array.from({ length: 4 << 20 }, (_, index) => (index * 2654435761) >>> 13);
    await events.until(() => events.seen.has('connected'));
    // Nobody reads yet: more than the kernel takes.
    let taken = true;
    for (let at = 0; taken && at < 8; at++) taken = socket.write(sent);
    assert.equal(taken, false);
    let length = 0;
    const buffer = new Uint8Array(1 << 20);
    while (!events.seen.has('drained')) length += await peer.read(buffer) ?? 0;
    socket.end();
    for (let read: number | null; (read = await peer.read(buffer)) !== null;) length += read;
    assert.equal(length % sent.length, 0);

    socket.resume();
    for (let at = 0; at < sent.length;) at += await peer.write(sent.subarray(at));
    peer.close();
    await events.until(() => events.seen.has('closed'));
    assert.equal(events.error, undefined);
    assert.equal(events.length, sent.length);
    assert.equal(events.sum, checksum(sent));
    assert.ok(events.longest > 32 * 1024 && events.longest <= REGION, `longest read ${events.longest}`);
  });
});

/** What the promise gives, or undefined when that takes too long. */
async function soon<T>(promise: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => timer = setTimeout(() => resolve(undefined), 300));
  const first = await Promise.race([promise.catch(() => undefined), late]);
  clearTimeout(timer);
  return first;
}

for (const way of ['destroy', 'reset'] as const) {
  Deno.test(`${way} while it connects leaves nothing open`, async () => {
    await withListener(async (listener, port) => {
      const events = new Events();
      const socket = connector()({ host: '127.0.0.1', port }, events) as Socket;
      socket[way]();
      await events.until(() => events.seen.has('closed'));
      assert.equal(events.seen.has('connected'), false);
      // It may have arrived all the same; then it is over.
      const peer = await soon(listener.accept());
      if (peer === undefined) return;
      assert.equal(await soon(peer.read(new Uint8Array(1)).catch(() => null)), null);
      peer.close();
    });
  });
}

Deno.test('a reset is one', async () => {
  await withListener(async (listener, port) => {
    const events = new Events();
    const socket = connector()({ host: '127.0.0.1', port }, events) as Socket;
    const peer = await listener.accept();
    await events.until(() => events.seen.has('connected'));
    socket.reset();
    await assert.rejects(peer.read(new Uint8Array(1)), Deno.errors.ConnectionReset);
    peer.close();
  });
});

Deno.test('a closed port is told as an error', async () => {
  const listener = Deno.listen({ hostname: '127.0.0.1', port: 0 });
  const { port } = listener.addr;
  listener.close();
  const events = new Events();
  connector()({ host: '127.0.0.1', port }, events);
  await events.until(() => events.seen.has('closed'));
  assert.match(String(events.error), /connect ECONNREFUSED/);
});

Deno.test('names, and addresses that are not permitted, are left to Deno.connect', () => {
  const connect = connector();
  assert.equal(connect({ host: 'localhost', port: 1 }, new Events()), undefined);
  // The suite runs with --allow-net=127.0.0.1.
  assert.equal(connect({ host: '127.0.0.2', port: 1 }, new Events()), undefined);
});
