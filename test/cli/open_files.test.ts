import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, test } from 'vitest';
import { Backend } from '../support/backend.ts';
import { Command } from '../support/command.ts';
import { readUntilClosed, tlsClient } from '../support/tls_client.ts';

/** Enough for the runtime itself and a few connections. */
const FEW_FILES = 90;

async function echo(client: net.Socket): Promise<void> {
  client.write('x');
  expect(String(await once(client, 'data'))).toBe('x');
}

async function tcpClients(port: number, count: number): Promise<net.Socket[]> {
  const sockets = Array.from({ length: count }, () => net.connect({ host: '127.0.0.1', port }).on('error', () => {}));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return sockets;
}

test('the connection limit stays below what the open files allow, and says so when asked for more', async () => {
  const backend = await Backend.echo();
  const args = [...backend.args, '--max-connections', '1000', '--handshake-timeout', '60'];
  const command = await Command.start(args, { openFiles: FEW_FILES });
  expect(await command.logged('connection limit')).toMatchObject({
    level: 'warning',
    problem: 'the limit of 90 open files allows 13 connections, not 1000: raise it (ulimit -n)',
  });
  const clients = await Promise.all(Array.from({ length: 13 }, () => tlsClient(command.port)));
  for (let more = 0; more < 20; more++) {
    expect(await readUntilClosed(net.connect({ host: '127.0.0.1', port: command.port }))).toHaveLength(0);
  }
  expect(command.log.filter(({ event }) => event === 'connection limit reached')).toMatchObject([{ limit: 13 }]);
  clients[0]?.destroy();
  await command.logged('connection failed');
  const another = await tlsClient(command.port);
  await echo(another);
  expect(command.log.some(({ event }) => event === 'backend unreachable')).toBe(false);
});

test('a limit that the open files allow is nothing to speak of', async () => {
  const command = await Command.start(['--max-connections', '13'], { openFiles: FEW_FILES });
  expect(command.log.some(({ event }) => event === 'connection limit')).toBe(false);
});

describe.each(['node', 'deno'] as const)('files run out, on %s', (runtime) => {
  test('connections wait or are reset; when files are free again, they are served', async () => {
    const backend = await Backend.echo();
    // Deno cannot see how many files it may open. Node can: here its limit is reached by what has no backend yet.
    const args = [...backend.args, '--handshake-timeout', '60', '--metrics', '127.0.0.1:0'];
    const command = await Command.start(args, { runtime, openFiles: FEW_FILES });
    const first = await tlsClient(command.port);
    await echo(first);
    const crowd = await tcpClients(command.port, 2 * FEW_FILES);
    if (runtime === 'deno') {
      expect(await command.logged('accept failed')).toMatchObject({ reason: expect.stringContaining('open files') });
    } else {
      await command.logged('connection limit reached');
    }
    // Who was in before is served all the while.
    await echo(first);
    for (const socket of crowd) socket.destroy();
    for (let tries = 0;; tries++) {
      const late = await tlsClient(command.port).catch((error: Error) => error);
      if (late instanceof Error) {
        // The crowd may not be gone yet.
        if (tries === 100) throw late;
        continue;
      }
      await echo(late);
      break;
    }
    expect(command.log.filter(({ event }) => /accept failed|limit reached/.test(event))).toHaveLength(1);
  });
});
