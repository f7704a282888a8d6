import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createServer } from 'node:tls';
import { DENO } from '../support/deno.ts';
import { ROOT } from '../support/root.ts';
import type { Group, Suite } from './clients.ts';

/** What the command logs when a connection has ended, well or not: a browser that is done just goes away. */
export interface ConnectionLine {
  readonly suite: string;
  readonly group: string;
  readonly resumed?: boolean;
  readonly alpn?: string;
  readonly received: number;
}

/** A terminator in front of a backend. */
export interface Server {
  readonly port: number;
  /** The connections that have ended so far; undefined when the server does not tell. */
  readonly connections?: readonly ConnectionLine[];
  /** All lines of its log so far; undefined when it has none. */
  readonly log?: readonly Readonly<Record<string, unknown>>[];
  /** Ends it. Rejects when it did not end in an orderly way. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly backendPort: number;
  /** Accepts this suite and this group alone. Default: all it has. */
  readonly only?: { readonly suite: Suite; readonly group: Group };
  /** More arguments for the command. */
  readonly flags?: readonly string[];
}

/** What runs the command: the bundle on a Node, or the sources on Deno. */
export interface Host {
  readonly name: string;
  /** Why it cannot be used here; undefined when it can. */
  readonly missing: string | undefined;
  start(options: ServerOptions): Promise<Server>;
}

const node24 = process.env['SALLYPORT_NODE_24'];

function nodeHost(name: string, program: string | undefined, missing: string): Host {
  return {
    name,
    missing: program !== undefined && existsSync(program) ? undefined : missing,
    start: (options) => startCommand([program ?? '', join(ROOT, 'dist/cli/main.js')], options),
  };
}

export const HOSTS: readonly Host[] = [
  nodeHost(`Node ${process.version.slice(1)}`, process.execPath, ''),
  nodeHost('Node 24', node24, 'SALLYPORT_NODE_24 does not name a Node 24 binary'),
  {
    name: 'Deno',
    missing: DENO === undefined ? 'the npm package deno has no binary for this machine' : undefined,
    start: (options) => startCommand([DENO ?? '', ...denoStartArguments()], options),
  },
];

/** What `deno task start` runs. Not through the task, whose shell does not hand signals on. */
function denoStartArguments(): string[] {
  const { tasks } = JSON.parse(readFileSync(join(ROOT, 'deno.json'), 'utf8')) as { tasks: { start: string } };
  const [, args] = /\bdeno (run .*)$/.exec(tasks.start) ?? [];
  if (args === undefined) throw new Error(`deno.json: the start task does not end in 'deno run ...': ${tasks.start}`);
  return args.split(' ');
}

async function startCommand(command: readonly string[], options: ServerOptions): Promise<Server> {
  const { certificateFile, keyFile, backendPort, only, flags = [] } = options;
  const [program = '', ...rest] = command;
  // deno-fmt-ignore
  const args = [
    ...rest, '--listen', '127.0.0.1:0', '--target', `127.0.0.1:${backendPort}`,
    '--cert', certificateFile, '--key', keyFile, '--log-format', 'json', ...flags,
    ...(only === undefined ? [] : ['--ciphers', only.suite, '--groups', only.group]),
  ];
  const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>;
  const connections: ConnectionLine[] = [];
  const log: Record<string, unknown>[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    let said = '';
    createInterface(child.stderr).on('line', (line) => {
      said += line;
      if (!line.startsWith('{')) return;
      const entry = JSON.parse(line) as { event: string; address: string } & ConnectionLine;
      log.push(entry as unknown as Record<string, unknown>);
      if (entry.event === 'listening') resolve(Number(entry.address.split(':').at(-1)));
      if ('suite' in entry) connections.push(entry);
    });
    child.stdout.resume();
    child.on('error', reject);
    void exit.then(([code]) => reject(new Error(`the terminator did not start (code ${code}): ${said}`)));
  });
  return {
    port,
    connections,
    log,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      const [code, signal] = await exit;
      clearTimeout(timer);
      if (code !== 0) throw new Error(`the terminator ended with code ${code}, signal ${signal}`);
    },
  };
}

/** The harness against a peer that is not ours: what fails here is the harness's fault. */
export const STOCK_HOST: Host = {
  name: `node:tls ${process.version.slice(1)}`,
  missing: undefined,
  async start({ certificateFile, keyFile, backendPort, only }) {
    const server = createServer({
      cert: readFileSync(certificateFile),
      key: readFileSync(keyFile),
      minVersion: 'TLSv1.3',
      allowHalfOpen: true,
      ...(only === undefined ? {} : { ciphers: only.suite, ecdhCurve: only.group.replace('secp256r1', 'P-256') }),
    }, (client) => {
      const backend = connectTcp({ host: '127.0.0.1', port: backendPort, allowHalfOpen: true });
      client.on('error', () => backend.destroy()).on('close', () => backend.destroy());
      backend.on('error', () => client.destroy());
      client.pipe(backend).pipe(client);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      port: (server.address() as AddressInfo).port,
      async stop() {
        server.close();
      },
    };
  },
};
