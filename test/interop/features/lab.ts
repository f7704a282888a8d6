import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server as TcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyType } from '../../../src/crypto/provider.ts';
import { issue, makeRoot, type TestCertificate } from '../../support/certificates.ts';
import { Fixture } from '../fixture.ts';
import { type Backend, startBackend } from '../backend.ts';
import { HOSTS, type Server } from '../servers.ts';
import { type Tap, tap } from './tap.ts';

/** One row of the table: a feature against a peer that has it. */
export interface Feature {
  readonly feature: string;
  readonly peer: string;
  /** Why it cannot be tried here; undefined when it can. */
  readonly missing: string | undefined;
  /** `interop.test.ts` runs it anyhow: only for the table. */
  readonly repeated?: true;
  /** Resolves with what was seen, in a word or two, or with `skipped: ` and the reason; throws with what was wrong. */
  run(lab: Lab): Promise<string>;
}

/** A running command that can be looked into. */
export interface Served extends Server {
  /** The text of its key log so far. */
  keyLog(): string;
}

export interface Conversation {
  /** What is typed, each with what is waited for before anything else is. Default: a line that the backend sends back. */
  readonly steps?: readonly (readonly [say: string, until: RegExp])[];
  /** Typed at the end, before its input is closed. Without it, and without steps, the program ends by itself. */
  readonly last?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const LINE = 'there and back';

/** Certificates, a backend that sends back what it gets, and servers that end with it. */
export class Lab {
  readonly folder = mkdtempSync(join(tmpdir(), 'sallyport-features-'));
  readonly root: TestCertificate;
  readonly rootFile: string;
  readonly #validity: { readonly notBefore: number; readonly notAfter: number };
  readonly #backend: TcpServer;
  readonly #sockets = new Set<Socket>();
  readonly #ends: (() => Promise<void> | void)[] = [];
  #fixture: Promise<Fixture> | undefined;
  readonly #moving: Backend;
  #count = 0;

  private constructor(backend: TcpServer, moving: Backend) {
    this.#backend = backend;
    this.#moving = moving;
    backend.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => this.#sockets.delete(socket));
      socket.pipe(socket);
    });
    const now = Date.now();
    this.#validity = { notBefore: now - 86_400_000, notAfter: now + 30 * 86_400_000 };
    this.root = makeRoot(this.#validity);
    this.rootFile = this.write('root.pem', this.root.pem);
  }

  static async start(): Promise<Lab> {
    const backend = createServer({ allowHalfOpen: true, noDelay: true });
    backend.listen(0, '127.0.0.1');
    await once(backend, 'listening');
    return new Lab(backend, await startBackend());
  }

  get backendPort(): number {
    return (this.#backend.address() as AddressInfo).port;
  }

  /** A backend that answers `MOVE <up> <down> <seed>` and ends (see `startBackend`). */
  get movingPort(): number {
    return this.#moving.port;
  }

  /** A file of this name in a folder of its own. Its path. */
  write(name: string, content: string | Uint8Array): string {
    const path = this.path(name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  /** Where a file of this name may be put; another each time. */
  path(name: string): string {
    return join(this.folder, `${this.#count++}-${name}`);
  }

  /** A certificate for localhost below the root, and its files. */
  issue(
    type: KeyType = 'ecdsa_p256',
    subject?: string,
  ): { readonly leaf: TestCertificate; readonly chainFile: string; readonly keyFile: string } {
    const leaf = issue(this.root, {
      ...this.#validity,
      type,
      ...(subject === undefined ? {} : { subject, names: [`${subject}.test`] }),
    });
    return { leaf, chainFile: this.write('chain.pem', leaf.chainPem), keyFile: this.write('key.pem', leaf.keyPem) };
  }

  /** The command with these flags, in front of the backend that sends back. */
  async serve(flags: readonly string[] = [], certificate = this.issue()): Promise<Served> {
    const [host] = HOSTS;
    if (host === undefined) throw new Error('no host');
    const keyLogFile = this.write('keys.log', '');
    const server = await host.start({
      certificateFile: certificate.chainFile,
      keyFile: certificate.keyFile,
      backendPort: this.backendPort,
      flags: [...flags, '--keylog', keyLogFile],
    });
    this.#ends.push(() => server.stop());
    return { ...server, keyLog: () => readFileSync(keyLogFile, 'utf8') };
  }

  /** A wire to `port` that keeps what passes. */
  async tap(port: number): Promise<Tap> {
    const made = await tap(port);
    this.#ends.push(() => made.close());
    return made;
  }

  /** Called when the lab stops. */
  atEnd(end: () => Promise<void> | void): void {
    this.#ends.push(end);
  }

  /** Runs a program, types what it is told, and gives everything it said, standard error included. It has 15 seconds. */
  async talk(program: string, args: readonly string[], conversation: Conversation = {}): Promise<string> {
    const { steps = [[`${LINE}\n`, new RegExp(`^${LINE}$`, 'm')]], last = '', env } = conversation;
    const child = spawn(program, args, { cwd: this.folder, env: { ...process.env, ...env } });
    let said = '';
    let wake = (): void => {};
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString('latin1');
        wake();
      });
    }
    const closed = once(child, 'close');
    const timer = setTimeout(() => {
      said += `\n[killed: it had not ended after 15 s]`;
      child.kill('SIGKILL');
    }, 15_000);
    child.stdin.on('error', () => {});
    for (const [say, until] of steps) {
      child.stdin.write(say);
      const seen = new Promise<void>((resolve) => {
        wake = () => until.test(said) && resolve();
        wake();
      });
      await Promise.race([seen, closed]);
    }
    if (steps.length > 0) child.stdin.end(last);
    await closed;
    clearTimeout(timer);
    return said;
  }

  /** The fixture that moves payloads, shared by all rows that need it. */
  fixture(): Promise<Fixture> {
    return this.#fixture ??= Fixture.start();
  }

  async stop(): Promise<void> {
    await (await this.#fixture)?.stop();
    for (const end of this.#ends.reverse()) await end();
    this.#backend.close();
    this.#moving.close();
    for (const socket of this.#sockets) socket.destroy();
    rmSync(this.folder, { recursive: true });
  }
}

/** Throws unless the text has it. */
export function expectText(text: string, pattern: RegExp | string): RegExpExecArray {
  const expression = typeof pattern === 'string' ? new RegExp(pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) : pattern;
  const match = expression.exec(text);
  if (match === null) throw new Error(`expected ${pattern} in: ${text.slice(-1500)}`);
  return match;
}

export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${what}: ${one} instead of ${other}`);
}

/** The server's log line that fits, when it comes; `said` is what the peer said, for the error. */
export async function logged(
  server: Server,
  fits: (line: Readonly<Record<string, unknown>>) => boolean,
  said: string,
): Promise<Readonly<Record<string, unknown>>> {
  for (const deadline = Date.now() + 5000; Date.now() < deadline;) {
    const line = server.log?.find(fits);
    if (line !== undefined) return line;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`the terminator did not log it: ${JSON.stringify(server.log)}; its peer said: ${said.slice(-1500)}`);
}

/** Why a program cannot be used; undefined when it can. */
export function missingProgram(program: string, debianPackage: string): string | undefined {
  return spawnSync(program, ['--version']).error === undefined
    ? undefined
    : `no ${program} on PATH (Debian: ${debianPackage})`;
}
