import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DENO } from '../support/deno.ts';
import { ROOT } from '../support/root.ts';
import { goProgram } from './go_program.ts';

export const SUITES = ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384'] as const;
export type Suite = (typeof SUITES)[number];

export const GROUPS = ['x25519', 'secp256r1', 'secp384r1', 'X25519MLKEM768', 'SecP256r1MLKEM768'] as const;
export type Group = (typeof GROUPS)[number];

/** What kind of handshake; 'resumed' takes up the session of a connection made just before, 'any' is the client's choice. */
export type Handshake = 'full' | 'resumed' | 'client certificate' | 'any';
const HANDSHAKES = ['full', 'resumed', 'client certificate'] as const;

/** How a client is to connect. It offers this suite and this group alone, where its program lets it choose. */
export interface Connect {
  readonly port: number;
  readonly suite: Suite;
  readonly group: Group;
  /** PEM file of the root it must check the server's chain against. The server's name is localhost. */
  readonly rootFile: string;
  /** A folder of its own, for databases, sessions and logs. */
  readonly folder: string;
  readonly handshake: Handshake;
  /** PEM files of the certificate and key to show when asked. */
  readonly certificateFile: string;
  readonly keyFile: string;
}

export type CommandLine = [program: string, ...args: string[]];

/** A TLS client that exists apart from this project. */
export interface Client {
  readonly name: string;
  /** Its version, or undefined when it is not installed. */
  version(): string | undefined;
  /** Why there is nothing to test when `version()` is undefined. */
  readonly missing: string;
  readonly groups: readonly Group[];
  /** The first is the one to test everything else with. */
  readonly handshakes: readonly [Handshake, ...Handshake[]];
  /** To resume, it makes the same request on both connections, out of `uploadFile`. */
  readonly repeats?: true;
  /** False: the program offers what it likes, and the server is what pins suite and group. */
  readonly choosesSuite: boolean;
  /**
   * 'pipe': standard input goes up, what comes down is standard output. 'http': uploads `uploadFile` by PUT to `path`.
   * 'browser': opens the page at `path`, whose script does that, and prints the document.
   */
  readonly kind: 'pipe' | 'http' | 'browser';
  command(connect: Connect, http: { uploadFile: string; path: string }): CommandLine | Promise<CommandLine>;
}

/** A request that moves nothing: the connection is made, brings its tickets and ends. */
const WARM_UP = 'MOVE 0 0 warm-up\n';

const peers = join(ROOT, 'test/interop/peers');

function firstLine(program: string, ...args: string[]): string | undefined {
  const run = spawnSync(program, args, { encoding: 'utf8' });
  return run.error ? undefined : (run.stdout + run.stderr).split('\n')[0]?.trim();
}

const OPENSSL_GROUPS: Readonly<Record<Group, string>> = {
  x25519: 'X25519',
  secp256r1: 'P-256',
  secp384r1: 'P-384',
  X25519MLKEM768: 'X25519MLKEM768',
  SecP256r1MLKEM768: 'SecP256r1MLKEM768',
};

const openssl: Client = {
  name: 'openssl s_client',
  version: () => firstLine('openssl', 'version')?.split(' ').slice(0, 2).join(' '),
  missing: 'no openssl on PATH (Debian: openssl)',
  groups: ['x25519', 'secp256r1', 'secp384r1'],
  handshakes: HANDSHAKES,
  choosesSuite: true,
  kind: 'pipe',
  command: async ({ port, suite, group, rootFile, folder, handshake, certificateFile, keyFile }) => {
    // deno-fmt-ignore
    const args = [
      's_client', '-quiet', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-tls1_3',
      '-CAfile', rootFile, '-verify_hostname', 'localhost', '-verify_return_error',
      '-ciphersuites', suite, '-groups', OPENSSL_GROUPS[group],
      ...(handshake === 'client certificate' ? ['-cert', certificateFile, '-key', keyFile] : []),
    ];
    if (handshake !== 'resumed') return ['openssl', ...args];
    const session = join(folder, 'session.pem');
    const warmUp = spawn('openssl', [...args, '-sess_out', session], { stdio: ['pipe', 'ignore', 'ignore'] });
    warmUp.stdin.end(WARM_UP);
    await once(warmUp, 'exit');
    return ['openssl', ...args, '-sess_in', session];
  },
};

const curl: Client = {
  name: 'curl',
  version: () => firstLine('curl', '--version')?.match(/^curl \S+/)?.[0],
  missing: 'no curl on PATH (Debian: curl)',
  groups: ['x25519', 'secp256r1', 'secp384r1'],
  handshakes: HANDSHAKES,
  choosesSuite: true,
  kind: 'http',
  command: ({ port, suite, group, rootFile, handshake, certificateFile, keyFile }, { uploadFile, path }) => {
    const origin = `https://localhost:${port}`;
    // deno-fmt-ignore
    return [
      'curl', '--silent', '--show-error', '--fail', '--http1.1', '--tlsv1.3', '--cacert', rootFile,
      '--noproxy', '*', '--resolve', `localhost:${port}:127.0.0.1`,
      '--tls13-ciphers', suite, '--curves', OPENSSL_GROUPS[group], '--header', 'Expect:',
      ...(handshake === 'client certificate' ? ['--cert', certificateFile, '--key', keyFile] : []),
      ...(handshake === 'resumed' ? ['--upload-file', '/dev/null', `${origin}/0/warm-up`] : []),
      '--upload-file', uploadFile, `${origin}${path}`,
    ];
  },
};

const GNUTLS_SUITES: Readonly<Record<Suite, string>> = {
  TLS_CHACHA20_POLY1305_SHA256: 'CHACHA20-POLY1305',
  TLS_AES_128_GCM_SHA256: 'AES-128-GCM',
  TLS_AES_256_GCM_SHA384: 'AES-256-GCM',
};

const gnutls: Client = {
  name: 'gnutls-cli',
  version: () => firstLine('gnutls-cli', '--version'),
  missing: 'no gnutls-cli on PATH (Debian: gnutls-bin)',
  groups: ['x25519', 'secp256r1', 'secp384r1'],
  handshakes: HANDSHAKES,
  choosesSuite: true,
  kind: 'pipe',
  command: ({ port, suite, group, rootFile, folder, handshake, certificateFile, keyFile }) => {
    const priority = `NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+${GNUTLS_SUITES[suite]}` +
      `:-GROUP-ALL:+GROUP-${group.toUpperCase()}`;
    // deno-fmt-ignore
    return [
      'gnutls-cli', '--x509cafile', rootFile, '--priority', priority, '--logfile', join(folder, 'gnutls.log'),
      '--sni-hostname', 'localhost', '--verify-hostname', 'localhost', '--port', String(port),
      ...(handshake === 'resumed' ? ['--resume', '--waitresumption'] : []),
      ...(handshake === 'client certificate' ? ['--x509certfile', certificateFile, '--x509keyfile', keyFile] : []),
      '127.0.0.1',
    ];
  },
};

const NSS_SUITES: Readonly<Record<Suite, string>> = {
  TLS_CHACHA20_POLY1305_SHA256: ':1303',
  TLS_AES_128_GCM_SHA256: ':1301',
  TLS_AES_256_GCM_SHA384: ':1302',
};
const NSS_GROUPS: Readonly<Partial<Record<Group, string>>> = { x25519: 'x25519', secp256r1: 'P256', secp384r1: 'P384' };

/** NSS trusts what is in a database: made on first use in the client's folder. */
function nssDatabase({ folder, rootFile, certificateFile, keyFile }: Connect, name = 'nss'): string {
  const database = join(folder, name);
  mkdirSync(database, { recursive: true });
  const run = (...args: string[]) => spawnSync('certutil', args, { encoding: 'utf8' });
  run('-N', '-d', `sql:${database}`, '--empty-password');
  const added = run('-A', '-d', `sql:${database}`, '-n', 'root', '-t', 'C,,', '-i', rootFile);
  if (added.status !== 0) throw new Error(`certutil: ${added.error?.message ?? added.stderr}`);
  const bundle = join(folder, 'client.p12');
  // deno-fmt-ignore
  spawnSync('openssl', [
    'pkcs12', '-export', '-in', certificateFile, '-inkey', keyFile, '-name', 'client', '-out', bundle, '-passout', 'pass:',
  ]);
  spawnSync('pk12util', ['-i', bundle, '-d', `sql:${database}`, '-W', '']);
  return `sql:${database}`;
}

const nss: Client = {
  name: 'tstclnt (NSS)',
  version: () => {
    if (firstLine('tstclnt') === undefined || firstLine('certutil') === undefined) return undefined;
    return 'NSS ' + (firstLine('dpkg-query', '-Wf', '${Version}', 'libnss3') ?? '');
  },
  missing: 'no tstclnt on PATH (Debian: libnss3-tools)',
  groups: ['x25519', 'secp256r1', 'secp384r1'],
  handshakes: HANDSHAKES,
  repeats: true,
  choosesSuite: true,
  kind: 'pipe',
  // deno-fmt-ignore
  command: (connect, { uploadFile }) => [
    'tstclnt', '-h', '127.0.0.1', '-a', 'localhost', '-p', String(connect.port), '-d', nssDatabase(connect),
    '-V', 'tls1.3:tls1.3', '-I', NSS_GROUPS[connect.group] ?? '', '-f',
    // With both -L and -c it frees the list of suites twice and aborts.
    ...(connect.handshake === 'resumed' ? ['-L', '2', '-A', uploadFile] : ['-c', NSS_SUITES[connect.suite]]),
    ...(connect.handshake === 'client certificate' ? ['-n', 'client'] : []),
  ],
};

/** The npm package `node@24` or any other Node: the path of its binary. */
const node24 = process.env['SALLYPORT_NODE_24'];

function nodeClient(name: string, program: string | undefined, groups: readonly Group[]): Client {
  return {
    name,
    version: () => {
      const run = program === undefined ? undefined : firstLine(program, '-p', '`Node ${process.version.slice(1)}`');
      return run;
    },
    missing: 'SALLYPORT_NODE_24 does not name a Node 24 binary',
    groups,
    handshakes: HANDSHAKES,
    choosesSuite: true,
    kind: 'pipe',
    // deno-fmt-ignore
    command: ({ port, suite, group, rootFile, handshake, certificateFile, keyFile }) => [
      program ?? 'node', join(peers, 'node_client.mjs'), String(port), rootFile, suite, OPENSSL_GROUPS[group],
      handshake, certificateFile, keyFile,
    ],
  };
}

const deno: Client = {
  name: 'Deno (rustls)',
  version: () => DENO === undefined ? undefined : firstLine(DENO, '--version')?.split(' ').slice(0, 2).join(' '),
  missing: 'the npm package deno has no binary for this machine',
  groups: ['x25519', 'secp256r1', 'secp384r1', 'X25519MLKEM768'],
  handshakes: ['full', 'client certificate'], // Each Deno.connectTls has a session cache of its own.
  choosesSuite: false,
  kind: 'pipe',
  // deno-fmt-ignore
  command: ({ port, rootFile, handshake, certificateFile, keyFile }) => [
    DENO ?? '', 'run', '--quiet', '--no-config', '--allow-net', '--allow-read',
    join(peers, 'deno_client.mjs'), String(port), rootFile, handshake, certificateFile, keyFile,
  ],
};

const go: Client = {
  name: 'Go crypto/tls',
  version: () => firstLine('go', 'version')?.split(' ')[2],
  missing: 'no go on PATH (https://go.dev)',
  groups: ['x25519', 'secp256r1', 'secp384r1', 'X25519MLKEM768'],
  handshakes: HANDSHAKES,
  choosesSuite: false,
  kind: 'pipe',
  command: async ({ port, rootFile, folder, handshake, certificateFile, keyFile }) => {
    return [await goProgram(folder, 'go_client'), String(port), rootFile, handshake, certificateFile, keyFile];
  },
};

const chromium: Client = {
  name: 'Chromium',
  version: () => firstLine('chromium-headless-shell', '--version')?.trim(),
  missing: 'no chromium-headless-shell on PATH (Debian: chromium-headless-shell)',
  groups: ['x25519', 'secp256r1', 'secp384r1', 'X25519MLKEM768'],
  handshakes: ['any'],
  choosesSuite: false,
  kind: 'browser',
  command: (connect, { path }) => {
    // It trusts the database in its user's home.
    mkdirSync(join(connect.folder, '.pki'), { recursive: true });
    nssDatabase({ ...connect, folder: join(connect.folder, '.pki') }, 'nssdb');
    // deno-fmt-ignore
    return [
      'env', `HOME=${connect.folder}`, 'chromium-headless-shell', '--no-sandbox', '--disable-gpu', '--disable-quic',
      '--no-proxy-server', '--host-resolver-rules=MAP localhost 127.0.0.1', `--user-data-dir=${connect.folder}/profile`,
      '--virtual-time-budget=60000', '--dump-dom', `https://localhost:${connect.port}${path}`,
    ];
  },
};

export const CLIENTS: readonly Client[] = [
  openssl,
  curl,
  gnutls,
  nss,
  nodeClient('node:tls', process.execPath, ['x25519', 'secp256r1', 'secp384r1']),
  nodeClient('node:tls (24)', node24, GROUPS),
  deno,
  go,
  chromium,
];
