import { describe, expect, test } from 'vitest';
import { memorySocketPair } from '../../src/socket/memory.ts';
import type { Socket } from '../../src/socket/socket.ts';
import { webSocket } from '../../src/socket/web.ts';
import { pattern, Recorder, writeAll } from './socket_contract.ts';

interface End {
  readonly socket: Socket;
  readonly recorder: Recorder;
}

/** Two sockets over two pairs of web streams, each the other's. */
function webPair(): [Socket, Socket] {
  const [there, back] = [0, 1].map(() => {
    return new TransformStream<Uint8Array, Uint8Array>({}, { highWaterMark: 4 }, { highWaterMark: 4 });
  }) as [TransformStream<Uint8Array, Uint8Array>, TransformStream<Uint8Array, Uint8Array>];
  return [
    webSocket({ readable: back.readable, writable: there.writable }, new Recorder()),
    webSocket({ readable: there.readable, writable: back.writable }, new Recorder()),
  ];
}

const pairs: Record<string, () => [Socket, Socket]> = { 'in memory': memorySocketPair, 'over web streams': webPair };

/** What every socket promises, as test/socket/node.test.ts asks it of those of Node. */
describe.each(Object.keys(pairs))('sockets %s', (name) => {
  function join(): [End, End] {
    const ends = (pairs[name] as () => [Socket, Socket])().map((socket) => {
      const recorder = new Recorder();
      socket.handler = recorder;
      return { socket, recorder };
    });
    return ends as [End, End];
  }

  test('receive nothing before resume, everything after', async () => {
    const [left, right] = join();
    left.socket.write(new TextEncoder().encode('hello'));
    for (let turn = 0; turn < 20; turn++) await undefined;
    expect(right.recorder.length).toBe(0);
    right.socket.resume();
    await right.recorder.until((it) => it.length === 5);
    expect(right.recorder.bytes.toString()).toBe('hello');
  });

  test('write returns false when the peer does not read, then drained comes; all arrives in order, pauses or not', async () => {
    const [left, right] = join();
    const sent = pattern(1_000_000);
    let refused = false;
    const write = left.socket.write.bind(left.socket);
    left.socket.write = (bytes) => {
      const taken = write(bytes);
      refused ||= !taken;
      return taken;
    };
    const written = writeAll(left.socket, left.recorder, sent, 10_000).then(() => left.socket.end());
    for (let turn = 0; turn < 100; turn++) await undefined;
    expect(refused).toBe(true);
    let count = 0;
    right.recorder.onBytes = () => {
      if (++count % 3 !== 0) return;
      right.socket.pause();
      setImmediate(() => right.socket.resume());
    };
    right.socket.resume();
    await right.recorder.until((it) => it.ended);
    await written;
    expect(right.recorder.bytes.equals(sent)).toBe(true);
  });

  test('half-close in both directions, then both are closed without an error', async () => {
    const [left, right] = join();
    left.socket.resume();
    right.socket.resume();
    left.socket.write(new TextEncoder().encode('question'));
    left.socket.end();
    await right.recorder.until((it) => it.ended);
    expect(right.recorder.isClosed).toBe(false);
    right.socket.write(new TextEncoder().encode('answer'));
    right.socket.end();
    await left.recorder.until((it) => it.isClosed);
    await right.recorder.until((it) => it.isClosed);
    expect(left.recorder.bytes.toString()).toBe('answer');
    expect([left.recorder.error, right.recorder.error]).toEqual([undefined, undefined]);
  });

  test('bytes are the caller’s again when write returned true', async () => {
    const [left, right] = join();
    const bytes = new TextEncoder().encode('aaaa');
    expect(left.socket.write(bytes)).toBe(true);
    bytes.fill(0x62);
    right.socket.resume();
    await right.recorder.until((it) => it.length === 4);
    expect(right.recorder.bytes.toString()).toBe('aaaa');
  });

  test('destroy: closed comes once, and not from inside the call', async () => {
    const [left, right] = join();
    right.socket.resume();
    left.socket.destroy();
    expect(left.recorder.isClosed).toBe(false);
    left.socket.destroy();
    await left.recorder.until((it) => it.isClosed);
    await right.recorder.until((it) => it.ended || it.isClosed);
    expect(left.socket.write(Uint8Array.of(1))).toBe(true);
  });
});
