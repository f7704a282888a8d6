/**
 * `npm run bench`: the terminator beside its peers, in one interleaved run. How it measures is told in bench/README.md.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release as kernelRelease, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CertificateFiles, type KeyType, makeCertificate } from './certificates.ts';
import { buildLoad, Load } from './load.ts';
import { goalTable, verdicts } from './goals.ts';
import { type Peer, peers } from './peers.ts';
import {
  type FileLimit,
  fileLimit,
  findProgram,
  freePort,
  listening,
  pause,
  type PinnedProcess,
  startPinned,
  versionLine,
} from './process.ts';
import { type Result, valueTable } from './report.ts';
import type { Bench, Row } from './row.ts';
import { rows } from './rows.ts';

const usage = `npm run bench -- [options]
  --rows ID,...     of: ${rows.map((row) => row.id).join(', ')}
  --peers ID,...    of: ${peers.map((peer) => peer.id).join(', ')}
  --rounds N        default 3
  --quick           a fifth of the work, one round: for a first look
  --json FILE       every value of every slice
`;

/** What a server must be able to hold where the row does not say. */
const ordinaryConnections = 9000;
/** Files of a process beside its connections. */
const otherFiles = 2000;

interface Running {
  readonly server: PinnedProcess;
  readonly port: number;
}

/** Everything a run holds: servers by peer, key type and workers. */
class Run {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  readonly #load: Load;
  readonly #certificates = new Map<KeyType, CertificateFiles>();
  readonly #servers = new Map<string, Running>();
  readonly #warm = new Set<string>();
  readonly #quick: boolean;
  readonly #limit: FileLimit;
  #count = 0;

  /** `connections`: the most that any row wants. */
  constructor(quick: boolean, connections: number) {
    this.#quick = quick;
    this.#limit = fileLimit(2 * connections + otherFiles);
    this.#load = new Load(
      buildLoad(join(process.cwd(), 'bench/load'), this.folder),
      '1',
      this.#limit.prefix,
    );
  }

  async measure(peer: Peer, row: Row): ReturnType<Row['measure']> {
    const id = [peer.id, row.key, row.workers ?? 1].join(' ');
    const { server, port } = row.fresh === true
      ? await this.#start(peer, row)
      : this.#servers.get(id) ?? await this.#start(peer, row);
    if (row.fresh !== true) this.#servers.set(id, { server, port });
    const bench: Bench = { server, port, load: this.#load, quick: this.#quick, openFiles: this.#limit.files };
    try {
      const warm = `${id} ${row.id}`;
      if (!this.#warm.has(warm)) await row.warmUp?.(bench);
      this.#warm.add(warm);
      return await row.measure(bench);
    } catch (error) {
      throw new Error(
        `${(error as Error).message}${server.alive ? '' : `; it ended: ${server.log}`}`,
      );
    } finally {
      if (row.fresh === true) await server.stop();
    }
  }

  async #start(peer: Peer, row: Row): Promise<Running> {
    const certificate = this.#certificates.get(row.key) ??
      makeCertificate(this.folder, row.key);
    this.#certificates.set(row.key, certificate);
    const workers = row.workers ?? 1;
    const folder = join(this.folder, String(this.#count++));
    mkdirSync(folder);
    const backendPort = (await this.#load.run({ op: 'backend' })).port ?? 0;
    const port = await freePort();
    const { connections = ordinaryConnections } = row;
    // No more than it is allowed: haproxy refuses to start.
    const possible = Math.min(connections, Math.floor((this.#limit.files - otherFiles / 10) / 2));
    const plan = { port, backendPort, certificate, workers, folder, connections: possible };
    const server = startPinned('0', [...this.#limit.prefix, ...peer.command(plan)]);
    server.child.stdout?.resume();
    await listening(port, server);
    // With workers, the first listener may be a trial of the port: the real ones come after it.
    if (workers > 1) await pause(2000);
    return { server, port };
  }

  async stop(): Promise<void> {
    for (const { server } of this.#servers.values()) await server.stop();
    await this.#load.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function machine(): Record<string, string | number> {
  return {
    date: new Date().toISOString(),
    processor: /model name\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ??
      cpus()[0]?.model ?? '',
    cores: availableParallelism(),
    kernel: kernelRelease(),
    load: loadavg().map((value) => value.toFixed(2)).join(' '),
    openssl: versionLine('openssl', 'version'),
    haproxy: versionLine(findProgram('haproxy') ?? 'haproxy', '-v'),
    go: versionLine('go', 'version'),
  };
}

function choose<T extends { readonly id: string }>(
  all: readonly T[],
  wanted: string | undefined,
): readonly T[] {
  if (wanted === undefined) return all;
  return wanted.split(',').map((id) => {
    const found = all.find((candidate) => candidate.id === id);
    if (found === undefined) {
      throw new Error(
        `unknown: ${id}. There are: ${all.map((each) => each.id).join(', ')}`,
      );
    }
    return found;
  });
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      rows: { type: 'string' },
      peers: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (options.help) return void process.stdout.write(usage);
  const rounds = Number(options.rounds ?? (options.quick ? 1 : 3));
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error('--rounds wants a whole number from 1');
  }
  if (findProgram('taskset') === undefined) {
    throw new Error('no taskset (Debian: util-linux) to pin processes with');
  }
  if (availableParallelism() < 2) {
    throw new Error(
      'two cores are needed: one for the server, one for the load',
    );
  }

  const about = machine();
  process.stdout.write(
    `${
      Object.entries(about).map(([name, value]) => `${name}: ${value}`).join(
        '\n',
      )
    }\n\n`,
  );
  const notes: string[] = [];
  const present = choose(peers, options.peers).filter((peer) => {
    const reason = peer.missing();
    if (reason !== undefined) notes.push(`${peer.id} skipped: ${reason}`);
    return reason === undefined;
  });
  const wanted = choose(rows, options.rows).filter((row) => options.rows !== undefined || row.onDemand !== true);
  const results = await measureAll(
    wanted,
    present,
    rounds,
    options.quick,
    notes,
  );

  process.stdout.write(
    `\n${valueTable(results, present.map((peer) => peer.id))}\n\n${goalTable(results)}\n\n`,
  );
  process.stdout.write(notes.map((note) => `- ${note}\n`).join(''));
  if (options.json !== undefined) {
    const plain = results.map((result) => ({
      ...result,
      figure: result.figure.id,
      unit: result.figure.unit,
    }));
    writeFileSync(
      options.json,
      `${
        JSON.stringify(
          { machine: about, rounds, notes, goals: verdicts(results), results: plain },
          null,
          2,
        )
      }\n`,
    );
  }
}

/** All rounds: in each, row by row, every peer in each slice once, the first one another each time. */
async function measureAll(
  wanted: readonly Row[],
  present: readonly Peer[],
  rounds: number,
  quick: boolean,
  notes: string[],
): Promise<Result[]> {
  for (const peer of present) {
    for (const [row, reason] of Object.entries(peer.cannot ?? {})) {
      if (wanted.some(({ id }) => id === row)) notes.push(`${peer.id}, ${row} skipped: ${reason}`);
    }
  }
  const run = new Run(quick, Math.max(...wanted.map((row) => row.connections ?? ordinaryConnections)));
  const results: Result[] = [];
  const failed = new Set<string>();
  try {
    for (let round = 0; round < rounds; round++) {
      for (const row of wanted) {
        const able = present.filter((peer) =>
          (row.only === undefined || row.only.includes(peer.id)) && peer.cannot?.[row.id] === undefined
        );
        const slices = row.slices ?? 1;
        for (let turn = 0; turn < slices * able.length; turn++) {
          // Another peer first each time.
          const peer = able[(turn + Math.floor(turn / able.length) + round) % able.length];
          if (peer === undefined || failed.has(`${peer.id} ${row.id}`)) continue;
          try {
            const { values, suite } = await run.measure(peer, row);
            row.figures.forEach((figure, index) => record(results, figure, peer.id, values[index] ?? NaN, suite));
            if (turn < able.length) process.stdout.write('.');
          } catch (error) {
            failed.add(`${peer.id} ${row.id}`);
            notes.push(`FAILED ${peer.id}, ${row.id}: ${(error as Error).message}`);
            process.stdout.write('x');
            process.exitCode = 1;
          }
        }
      }
      process.stdout.write(` round ${round + 1} of ${rounds}\n`);
    }
  } finally {
    await run.stop();
  }
  return results;
}

function record(
  results: Result[],
  figure: Result['figure'],
  peer: string,
  value: number,
  suite: number | undefined,
): void {
  let result = results.find((candidate) => candidate.figure.id === figure.id && candidate.peer === peer);
  if (result === undefined) {
    result = { figure, peer, values: [] };
    results.push(result);
  }
  result.values.push(value);
  if (suite !== undefined) result.suite = suite;
}

main().catch((error: unknown) => {
  process.stderr.write(
    `bench: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
});
