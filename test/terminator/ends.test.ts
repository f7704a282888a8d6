import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, test } from 'vitest';
import { Backend } from '../support/backend.ts';
import { Command } from '../support/command.ts';
import { endOf, readToEnd, tlsClient, tlsClientOverTcp } from '../support/tls_client.ts';

/** How connections end: every end on one side is the same kind of end on the other. */
describe.each(['node', 'deno'] as const)('on %s', (runtime) => {
  async function start(backend: Backend, ...args: string[]): Promise<Command> {
    return await Command.start([...backend.args, ...args], { runtime });
  }

  test('the client ends first: the backend sees an end and can still answer', async () => {
    const backend = await Backend.start();
    const command = await start(backend);
    const client = await tlsClient(command.port);
    client.end('question');
    const behind = await backend.accept();
    expect(String(await readToEnd(behind))).toBe('question');
    behind.end('a late answer');
    expect(String(await readToEnd(client))).toBe('a late answer');
    const line = await command.logged('connection closed');
    expect(line).toMatchObject({ received: 8, sent: 13, level: 'info' });
  });

  test('the backend ends first: the client gets close_notify and can still send', async () => {
    const backend = await Backend.start();
    const command = await start(backend);
    const client = await tlsClient(command.port);
    client.write('x');
    const behind = await backend.accept();
    behind.end('all I have to say');
    expect(String(await readToEnd(client))).toBe('all I have to say');
    client.end(' and a late question');
    expect(String(await readToEnd(behind))).toBe('x and a late question');
    await command.logged('connection closed');
  });

  test('a truncation: the log says so, and the backend sees a reset, not an end', async () => {
    const backend = await Backend.start();
    const command = await start(backend);
    const { tls, tcp } = await tlsClientOverTcp(command.port);
    tls.write('half of a mess');
    const behind = await backend.accept();
    await once(behind, 'data');
    const ended = endOf(behind);
    tcp.end();
    expect(await ended).toBe('ECONNRESET');
    expect(await command.logged('connection failed')).toMatchObject({ reason: 'truncated' });
  });

  test('a client that is killed: the backend is let go at once', async () => {
    const backend = await Backend.start();
    const command = await start(backend);
    const { tls, tcp } = await tlsClientOverTcp(command.port);
    tls.write('x');
    const behind = await backend.accept();
    await once(behind, 'data');
    const ended = endOf(behind);
    tcp.resetAndDestroy();
    expect(await ended).toBe('ECONNRESET');
    await command.logged('client lost');
  });

  test('a backend that breaks off: an alert, not close_notify', async () => {
    const backend = await Backend.start();
    const command = await start(backend);
    const client = await tlsClient(command.port);
    client.write('x');
    const behind = await backend.accept();
    await once(behind, 'data');
    behind.write('half of an ans');
    await once(client, 'data');
    const failed = once(client, 'error');
    behind.resetAndDestroy();
    expect((await failed)[0].code).toBe('ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR');
    expect(await command.logged('backend lost')).toMatchObject({ level: 'warning' });
  });

  test('a backend that refuses: one line, a clean close', async () => {
    const backend = await Backend.start();
    const { args } = backend;
    backend.close();
    const command = await Command.start(args, { runtime });
    const client = await tlsClient(command.port);
    expect(String(await readToEnd(client))).toBe('');
    const line = await command.logged('backend unreachable');
    expect(line).toMatchObject({ level: 'warning', suite: 'TLS_CHACHA20_POLY1305_SHA256' });
    expect(String(line['reason'])).toMatch(/refused/i);
    client.destroy();
  });

  test('the backend is only asked once the handshake is finished', async () => {
    const backend = await Backend.echo();
    const command = await start(backend);
    const undecided = net.connect({ host: '127.0.0.1', port: command.port });
    await once(undecided, 'connect');
    // The beginning of a ClientHello that never comes.
    undecided.write(Uint8Array.of(22, 3, 1, 2, 0, 1));
    const client = await tlsClient(command.port);
    client.write('x');
    await once(client, 'data');
    expect(backend.connections).toBe(1);
    undecided.destroy();
    client.destroy();
  });
});
