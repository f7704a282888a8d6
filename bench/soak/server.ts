/** The terminator under test: how it is started, and what can be seen of it from outside. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { CertificateFiles } from '../certificates.ts';
import { freePort, listening, pause, PinnedProcess } from '../process.ts';

export interface ServerPlan {
  /** A binary of Node or Deno. */
  readonly runtime: string;
  readonly workers: number;
  readonly backendPort: number;
  readonly certificate: CertificateFiles;
  readonly clientAuthority: string;
  /** A server that is not ours: its command line, with {port}, {backend}, {cert} and {key} in it. */
  readonly command?: string | undefined;
}

/** What a server that is well never says. Each connection's line has its reason in RFC terms, which are none of these. */
const alarming =
  /unhandled|uncaught|rejection|\b(?:Type|Range|Reference|Assertion|Usage)Error|internal_error|worker died/i;

export class Server extends PinnedProcess {
  readonly port: number;
  readonly #metricsPort: number | undefined;
  /** The first alarming line. */
  alarm: string | undefined;
  #saysItListens = false;

  private constructor(command: readonly string[], port: number, metricsPort: number | undefined) {
    const [program = '', ...args] = command;
    super(spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
    this.port = port;
    this.#metricsPort = metricsPort;
    for (const output of [this.child.stdout, this.child.stderr]) {
      if (output === null) continue;
      createInterface({ input: output }).on('line', (line) => {
        if (alarming.test(line)) this.alarm ??= line;
        if (/ info listening /.test(line)) this.#saysItListens = true;
      });
    }
  }

  static async start(plan: ServerPlan): Promise<Server> {
    const port = await freePort();
    const metricsPort = plan.command === undefined ? await freePort() : undefined;
    const command = metricsPort === undefined ? foreignCommand(plan, port) : ownCommand(plan, port, metricsPort);
    const server = new Server(command, port, metricsPort);
    await listening(port, server);
    // With workers, the first listener is a trial of the port: nobody listens between it and theirs.
    while (metricsPort !== undefined && server.alive && !server.#saysItListens) await pause(20);
    return server;
  }

  /** Of the process and all that it started. */
  descriptors(): number {
    return this.family().reduce((sum, pid) => sum + count(`/proc/${pid}/fd`), 0);
  }

  /** What its metrics say; undefined when it has none. */
  async metric(name: string): Promise<number | undefined> {
    if (this.#metricsPort === undefined) return undefined;
    const text = await (await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`)).text();
    const value = new RegExp(`^sallyport_${name} (\\d+)$`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error(`no metric ${name}`);
    return Number(value);
  }

  /** Whether certificates can be loaded again by a signal. */
  get reloads(): boolean {
    return this.#metricsPort !== undefined;
  }

  /** Asks it to end, and tells what is wrong with how it does. */
  async end(): Promise<string | undefined> {
    if (!this.alive) return `the server ended by itself: ${this.log.slice(-1000)}`;
    const exit = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => void this.stop(), 10_000);
    await exit;
    clearTimeout(timer);
    const { exitCode, signalCode } = this.child;
    if (exitCode === 0 || this.#metricsPort === undefined) return undefined;
    return `asked to end, the server ended with ${signalCode ?? `exit code ${exitCode}`}`;
  }
}

function ownCommand(plan: ServerPlan, port: number, metricsPort: number): string[] {
  const { runtime, workers, backendPort, certificate, clientAuthority } = plan;
  const deno = basename(runtime).startsWith('deno');
  return [
    ...[runtime, ...(deno ? denoStartArguments() : ['dist/cli/main.js'])],
    ...['--listen', `127.0.0.1:${port}`, '--target', `127.0.0.1:${backendPort}`],
    ...['--cert', certificate.cert, '--key', certificate.key, '--metrics', `127.0.0.1:${metricsPort}`],
    ...['--client-ca', clientAuthority, '--client-auth', 'request'],
    ...(workers === 1 ? [] : ['--workers', String(workers)]),
  ];
}

/** What `deno task start` runs. Not through the task, whose shell does not hand signals on. */
function denoStartArguments(): string[] {
  const { tasks } = JSON.parse(readFileSync('deno.json', 'utf8')) as { tasks: { start: string } };
  const [, args] = /\bdeno (run .*)$/.exec(tasks.start) ?? [];
  if (args === undefined) throw new Error(`deno.json: the start task does not end in 'deno run ...': ${tasks.start}`);
  return args.split(' ');
}

function foreignCommand({ command = '', backendPort, certificate }: ServerPlan, port: number): string[] {
  const { cert, key } = certificate;
  const fill: Record<string, string> = { port: String(port), backend: String(backendPort), cert, key };
  return command.split(' ').map((word) => word.replace(/\{(\w+)\}/, (_, name) => fill[name] ?? ''));
}

/** Deno's own binary out of its npm package: its script hands no signals on. */
export function findDeno(): string {
  const folder = 'node_modules/@deno';
  const [name] = readdirSync(folder).filter((each) => count(join(folder, each)) > 0);
  if (name === undefined) throw new Error(`no Deno in ${folder}`);
  return join(folder, name, 'deno');
}

function count(folder: string): number {
  try {
    return readdirSync(folder).length;
  } catch {
    return 0; // It is gone.
  }
}
