/** Processes pinned to a core, and what /proc tells about them. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { delimiter, join } from 'node:path';

/** Where a program is on PATH (and the sbin folders, where Debian keeps servers). */
export function findProgram(name: string): string | undefined {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
  ];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** The first line of what a program says about its version; 'none' where there is no such program. */
export function versionLine(command: string, ...flags: string[]): string {
  try {
    const out = execFileSync(command, flags, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
    return out.split('\n')[0] ?? '';
  } catch {
    return 'none';
  }
}

export interface FileLimit {
  /** What to put before a command. */
  readonly prefix: readonly string[];
  /** How many files it may have open then. */
  readonly files: number;
}

/** Raises the limit of open files for commands that need `wanted`, where this user may; else it stays what it is. */
export function fileLimit(wanted: number): FileLimit {
  const [, hard = 'unlimited'] = /^Max open files +\S+ +(\S+)/m.exec(read('/proc/self/limits')) ?? [];
  // Programs that need many files raise their soft limit by themselves.
  const files = hard === 'unlimited' ? Infinity : Number(hard);
  if (files >= wanted) return { prefix: [], files };
  const prefix = ['prlimit', `--nofile=${wanted}:${wanted}`];
  const [program = '', ...args] = [...prefix, 'true'];
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0 ? { prefix, files: wanted } : { prefix: [], files };
}

/** Starts a command on the given cores. Its error output is kept for `PinnedProcess.log`. */
export function startPinned(
  cores: string,
  command: readonly string[],
  cwd?: string,
): PinnedProcess {
  return new PinnedProcess(
    spawn('taskset', ['-c', cores, ...command], {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
    }),
  );
}

export class PinnedProcess {
  readonly child: ChildProcess;
  /** The last 4 KiB of what it printed to its error output. */
  log = '';

  constructor(child: ChildProcess) {
    this.child = child;
    child.stderr?.on('data', (bytes: Uint8Array) => {
      this.log = (this.log + Buffer.from(bytes).toString()).slice(-4096);
    });
    child.on('error', (error) => {
      this.log += String(error);
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get alive(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null &&
      this.child.signalCode === null;
  }

  /** CPU seconds, user and system, of each thread of the process and of all it started. By thread id. */
  threadCpu(): Map<number, number> {
    const cpu = new Map<number, number>();
    for (const pid of family(this.pid)) {
      for (const thread of list(`/proc/${pid}/task`)) {
        const nanoseconds = Number(
          read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0],
        );
        if (nanoseconds > 0) cpu.set(Number(thread), nanoseconds / 1e9);
      }
    }
    return cpu;
  }

  cpu(): number {
    return [...this.threadCpu().values()].reduce(
      (sum, seconds) => sum + seconds,
      0,
    );
  }

  /** Bytes resident, of the process and all it started. */
  residentBytes(): number {
    return family(this.pid).reduce((sum, pid) => {
      const kib = /^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ??
        '0';
      return sum + Number(kib) * 1024;
    }, 0);
  }

  /** It and all that it started. */
  family(): number[] {
    return family(this.pid);
  }

  async stop(): Promise<void> {
    if (!this.alive) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    const rest = family(this.pid).slice(1);
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 1000);
    await gone;
    clearTimeout(timer);
    // A master that is killed may leave its workers behind.
    for (const pid of rest) {
      if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
    }
  }
}

/** Bytes the kernel keeps in slabs (sockets among them), in the whole machine: for both ends of every connection. */
export function kernelBytes(): number {
  return Number(/^Slab:\s+(\d+)/m.exec(read('/proc/meminfo'))?.[1] ?? '0') *
    1024;
}

/** A process and all that descend from it. */
function family(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of list('/proc')) {
    const pid = Number(name);
    if (!(pid > 0)) continue;
    // The second field may hold spaces; it ends with the last parenthesis.
    const fields = read(`/proc/${pid}/stat`).split(') ').pop()?.split(' ');
    if (fields !== undefined) parents.set(pid, Number(fields[1]));
  }
  const found = [root];
  for (const pid of found) {
    for (const [child, parent] of parents) {
      if (parent === pid) found.push(child);
    }
  }
  return found;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it ended meanwhile
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** A port of 127.0.0.1 that nobody uses now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        resolve(
          typeof address === 'object' && address !== null ? address.port : 0,
        )
      );
    });
  });
}

/** Waits until something listens on the port, or throws with what the process said. */
export async function listening(
  port: number,
  server: PinnedProcess,
): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    if (!server.alive) break;
    if (await reachable(port)) return;
    await pause(50);
  }
  throw new Error(
    `does not listen: ${server.log.trim().split('\n').slice(-3).join(' | ') || 'it said nothing'}`,
  );
}

function reachable(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once(
      'error',
      () => resolve(false),
    );
    socket.once('connect', () => socket.destroy());
  });
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
