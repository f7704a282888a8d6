/** The load client and backend: a Go program on the second core, told what to do line by line. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findProgram, type PinnedProcess, startPinned } from './process.ts';

export interface LoadCommand {
  readonly op:
    | 'backend'
    | 'handshakes'
    | 'latency'
    | 'first_reply'
    | 'download'
    | 'upload'
    | 'round_trips'
    | 'hold'
    | 'stall'
    | 'release';
  readonly port?: number;
  readonly suites?: readonly number[];
  readonly group?: number;
  readonly key?: 'ECDSA' | 'RSA';
  readonly resume?: boolean;
  readonly count?: number;
  readonly concurrency?: number;
  readonly rate?: number;
}

export interface LoadAnswer {
  readonly error?: string;
  readonly port?: number;
  readonly count: number;
  /** The suite that all connections agreed on. */
  readonly suite?: number;
  readonly seconds?: number;
  /** Milliseconds. */
  readonly latencies?: readonly number[];
}

/** Builds the program. Throws a sentence that says what is missing. */
export function buildLoad(source: string, folder: string): string {
  if (findProgram('go') === undefined) {
    throw new Error(
      'the load client is a Go program, and there is no `go` (1.25 or newer) on PATH',
    );
  }
  const program = join(folder, 'load');
  execFileSync('go', ['build', '-o', program, '.'], {
    cwd: source,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return program;
}

export class Load {
  readonly #process: PinnedProcess;
  readonly #answers: AsyncIterator<string>;

  /** `prefix`: what to put before the command. */
  constructor(program: string, cores: string, prefix: readonly string[]) {
    this.#process = startPinned(cores, [...prefix, program]);
    const { stdout } = this.#process.child;
    if (stdout === null) throw new Error('the load client has no output');
    this.#answers = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  async run(command: LoadCommand): Promise<LoadAnswer> {
    this.#process.child.stdin?.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) {
      throw new Error(`the load client ended: ${this.#process.log}`);
    }
    const answer = JSON.parse(value) as LoadAnswer;
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
