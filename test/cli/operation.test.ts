import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Backend } from '../support/backend.ts';
import { Command } from '../support/command.ts';
import { readToEnd, refused, tlsClient } from '../support/tls_client.ts';

const run = promisify(execFile);

test('with no flags but a port: the printed curl line works word for word, and its file is gone afterwards', async () => {
  const command = new Command(['--listen', 'localhost:0']);
  await command.printed(/curl .*\n/);
  const [line = ''] = /curl .*/.exec(command.stdout) ?? [];
  const [program = '', ...args] = line.split(' ');
  const { stdout } = await run(program, [...args, '-sS']);
  expect(stdout).toMatch(/plain HTTP: GET \/\n$/);
  const certificate = args[args.indexOf('--cacert') + 1] as string;
  expect(existsSync(certificate)).toBe(true);
  expect(await command.stop()).toEqual({ code: 0, signal: null });
  expect(existsSync(certificate)).toBe(false);
});

describe.each(['node', 'deno'] as const)('on %s', (runtime) => {
  test('SIGTERM: no new connections, those that are open end by themselves, exit code 0', async () => {
    const backend = await Backend.echo();
    const command = await Command.start(backend.args, { runtime });
    const client = await tlsClient(command.port);
    client.write('before');
    await once(client, 'data');
    command.process.kill('SIGTERM');
    await command.logged('draining');
    expect(await refused(command.port)).toBe(true);
    const rest = readToEnd(client);
    client.end('and after');
    expect(String(await rest)).toBe('and after');
    expect(await command.exited).toEqual({ code: 0, signal: null });
    expect(command.log.map(({ event }) => event).slice(-3)).toEqual(['draining', 'connection closed', 'stopped']);
  });

  test('what is still open at the end of the drain timeout gets an alert', async () => {
    const backend = await Backend.echo();
    const command = await Command.start([...backend.args, '--drain-timeout', '0.2'], { runtime });
    const client = await tlsClient(command.port);
    client.write('x');
    await once(client, 'data');
    const failed = once(client, 'error');
    expect((await command.stop()).code).toBe(0);
    expect((await failed)[0].code).toBe('ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR');
    expect(command.log.find(({ event }) => event.startsWith('drain timeout'))).toMatchObject({ connections: 1 });
  });

  test('metrics: over plain HTTP, only under their path', async () => {
    const command = await Command.start(['--metrics', '127.0.0.1:0'], { runtime });
    const { address } = await command.logged('serving metrics');
    const client = await tlsClient(command.port);
    client.end('GET / HTTP/1.0\r\n\r\n');
    await readToEnd(client);
    await command.logged('connection closed');
    const response = await fetch(`http://${address}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    const text = await response.text();
    expect(text).toMatch(/^sallyport_connections_total 1$/m);
    expect(text).toMatch(/^sallyport_handshakes_total\{suite="TLS_\w+",group="\w+",resumed="false"\} 1$/m);
    expect(text).toMatch(/^sallyport_received_bytes_total 18$/m);
    expect((await fetch(`http://${address}/`)).status).toBe(404);
  });
});
