/** `--early-data` with OpenSSL's client: who gets it, what they are told, and what becomes of replays. */
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import net from 'node:net';
import { describe, expect, test } from 'vitest';
import { Backend } from '../support/backend.ts';
import { certificateFiles, Command, temporaryFiles } from '../support/command.ts';

const missing = spawnSync('openssl', ['version']).error === undefined ? undefined : 'no openssl on PATH';
const EARLY = 'an early request\n';

/** Runs `openssl s_client` to its end. Its output. */
function openssl(port: number, name: string, ...args: string[]): Promise<string> {
  const all = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', name, '-tls1_3', ...args];
  return new Promise((resolve) => {
    const child = execFile('openssl', all, { timeout: 20_000 }, (_error, stdout, stderr) => resolve(stdout + stderr));
    // It ends when it is told to, once it has the backend's answer: until then a ticket may come.
    child.stdout?.on('data', (chunk) => String(chunk).includes('answer') && child.stdin?.end('Q\n'));
  });
}

/** Answers what comes first, and keeps it. */
async function answering(): Promise<{ readonly backend: Backend; readonly requests: Buffer[] }> {
  const requests: Buffer[] = [];
  const backend = await Backend.start((socket) => {
    socket.once('data', (chunk: Buffer) => {
      requests.push(chunk);
      socket.write('answer\n');
      socket.on('data', () => {});
    });
    socket.on('end', () => socket.end());
  });
  return { backend, requests };
}

/** A ticket for `name`, in a file. */
async function ticketFor(name: string, command: Command): Promise<string> {
  const file = temporaryFiles({})('session.pem');
  const child = execFile('openssl', [
    ...['s_client', '-connect', `127.0.0.1:${command.port}`, '-servername', name, '-tls1_3', '-sess_out', file],
  ]);
  child.stdin?.write('hello\n');
  for await (const chunk of child.stdout ?? []) if (String(chunk).includes('answer')) break;
  child.stdin?.end('Q\n');
  await once(child, 'exit');
  expect(existsSync(file)).toBe(true);
  return file;
}

/** Passes bytes on, and keeps the client's first flight: everything up to the first record of early data. */
async function recorder(port: number): Promise<{ readonly port: number; flight(): Promise<Buffer>; close(): void }> {
  let kept: (flight: Buffer) => void;
  const flight = new Promise<Buffer>((resolve) => kept = resolve);
  const sockets: net.Socket[] = [];
  const server = net.createServer((client) => {
    const upstream = net.connect(port, '127.0.0.1');
    sockets.push(client, upstream);
    let held = Buffer.alloc(0);
    let passing = false;
    client.on('data', (chunk: Buffer) => {
      if (passing) return void upstream.write(chunk);
      held = Buffer.concat([held, chunk]);
      if (!hasApplicationData(held)) return;
      passing = true;
      kept(held);
      upstream.write(held);
    });
    upstream.pipe(client);
    for (const socket of [client, upstream]) socket.on('error', () => {}).on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as net.AddressInfo).port, flight: () => flight, close };
}

function hasApplicationData(bytes: Buffer): boolean {
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
    if (bytes[at] === 23 && at + 5 + bytes.readUInt16BE(at + 3) <= bytes.length) return true;
  }
  return false;
}

async function metric(command: Command, name: string): Promise<number> {
  const { address } = await command.logged('serving metrics');
  const text = await (await fetch(`http://${address}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
}

describe.skipIf(missing !== undefined)(`early data${missing === undefined ? '' : ` (${missing})`}`, () => {
  test.each(['node', 'deno'] as const)('goes to a route that takes it, and to no other, on %s', async (runtime) => {
    const [bold, careful] = [await answering(), await answering()];
    const { args } = certificateFiles({ names: ['early.test', 'late.test'] });
    const command = await Command.start([
      ...args,
      ...['--early-data', '1000', '--early-route', `early.test=127.0.0.1:${bold.backend.port}`],
      ...['--proxy-protocol', 'v2', ...careful.backend.args, '--metrics', '127.0.0.1:0'],
    ], { runtime });
    const file = temporaryFiles({ 'early.txt': EARLY });
    const session = await ticketFor('early.test', command);
    const seen = await openssl(command.port, 'early.test', '-sess_in', session, '-early_data', file('early.txt'));
    expect(seen).toContain('Early data was accepted');
    expect(bold.requests[1]?.toString('latin1')).toMatch(new RegExp(`${EARLY}$`));
    // The backend is told: type 0xe0, four bytes, the most there can be.
    expect(bold.requests[1]?.toString('hex')).toContain('e00004000003e8');
    expect(bold.requests[0]?.toString('hex')).not.toContain('e00004');
    expect(await command.logged('connection closed', 2)).toMatchObject({ early: true, resumed: true });
    expect(await metric(command, 'sallyport_early_data_total')).toBe(1);

    const other = await ticketFor('late.test', command);
    const refused = await openssl(command.port, 'late.test', '-sess_in', other, '-early_data', file('early.txt'));
    expect(refused).not.toContain('Early data was accepted');
    expect(careful.requests.map(String).join()).not.toContain(EARLY);
  });

  test.each([['one process', []], ['two workers', ['--workers', '2']]])('is taken once, by %s', async (_, workers) => {
    const { backend, requests } = await answering();
    const { args } = certificateFiles({ names: ['early.test'] });
    const early = ['--early-data', '16384', '--early-route', `*=127.0.0.1:${backend.port}`];
    const command = await Command.start([...args, ...early, ...workers, '--metrics', '127.0.0.1:0']);
    const session = await ticketFor('early.test', command);
    const proxy = await recorder(command.port);
    const file = temporaryFiles({ 'early.txt': EARLY });
    const seen = await openssl(proxy.port, 'early.test', '-sess_in', session, '-early_data', file('early.txt'));
    expect(seen).toContain('Early data was accepted');
    const flight = await proxy.flight();
    proxy.close();
    for (let times = 0; times < 8; times++) {
      const socket = net.connect(command.port, '127.0.0.1');
      socket.write(flight);
      // The handshake goes on without it.
      const [hello] = await once(socket, 'data') as [Buffer];
      expect(hello[0]).toBe(22);
      socket.destroy();
    }
    expect(requests.filter((request) => String(request) === EARLY).length).toBe(1);
    expect(await metric(command, 'sallyport_early_data_total')).toBe(1);
  });

  test('a replay that cannot finish the handshake ends in a reset of the backend', async () => {
    const ends: string[] = [];
    const backend = await Backend.start((socket) => {
      socket.on('data', () => socket.write('answer\n'));
      socket.on('end', () => socket.end()).on(
        'error',
        (error) => ends.push((error as NodeJS.ErrnoException).code ?? ''),
      );
    });
    const { args } = certificateFiles({ names: ['early.test'] });
    const early = ['--early-data', '16384', '--early-route', `*=127.0.0.1:${backend.port}`];
    const command = await Command.start([...args, ...early, '--handshake-timeout', '1']);
    const session = await ticketFor('early.test', command);
    // Nobody there: the first flight is kept from its server, so that the replay is the first to come.
    const deaf = net.createServer((socket) => void socket.on('error', () => {}));
    deaf.listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    const file = temporaryFiles({ 'early.txt': EARLY });
    const proxy = await recorder((deaf.address() as net.AddressInfo).port);
    const victim = openssl(proxy.port, 'early.test', '-sess_in', session, '-early_data', file('early.txt'));
    const flight = await proxy.flight();
    const socket = net.connect(command.port, '127.0.0.1').on('error', () => {});
    socket.resume().write(flight);
    expect(await command.logged('handshake failed')).toMatchObject({ reason: 'handshake_timeout', early: true });
    while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(ends).toEqual(['ECONNRESET']);
    proxy.close();
    deaf.close();
    socket.destroy();
    await victim;
  });
});
