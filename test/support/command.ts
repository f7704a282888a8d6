import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { issue, makeRoot, type TestCertificate, type TestCertificateOptions } from './certificates.ts';
import { DENO } from './deno.ts';
import { ROOT } from './root.ts';

/** A line of the log, as `--log-format json` writes it. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string };

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const running = new Set<Command>();
const folders: string[] = [];

afterEach(async () => {
  await Promise.all([...running].map((command) => command.kill()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export type CommandRuntime = 'node' | 'node24' | 'deno';

/** What the command can run on here, each a test of its own: another Node where SALLYPORT_NODE_24 names one. */
export const RUNTIMES: readonly CommandRuntime[] = process.env['SALLYPORT_NODE_24'] === undefined
  ? ['node', 'deno']
  : ['node', 'node24', 'deno'];

export interface CommandOptions {
  /** Default: this Node. */
  readonly runtime?: CommandRuntime;
  readonly env?: NodeJS.ProcessEnv;
  /** How many files it may have open. */
  readonly openFiles?: number;
}

/** The real command in a process of its own: the bundle on this Node, or the sources on Deno. Killed after the test. */
export class Command {
  stdout = '';
  stderr = '';
  readonly process: ChildProcess;
  readonly exited: Promise<Exit>;
  #waiters: (() => void)[] = [];

  constructor(args: readonly string[], options: CommandOptions = {}) {
    const limit = options.openFiles === undefined ? [] : ['prlimit', `--nofile=${options.openFiles}`];
    const [program, ...before] = options.runtime === 'deno'
      ? [
        ...limit,
        DENO ?? 'deno',
        'run',
        '--no-prompt',
        '--allow-net',
        '--allow-read',
        '--allow-env',
        'src/cli/main.ts',
      ]
      : [...limit, nodeProgram(options.runtime), 'dist/cli/main.js'];
    const { SSLKEYLOGFILE: _none, ...env } = process.env;
    this.process = spawn(program as string, [...before, ...args], { cwd: ROOT, env: { ...env, ...options.env } });
    running.add(this);
    this.process.stdout?.on('data', (chunk) => this.#note(() => this.stdout += chunk));
    this.process.stderr?.on('data', (chunk) => this.#note(() => this.stderr += chunk));
    this.exited = new Promise((resolve) => {
      this.process.once('close', (code, signal) => {
        running.delete(this);
        this.#note(() => {});
        resolve({ code, signal });
      });
    });
  }

  /** Starts it with a JSON log and waits until it listens. `--listen 127.0.0.1:0` unless the arguments say otherwise. */
  static async start(args: readonly string[], options: CommandOptions = {}): Promise<Command> {
    const listen = args.includes('--listen') ? [] : ['--listen', '127.0.0.1:0'];
    const command = new Command([...listen, '--log-format', 'json', ...args], options);
    await command.logged('listening');
    return command;
  }

  get log(): LogLine[] {
    return this.stderr.split('\n').slice(0, -1).flatMap((line) => {
      try {
        return [JSON.parse(line) as LogLine];
      } catch {
        return [];
      }
    });
  }

  /** The port it listens on. */
  get port(): number {
    const address = String(this.log.find(({ event }) => event === 'listening')?.['address']);
    return Number(address.slice(address.lastIndexOf(':') + 1));
  }

  /** The `count`th line with this event, once it is there. */
  async logged(event: string, count = 1): Promise<LogLine> {
    for (;;) {
      const line = this.log.filter((each) => each.event === event)[count - 1];
      if (line !== undefined) return line;
      if (this.process.exitCode !== null) throw new Error(`exited without '${event}': ${this.stderr}`);
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** Once standard output matches. */
  async printed(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout)) {
      if (this.process.exitCode !== null) throw new Error(`exited without ${pattern}: ${this.stderr}`);
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** Ends it as a service manager would. */
  async stop(): Promise<Exit> {
    this.process.kill('SIGTERM');
    return await this.exited;
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  #note(change: () => void): void {
    change();
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

function nodeProgram(runtime: CommandRuntime | undefined): string {
  if (runtime !== 'node24') return process.execPath;
  const program = process.env['SALLYPORT_NODE_24'];
  if (program === undefined) throw new Error('SALLYPORT_NODE_24 does not name a Node 24 binary');
  return program;
}

/** A folder that is removed after the test, with these files in it. */
export function temporaryFiles(files: Readonly<Record<string, string | Uint8Array>>): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-test-'));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return (name) => join(folder, name);
}

export interface Served {
  readonly root: TestCertificate;
  readonly leaf: TestCertificate;
  /** `--cert` and `--key` for the command. */
  readonly args: readonly string[];
  readonly rootFile: string;
}

/** A certificate below a root of its own, in files. */
export function certificateFiles(options: TestCertificateOptions = {}): Served {
  const root = makeRoot();
  const leaf = issue(root, options);
  const file = temporaryFiles({ 'chain.pem': leaf.chainPem, 'key.pem': leaf.keyPem, 'root.pem': root.pem });
  return { root, leaf, args: ['--cert', file('chain.pem'), '--key', file('key.pem')], rootFile: file('root.pem') };
}
