import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from 'vitest';
import { issue, makeRoot } from '../support/certificates.ts';
import { Command, temporaryFiles } from '../support/command.ts';

const root = makeRoot();
const leaf = issue(root);
const other = issue(root, { type: 'ecdsa_p384' });
const sameKind = issue(root, { freshKey: true });

/** What the files are called in messages: the folder is another one each time. */
function files(): (name: string) => string {
  return temporaryFiles({
    'cert.pem': leaf.chainPem,
    'key.pem': leaf.keyPem,
    'p384.key': other.keyPem,
    'fresh.key': sameKind.keyPem,
    'empty.pem': '',
    'config.json': '{\n  "target": "127.0.0.1:1",\n  "padding": 0\n}\n',
  });
}

interface Case {
  readonly what: string;
  readonly args: (file: (name: string) => string) => readonly string[];
  /** What the one line must say; FOLDER/ stands for the folder of the files. */
  readonly message: RegExp;
}

const cases: readonly Case[] = [
  {
    what: 'an unknown flag',
    args: () => ['--taget', 'x'],
    message: /^unknown flag '--taget'; did you mean --target\? See --help$/,
  },
  { what: 'a missing value', args: () => ['--target'], message: /^--target needs a value; see --help$/ },
  {
    what: 'a missing certificate file',
    args: (file) => ['--cert', file('nowhere.pem'), '--key', file('key.pem')],
    message: /^cannot read FOLDER\/nowhere\.pem: no such file; check the name$/,
  },
  {
    what: 'a missing key file',
    args: (file) => ['--cert', file('cert.pem'), '--key', file('nowhere.pem')],
    message: /^cannot read FOLDER\/nowhere\.pem: no such file; check the name$/,
  },
  {
    what: 'a folder for a file',
    args: (file) => ['--cert', file(''), '--key', file('key.pem')],
    message: /^cannot read FOLDER: it is a directory; name a file$/,
  },
  {
    what: 'an empty certificate file',
    args: (file) => ['--cert', file('empty.pem'), '--key', file('key.pem')],
    message: /^FOLDER\/empty\.pem: .+: .+$/,
  },
  {
    what: 'a key of another kind',
    args: (file) => ['--cert', file('cert.pem'), '--key', file('p384.key')],
    message: /^FOLDER\/p384\.key: .*certificate.*$/,
  },
  {
    what: 'a key of the same kind that is not the certificate’s',
    args: (file) => ['--cert', file('cert.pem'), '--key', file('fresh.key')],
    message: /^FOLDER\/fresh\.key: .*certificate.*$/,
  },
  {
    what: 'certificate and key the wrong way round',
    args: (file) => ['--cert', file('key.pem'), '--key', file('cert.pem')],
    message: /^FOLDER\/(key|cert)\.pem: .+$/,
  },
  {
    what: 'a missing config file',
    args: (file) => ['--config', file('nowhere.json')],
    message: /^cannot read FOLDER\/nowhere\.json: no such file; check the name$/,
  },
  {
    what: 'a bad value in the config file, with line and key',
    args: (file) => ['--config', file('config.json')],
    message: /^FOLDER\/config\.json:3: "padding": '0' is not a whole number from 1 to 16384$/,
  },
  {
    what: 'a key log that cannot be written',
    args: (file) => ['--keylog', file('nowhere/keys.log')],
    message: /^--keylog: cannot write FOLDER\/nowhere\/keys\.log: no such file; check the name$/,
  },
  {
    what: 'an address this machine does not have',
    args: () => ['--listen', '192.0.2.1:0'],
    message:
      /^cannot listen on 192\.0\.2\.1:0: this machine has no such address; give one it has with --listen HOST:PORT$/,
  },
];

test.each(cases)('$what: one line, exit code 2', async ({ args, message }) => {
  const file = files();
  const given = args(file);
  const command = new Command(given.includes('--listen') ? given : ['--listen', '127.0.0.1:0', ...given]);
  const { code } = await command.exited;
  expect(command.stdout).toBe('');
  const lines = command.stderr.split('\n');
  expect(lines).toHaveLength(2);
  const line = (lines[0] as string).replaceAll(file('').replace(/\/$/, ''), 'FOLDER');
  expect(line.startsWith('sallyport: ')).toBe(true);
  expect(line.slice('sallyport: '.length)).toMatch(message);
  expect(code).toBe(2);
});

test('a busy port: one line that names the flag; the other address is not left open', async () => {
  const busy = net.createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const { port } = busy.address() as net.AddressInfo;
  try {
    for (const flag of ['--listen', '--metrics']) {
      const free = flag === '--listen' ? [] : ['--listen', '127.0.0.1:0'];
      const command = new Command([...free, flag, `127.0.0.1:${port}`]);
      expect(await command.exited).toEqual({ code: 2, signal: null });
      expect(command.stderr).toBe(
        `sallyport: cannot listen on 127.0.0.1:${port}: the port is in use; ` +
          `stop what holds it or choose another with ${flag} HOST:PORT\n`,
      );
    }
  } finally {
    busy.close();
  }
});

test('an expired certificate is a warning, and it starts', async () => {
  const expired = issue(root, { notAfter: Date.UTC(2026, 5, 20) });
  const file = temporaryFiles({ 'cert.pem': expired.chainPem, 'key.pem': expired.keyPem });
  const command = await Command.start(['--cert', file('cert.pem'), '--key', file('key.pem')]);
  const warning = await command.logged('certificate');
  expect(warning['level']).toBe('warning');
  expect(warning['problem']).toMatch(/cert\.pem: .* expired on 2026-06-20/);
  expect((await command.stop()).code).toBe(0);
});

test('--help and --version', async () => {
  const help = new Command(['--help']);
  expect((await help.exited).code).toBe(0);
  expect(help.stdout).toContain('Usage: sallyport');
  expect(help.stderr).toBe('');
  const version = new Command(['--version']);
  expect((await version.exited).code).toBe(0);
  expect(version.stdout).toMatch(/^sallyport \d+\.\d+\.\d+\n$/);
});
