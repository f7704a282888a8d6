import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { Backend } from '../support/backend.ts';
import { issue, makeRoot } from '../support/certificates.ts';
import { Command, RUNTIMES, temporaryFiles } from '../support/command.ts';
import { readToEnd, refused, tlsClient } from '../support/tls_client.ts';

const MEBIBYTE = 1024 * 1024;

/** One connection from beginning to end. */
async function exchange(port: number, session?: Buffer): Promise<{ resumed: boolean; certificate: Buffer }> {
  const client = await tlsClient(port, session === undefined ? {} : { session });
  const seen = { resumed: client.isSessionReused(), certificate: client.getPeerCertificate().raw };
  const rest = readToEnd(client);
  client.end('abc');
  expect(String(await rest)).toBe('abc');
  return seen;
}

/** A session of the first connection that leaves one. */
async function getSession(port: number): Promise<Buffer> {
  const client = await tlsClient(port);
  const session = once(client, 'session');
  client.write('x');
  const [ticket] = await session;
  client.destroy();
  return ticket as Buffer;
}

/** Processes that a process has started. Deno's workers are threads. */
function workersOf(command: Command): number[] {
  return execFileSync('pgrep', ['-P', String(command.process.pid)], { encoding: 'utf8' }).trim().split('\n').map(
    Number,
  );
}

/** Connects over and over, four clients at a time, until it is told to stop. A connection that goes wrong is an error. */
function load(port: number): { stop: () => Promise<number> } {
  let stopped = false;
  const client = async (): Promise<number> => {
    let count = 0;
    for (; !stopped; count++) await exchange(port);
    return count;
  };
  const clients = Promise.all(Array.from({ length: 4 }, client));
  clients.catch(() => {});
  return {
    stop: async () => {
      stopped = true;
      return (await clients).reduce((sum, count) => sum + count, 0);
    },
  };
}

// Node 20 hands a listening socket to its processes; Node 24's share the port, and so do the threads of Deno.
describe.each(RUNTIMES)('workers on %s', (runtime) => {
  test('have one port and one set of ticket keys, and are counted together', async () => {
    const backend = await Backend.echo();
    const command = await Command.start(
      [...backend.args, '--workers', '2', '--metrics', '127.0.0.1:0'],
      { runtime },
    );
    const { address } = await command.logged('serving metrics');
    const session = await getSession(command.port);
    // Whichever worker gets them: sixteen times the same one would be one chance in thirty thousand.
    const connections = 16;
    for (let count = 0; count < connections; count++) {
      expect((await exchange(command.port, session)).resumed).toBe(true);
    }
    const metrics = await (await fetch(`http://${address}/metrics`)).text();
    expect(metrics).toMatch(new RegExp(`^sallyport_connections_total ${connections + 1}$`, 'm'));
    expect(metrics).toMatch(new RegExp(`^sallyport_handshakes_total\\{.*resumed="true"\\} ${connections}$`, 'm'));
    expect((await command.stop()).code).toBe(0);
    expect(await refused(command.port)).toBe(true);
  });

  test('both accept', async () => {
    const backend = await Backend.echo();
    // One connection for each worker: what one refuses, the other may take.
    const command = await Command.start([...backend.args, '--workers', '2', '--max-connections', '2'], { runtime });
    const open: TLSSocket[] = [];
    for (let tries = 0; tries < 200 && open.length < 2; tries++) {
      const client = await tlsClient(command.port).catch(() => undefined);
      if (client !== undefined) open.push(client);
    }
    expect(open).toHaveLength(2);
  });

  test('new certificates reach all of them; no connection is lost under load', async () => {
    const [before, after] = [issue(makeRoot()), issue(makeRoot())];
    const file = temporaryFiles({
      'cert.pem': before.chainPem,
      'key.pem': before.keyPem,
      'next.pem': after.chainPem,
      'next.key': after.keyPem,
    });
    const backend = await Backend.echo();
    const certificate = ['--cert', file('cert.pem'), '--key', file('key.pem')];
    const command = await Command.start([...backend.args, ...certificate, '--workers', '2'], { runtime });
    const clients = load(command.port);
    copyFileSync(file('next.pem'), file('cert.pem'));
    copyFileSync(file('next.key'), file('key.pem'));
    command.process.kill('SIGHUP');
    await command.logged('certificates reloaded');
    // Each worker loads them by itself: soon, all do.
    for (let renewed = 0; renewed < 16;) {
      const { certificate } = await exchange(command.port);
      renewed = certificate.equals(after.der) ? renewed + 1 : 0;
    }
    expect(await clients.stop()).toBeGreaterThan(0);
  });

  test('drain: what is on its way arrives whole, from all of them', async () => {
    const backend = await Backend.echo();
    const command = await Command.start([...backend.args, '--workers', '2'], { runtime });
    const sent = Buffer.alloc(MEBIBYTE, 'abcdefg');
    const clients = await Promise.all(Array.from({ length: 16 }, () => tlsClient(command.port)));
    const answers = clients.map((client) => {
      client.write(sent.subarray(0, MEBIBYTE / 2));
      return readToEnd(client);
    });
    await Promise.all(clients.map((client) => once(client, 'data')));
    command.process.kill('SIGTERM');
    await command.logged('draining');
    while (!await refused(command.port));
    for (const client of clients) client.end(sent.subarray(MEBIBYTE / 2));
    for (const answer of await Promise.all(answers)) expect(answer.equals(sent)).toBe(true);
    expect(await command.exited).toEqual({ code: 0, signal: null });
    expect(command.log.some(({ event }) => event.startsWith('drain timeout'))).toBe(false);
  });

  test('drain: what is left at the timeout is ended, and counted over all of them', async () => {
    const backend = await Backend.echo();
    const args = [...backend.args, '--workers', '2', '--drain-timeout', '0.3'];
    const command = await Command.start(args, { runtime });
    const clients = await Promise.all(Array.from({ length: 16 }, () => tlsClient(command.port)));
    for (const client of clients) client.resume();
    expect((await command.stop()).code).toBe(0);
    expect(command.log.find(({ event }) => event.startsWith('drain timeout'))).toMatchObject({ connections: 16 });
  });
});

describe.each(RUNTIMES.filter((runtime) => runtime !== 'deno'))('worker processes on %s', (runtime) => {
  test('one that is killed is replaced, with the same ticket keys', async () => {
    const backend = await Backend.echo();
    const command = await Command.start([...backend.args, '--workers', '2'], { runtime });
    const session = await getSession(command.port);
    const workers = workersOf(command);
    expect(workers).toHaveLength(2);
    for (const [index, worker] of workers.entries()) {
      process.kill(worker, 'SIGKILL');
      expect(await command.logged('worker died, starting another', index + 1)).toMatchObject({ reason: 'SIGKILL' });
      await command.logged('worker started', index + 1);
    }
    expect(workersOf(command)).toHaveLength(2);
    for (let count = 0; count < 16; count++) {
      expect((await exchange(command.port, session)).resumed).toBe(true);
    }
  });

  test('end when the process that leads them is gone', async () => {
    const backend = await Backend.echo();
    const command = await Command.start([...backend.args, '--workers', '2'], { runtime });
    await command.kill();
    while (!await refused(command.port)) await new Promise((resolve) => setTimeout(resolve, 10));
  });
});
