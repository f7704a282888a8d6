import { expect, test } from 'vitest';
import type { Connection } from '../../src/connection/connection.ts';
import type { Socket } from '../../src/socket/socket.ts';
import { BufferPool } from '../../src/stream/buffer_pool.ts';
import { Channel, type ChannelHandler } from '../../src/stream/channel.ts';

/** A socket that writes down what is asked of it. */
function scriptedSocket() {
  const calls: string[] = [];
  const note = (name: string) => () => void calls.push(name);
  const socket = {
    write(bytes: Uint8Array) {
      calls.push(`write ${bytes.length}`);
      return true;
    },
    pause: note('pause'),
    resume: note('resume'),
    end: note('end'),
    close: note('close'),
  };
  return { calls, socket: socket as unknown as Socket };
}

/** A connection whose effects and output are the test's. */
class ScriptedConnection {
  output: Uint8Array[] = [];
  pending: unknown;
  received = 0;
  ended = false;
  receiveEnd(): void {
    this.ended = true;
  }
  receive(bytes: Uint8Array): void {
    this.received += bytes.length;
  }
  resolve(): void {
    this.pending = undefined;
  }
  takeOutput(): Uint8Array[] {
    return this.output.splice(0);
  }
  takeEvents(): [] {
    return [];
  }
  close(): void {
    this.output.push(new Uint8Array(24));
  }
  dispose(): void {}
}

const SILENT: ChannelHandler = {
  onEarlyData() {},
  onHandshake() {},
  onPlaintext: () => true,
  onPlaintextEnd() {},
  onWritable() {},
  onFailed() {},
  onClosed() {},
};

function start(effects = {}) {
  const { calls, socket } = scriptedSocket();
  const connection = new ScriptedConnection();
  const pool = new BufferPool(new Uint8Array(0), 1);
  const channel = new Channel(connection as unknown as Connection, socket, SILENT, effects, pool);
  channel.start();
  calls.length = 0;
  return { calls, socket, connection, channel };
}

test('closing: close_notify, then the socket', () => {
  const { calls, channel } = start();
  channel.close();
  expect(calls).toEqual(['write 24', 'close']);
});

test('an effect that takes its time stops the reading only when more arrives meanwhile', async () => {
  let answer = (_value: undefined): void => {};
  const { calls, connection, channel } = start({
    selectCredentials: () => new Promise<undefined>((resolve) => answer = resolve),
  });
  connection.pending = { type: 'select_credentials' };
  channel.received(new Uint8Array(5));
  expect(calls).toEqual([]);
  channel.received(new Uint8Array(7));
  expect(calls).toEqual(['pause']);
  expect(connection.received).toBe(12);
  answer(undefined);
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(calls).toEqual(['pause', 'resume']);
});

test('the end of the socket waits until an effect is answered: what came before it is looked at first', async () => {
  let answer: (value: undefined) => void = () => {};
  const { connection, channel } = start({
    selectCredentials: () => new Promise<undefined>((resolve) => answer = resolve),
  });
  connection.pending = { type: 'select_credentials' };
  channel.received(new Uint8Array(10));
  channel.received(new Uint8Array(5));
  channel.receivedEnd();
  expect(connection.ended).toBe(false);
  answer(undefined);
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(connection.ended).toBe(true);
});
