/** `--ech` and `--make-ech`: the file, what is wrong with it, and how keys are changed while connections go on. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseEchFile } from '../../src/cli/ech_keys.ts';
import { encodeEchConfig, encodeEchConfigList } from '../../src/ech/config.ts';
import type { EchKey } from '../../src/ech/keys.ts';
import { readPem, writePem } from '../../src/pki/pem.ts';
import { Backend } from '../support/backend.ts';
import { certificateFiles, Command, temporaryFiles } from '../support/command.ts';
import { EchClient } from '../support/ech_client.ts';
import { RawClient, Type } from '../support/raw_client.ts';
import { TcpLink } from '../support/raw_link.ts';
import { type Bytes, extension, plainRecord, withExtensions } from '../support/raw_wire.ts';
import { ROOT } from '../support/root.ts';

const run = (...args: string[]): string =>
  execFileSync(process.execPath, ['dist/cli/main.js', ...args], { cwd: ROOT, encoding: 'utf8' });
const made = run('--make-ech', 'public.test');
const parse = (text: string): EchKey[] => parseEchFile('f', new TextEncoder().encode(text));
const block = (label: string): string => writePem(label, blockBytes(made, label));

function blockBytes(text: string, label: string): Bytes {
  return readPem(new TextEncoder().encode(text), 'f').find((each) => each.label === label)!.bytes as Bytes;
}

/** Whether the server opens what a client with this key's configuration sends. */
async function opens(port: number, key: EchKey): Promise<boolean> {
  const link = new TcpLink(port);
  const client = new RawClient(link);
  const inside = withExtensions(client.usualHello(), extension.serverName('localhost'));
  const outside = withExtensions(client.usualHello(), extension.serverName('public.test'));
  const hellos = new EchClient(key.config as Bytes).hellos(inside, { ...outside, random: randomBytes(32) });
  client.hello = inside;
  client.transcript.push(hellos.inner);
  await client.send(plainRecord(Type.handshake, hellos.outer));
  // A server that went on with the outer hello has other keys.
  const opened = await client.until(() => client.serverFinished).then(() => true, () => false);
  if (opened) await client.finish();
  link.socket.destroy();
  return opened;
}

describe('the file', () => {
  test('is what OpenSSL reads, with a configuration for names of up to 64 characters', () => {
    const [{ config, privateKey }, ...others] = parse(made) as [EchKey, ...EchKey[]];
    expect(others).toEqual([]);
    const openssl = execFileSync('openssl', ['pkey', '-outform', 'DER'], { input: made, stdio: 'pipe' });
    expect(openssl.subarray(-32)).toEqual(Buffer.from(privateKey));
    expect(Buffer.from(config).toString('latin1')).toContain('\x40\x0bpublic.test\0\0');
    expect(run('--make-ech', 'public.test')).not.toBe(made);
  });

  test('may hold several configurations of one key, around other text', () => {
    const config = encodeEchConfig({ configId: 1, publicKey: randomBytes(32), publicName: 'a.test' });
    const list = writePem('ECHCONFIG', encodeEchConfigList([config, config]));
    const keys = parse(`made today\n${list}${block('PRIVATE KEY')}`);
    expect(keys.map((key) => Buffer.from(key.config).equals(config))).toEqual([true, true]);
  });

  const list = block('ECHCONFIG');
  test.each([
    ['', 'f: 0 blocks "PRIVATE KEY" instead of one; make such a file with --make-ech NAME'],
    [block('PRIVATE KEY'), 'f: 0 blocks "ECHCONFIG" instead of one; make such a file with --make-ech NAME'],
    [made + made, 'f: 2 blocks "PRIVATE KEY" instead of one; make such a file with --make-ech NAME'],
    [
      writePem('PRIVATE KEY', blockBytes(made, 'PRIVATE KEY').map((byte, at) => at === 11 ? 0x70 : byte)) + list,
      'f: the private key is not an X25519 key in PKCS #8; other KEMs are not supported',
    ],
    [
      block('PRIVATE KEY') + writePem('ECHCONFIG', blockBytes(made, 'ECHCONFIG').subarray(0, -1)),
      expect.stringMatching(/^f: "ECHCONFIG" is not an ECHConfigList: /),
    ],
  ])('%j', (text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ name: 'UsageError', message }));
  });

  test.each([
    ['is for its owner alone', made, 0o640, 'others may use it; make it yours alone with chmod 600'],
    [
      'has the key of its configuration',
      block('PRIVATE KEY') + writePem('ECHCONFIG', blockBytes(run('--make-ech', 'public.test'), 'ECHCONFIG')),
      0o600,
      'encrypted client hello, key 1: the private key is not that of the ECHConfig',
    ],
  ])('%s', async (_name, text, mode, problem) => {
    const path = temporaryFiles({})('ech.pem');
    writeFileSync(path, text, { mode });
    const command = new Command(['--ech', path]);
    expect((await command.exited).code).toBe(2);
    expect(command.stderr).toBe(`sallyport: ${path}: ${problem}\n`);
  });

  test.each(['10.0.0.1', 'a b', '-a.test', 'a..test', 'é.test', 'a.'])('is not made for %j', async (name) => {
    const command = new Command(['--make-ech', name]);
    expect((await command.exited).code).toBe(2);
    expect(command.stderr).toBe(`sallyport: --make-ech: '${name}' is not a host name; for example www.example.com\n`);
    expect(command.stdout).toBe('');
  });
});

describe.each([['node', []], ['deno', []], ['node', ['--workers', '2']]] as const)('on %s %j', (runtime, workers) => {
  test('old keys still open, SIGHUP changes them, and the log and the metrics tell', async () => {
    const next = run('--make-ech', 'other.test');
    const [[oldKey], [nextKey]] = [parse(made) as [EchKey], parse(next) as [EchKey]];
    const files = temporaryFiles({});
    const write = (name: string, text: string): void => writeFileSync(files(name), text, { mode: 0o600 });
    write('new.pem', made);
    write('old.pem', made);
    const backend = await Backend.echo();
    const keys = ['--ech', files('new.pem'), '--ech', files('old.pem')];
    const args = [...backend.args, ...certificateFiles().args, ...keys, '--metrics', '127.0.0.1:0'];
    const command = await Command.start([...args, ...workers], { runtime });
    const { problem } = await command.logged('encrypted client hello');
    expect(problem).toBe(
      'no certificate is for public.test, the public name of an --ech file: clients cannot be told of new keys',
    );
    expect(await opens(command.port, oldKey)).toBe(true);
    expect(await opens(command.port, nextKey)).toBe(false);
    while (!command.log.some(({ ech, sni }) => ech === 'accepted' && sni === 'localhost')) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }

    write('new.pem', next);
    command.process.kill('SIGHUP');
    await command.logged('certificates reloaded');
    // Workers are told after the log says it.
    while (!await opens(command.port, nextKey)) await new Promise((resolve) => setImmediate(resolve));
    expect(await opens(command.port, oldKey)).toBe(true);

    write('old.pem', 'nonsense');
    command.process.kill('SIGHUP');
    const refused = await command.logged('certificates not reloaded, the old ones stay');
    expect(refused['problem']).toBe(
      `${files('old.pem')}: 0 blocks "PRIVATE KEY" instead of one; make such a file with --make-ech NAME`,
    );
    expect(await opens(command.port, oldKey)).toBe(true);

    const { address } = await command.logged('serving metrics');
    const text = await (await fetch(`http://${String(address)}/metrics`)).text();
    expect(Number(/^sallyport_ech_accepted_total (\d+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(4);
    expect(text).toMatch(/^sallyport_ech_rejected_total 0$/m);
  });
});
