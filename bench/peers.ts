/** Who is compared, how each is found, and how it is started in front of a backend. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CertificateFiles } from './certificates.ts';
import { findProgram, versionLine } from './process.ts';

export interface ServerPlan {
  readonly port: number;
  readonly backendPort: number;
  readonly certificate: CertificateFiles;
  readonly workers: number;
  /** How many it must be able to hold. */
  readonly connections: number;
  /** A folder for configuration files, this server's alone. */
  readonly folder: string;
}

export interface Peer {
  readonly id: string;
  readonly title: string;
  /** Why it cannot run here; undefined when it can. */
  missing(): string | undefined;
  /** Rows it cannot do as it is installed, and why. */
  readonly cannot?: Readonly<Record<string, string>>;
  /** The command that starts it in the foreground. */
  command(plan: ServerPlan): string[];
}

const here = join(process.cwd(), 'bench');
const modules = join(here, 'runtime/node_modules');
const bundle = join(process.cwd(), 'dist/cli/main.js');
/** Where the bench's own Node of this version is. */
export const findNode = (major: number): string => join(modules, `node-${major}-${process.arch}`, 'bin', 'node');
const tool = (name: string): string => join(modules, '.bin', name);
const absent = (path: string): string | undefined => existsSync(path) ? undefined : `no ${path}`;

function ours(plan: ServerPlan): string[] {
  return [
    ...[
      '--listen',
      `127.0.0.1:${plan.port}`,
      '--target',
      `127.0.0.1:${plan.backendPort}`,
    ],
    ...['--cert', plan.certificate.cert, '--key', plan.certificate.key],
    // The peers log no connections either.
    ...['--log-level', 'warning'],
    ...(plan.workers === 1 ? [] : ['--workers', String(plan.workers)]),
  ];
}

const scriptArguments = (plan: ServerPlan): string[] => [
  String(plan.port),
  String(plan.backendPort),
  plan.certificate.cert,
  plan.certificate.key,
];

const ownNode = (major: number): Peer => ({
  id: `sallyport-node${major}`,
  title: `Sallyport, Node ${major}`,
  missing: () => absent(findNode(major)) ?? absent(bundle),
  // As `npm start` does.
  command: (plan) => [findNode(major), '--min-semi-space-size=4', '--max-semi-space-size=4', bundle, ...ours(plan)],
});

const nodeTls = (major: number): Peer => ({
  id: `node-tls-${major}`,
  title: `node:tls, Node ${major}`,
  missing: () => absent(findNode(major)),
  cannot: major < 24 ? { hybrid: 'its OpenSSL has no ML-KEM' } : {},
  command: (
    plan,
  ) => [
    findNode(major),
    join(here, 'peer/node_tls.mjs'),
    ...scriptArguments(plan),
  ],
});

function write(plan: ServerPlan, name: string, text: string): string {
  const path = join(plan.folder, name);
  writeFileSync(path, text);
  return path;
}

const nginxModule = '/usr/lib/nginx/modules/ngx_stream_module.so';

function nginxConfiguration(plan: ServerPlan): string {
  return `${existsSync(nginxModule) ? `load_module ${nginxModule};` : ''}
daemon off;
pid ${join(plan.folder, 'nginx.pid')};
error_log stderr error;
worker_processes ${plan.workers};
worker_rlimit_nofile ${2 * plan.connections + 200};
events { worker_connections ${2 * plan.connections + 200}; }
stream {
  access_log off;
  server {
    listen 127.0.0.1:${plan.port} ssl backlog=4096;
    proxy_pass 127.0.0.1:${plan.backendPort};
    ssl_certificate ${plan.certificate.cert};
    ssl_certificate_key ${plan.certificate.key};
    ssl_protocols TLSv1.3;
  }
}
`;
}

function haproxyConfiguration(plan: ServerPlan): string {
  return `global
  nbthread ${plan.workers}
  maxconn ${plan.connections}
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  mode tcp
  timeout connect 5s
  timeout client 10m
  timeout server 10m
frontend tls
  bind 127.0.0.1:${plan.port} ssl crt ${plan.certificate.both} backlog 4096
  default_backend plain
backend plain
  server one 127.0.0.1:${plan.backendPort}
`;
}

function hitchConfiguration(plan: ServerPlan): string {
  return `frontend = "[127.0.0.1]:${plan.port}"
backend = "[127.0.0.1]:${plan.backendPort}"
pem-file = "${plan.certificate.both}"
tls-protos = TLSv1.3
workers = ${plan.workers}
daemon = off
backlog = 4096
keepalive = 3600
${process.getuid?.() === 0 ? 'user = "nobody"\n' : ''}`;
}

const openssl = /OpenSSL (\d+)\.(\d+)/.exec(versionLine('openssl', 'version'));
/** Debian's servers use the OpenSSL of the machine. */
const systemOpenssl = openssl === null || Number(openssl[1]) > 3 || Number(openssl[2]) >= 5
  ? {}
  : { hybrid: `${openssl[0]} has no ML-KEM` };

/** In the order of the table. */
export const peers: readonly Peer[] = [
  ownNode(24),
  ownNode(20),
  {
    id: 'sallyport-deno',
    title: 'Sallyport, Deno',
    missing: () => absent(tool('deno')) ?? absent(join(process.cwd(), 'src/cli/main.ts')),
    command: (plan) => [
      ...[
        tool('deno'),
        'run',
        '--quiet',
        // As `deno task start` does.
        '--v8-flags=--min-semi-space-size=4,--max-semi-space-size=4,--single-threaded-gc,--invocation-count-for-turbofan=1500',
        '--unstable-net',
        '--allow-net',
        '--allow-read',
        '--allow-env',
      ],
      'src/cli/main.ts',
      ...ours(plan),
    ],
  },
  nodeTls(24),
  nodeTls(20),
  {
    id: 'nginx',
    cannot: systemOpenssl,
    title: 'nginx stream',
    missing: () => findProgram('nginx') === undefined ? 'no nginx (Debian: nginx libnginx-mod-stream)' : undefined,
    command: (plan) => [
      ...[findProgram('nginx') ?? 'nginx', '-p', plan.folder],
      ...['-c', write(plan, 'nginx.conf', nginxConfiguration(plan))],
    ],
  },
  {
    id: 'haproxy',
    cannot: systemOpenssl,
    title: 'haproxy',
    missing: () => findProgram('haproxy') === undefined ? 'no haproxy (Debian: haproxy)' : undefined,
    command: (plan) => [
      findProgram('haproxy') ?? 'haproxy',
      '-db',
      '-f',
      write(plan, 'haproxy.cfg', haproxyConfiguration(plan)),
    ],
  },
  {
    id: 'hitch',
    cannot: systemOpenssl,
    title: 'hitch',
    missing: () => findProgram('hitch') === undefined ? 'no hitch (Debian: hitch)' : undefined,
    command: (plan) => [
      findProgram('hitch') ?? 'hitch',
      `--config=${write(plan, 'hitch.conf', hitchConfiguration(plan))}`,
    ],
  },
  {
    id: 'bun',
    title: 'Bun.listen',
    missing: () => absent(tool('bun')),
    command: (
      plan,
    ) => [
      tool('bun'),
      join(here, 'peer/bun_listen.js'),
      ...scriptArguments(plan),
    ],
  },
  {
    id: 'deno-tls',
    title: 'Deno.listenTls',
    missing: () => absent(tool('deno')),
    command: (plan) => [
      ...[
        tool('deno'),
        'run',
        '--quiet',
        '--allow-net',
        '--allow-read',
        join(here, 'peer/deno_listen_tls.js'),
      ],
      ...scriptArguments(plan),
    ],
  },
];

/** The terminators that people run without a runtime. */
export const native = ['nginx', 'haproxy', 'hitch'] as const;
