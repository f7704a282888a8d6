/** `--ticket-keys`: a session made at one instance is resumed at another; what is wrong with the file; how it is changed. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseTicketKeys } from '../../src/cli/ticket_keys.ts';
import type { TicketKey } from '../../src/session/ticket_key_ring.ts';
import { Backend } from '../support/backend.ts';
import { certificateFiles, Command, temporaryFiles } from '../support/command.ts';
import { tlsClient } from '../support/tls_client.ts';

const line = (): string => randomBytes(48).toString('hex') + '\n';

function parse(text: string): TicketKey[] {
  const keys: TicketKey[] = [];
  parseTicketKeys('f', new TextEncoder().encode(text), 1000, keys);
  return keys;
}

describe('the file', () => {
  test('has a key a line, the newest first', () => {
    const [one, two] = [line(), line().toUpperCase()];
    const keys = parse(`# new\r\n${one}\n# old\n${two.trim()}\r\n`);
    expect(keys.map(({ name, secret }) => Buffer.concat([name, secret]).toString('hex'))).toEqual(
      [one, two].map((text) => text.trim().toLowerCase()),
    );
    expect(keys[0]?.notBefore).toBeGreaterThan(keys[1]?.notBefore as number);
    expect(parse(one.trim()).length).toBe(1);
  });

  const good = line().trim();
  test.each([
    ['', 'f: no ticket key in it; make one with openssl rand -hex 48'],
    ['# nothing\n\n', 'f: no ticket key in it; make one with openssl rand -hex 48'],
    [`${good}\n${good}`, 'f:2: a key of this name stands above; give it once'],
    [`\n${good}0`, 'f:2: a ticket key is 96 hexadecimal digits; make one with openssl rand -hex 48'],
    [good.slice(1), 'f:1: a ticket key is 96 hexadecimal digits; make one with openssl rand -hex 48'],
    [good.replace(/.$/, 'x'), 'f:1: a ticket key is 96 hexadecimal digits; make one with openssl rand -hex 48'],
    [good.slice(0, 32) + '0'.repeat(64), 'f:1: this key is not random'],
    [Array.from({ length: 17 }, line).join(''), 'f: 17 ticket keys; more than 16'],
  ])('%j', (text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ name: 'UsageError', message }));
  });

  test('is for its owner alone', async () => {
    const path = temporaryFiles({ 'keys': line() })('keys');
    for (const mode of [0o640, 0o604, 0o620]) {
      chmodSync(path, mode);
      const command = new Command(['--ticket-keys', path]);
      expect((await command.exited).code).toBe(2);
      expect(command.stderr).toBe(`sallyport: ${path}: others may use it; make it yours alone with chmod 600\n`);
    }
  });
});

/** A connection's ticket. */
async function session(port: number): Promise<Buffer> {
  const client = await tlsClient(port, { servername: 'localhost' });
  const ticket = once(client, 'session');
  client.write('x');
  client.resume();
  const [bytes] = await ticket as [Buffer];
  client.end();
  return bytes;
}

async function resumes(port: number, ticket: Buffer): Promise<boolean> {
  const client = await tlsClient(port, { servername: 'localhost', session: ticket });
  client.resume().end();
  return client.isSessionReused();
}

describe.each([['node', []], ['deno', []], ['node', ['--workers', '2']]] as const)('on %s %j', (runtime, workers) => {
  test('instances share sessions, and SIGHUP changes the keys', async () => {
    const keyFile = temporaryFiles({})('keys');
    const [old, next] = [line(), line()];
    const write = (text: string): void => writeFileSync(keyFile, text, { mode: 0o600 });
    write(old);
    const backend = await Backend.echo();
    const args = [...backend.args, ...certificateFiles().args, '--ticket-keys', keyFile];
    const one = await Command.start([...args, ...workers], { runtime });
    const other = await Command.start(args, { runtime });
    const ticket = await session(one.port);
    expect(await resumes(other.port, ticket)).toBe(true);

    write(next + old);
    one.process.kill('SIGHUP');
    await one.logged('certificates reloaded');
    expect(await resumes(one.port, ticket)).toBe(true);
    const newer = await session(one.port);
    expect(await resumes(other.port, newer)).toBe(false);
    other.process.kill('SIGHUP');
    await other.logged('certificates reloaded');
    expect(await resumes(other.port, newer)).toBe(true);

    write('nonsense');
    one.process.kill('SIGHUP');
    const { problem } = await one.logged('certificates not reloaded, the old ones stay');
    expect(problem).toBe(`${keyFile}:1: a ticket key is 96 hexadecimal digits; make one with openssl rand -hex 48`);
    expect(await resumes(one.port, newer)).toBe(true);
    write(next);
    one.process.kill('SIGHUP');
    await one.logged('certificates reloaded', 2);
    // Workers are told after the log says it: until then the old key may still open.
    while (await resumes(one.port, ticket)) await new Promise((resolve) => setImmediate(resolve));
  });
});
