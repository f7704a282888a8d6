/**
 * `npm run soak`: clients and backends that behave in every way they may, for a while, against one terminator. It ends with a
 * verdict: no byte lost or altered, nothing left open, memory flat, nothing unhandled. Seeded.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeCertificate } from '../certificates.ts';
import { freePort, listening, PinnedProcess } from '../process.ts';
import { Backend } from './backend.ts';
import { pause } from './flow.ts';
import { Random } from './random.ts';
import { patience, type Scenario, scenarios, type Site } from './scenario.ts';

const usage = `npm run soak -- [options]
  --seconds N       default 60; the long one is 1800
  --seed N          default: the clock's; printed
  --clients N       at the same time; default 24
  --only NAME       one scenario: ${Object.keys(scenarios).join(', ')}
  --command TEXT    the server, instead of node dist/cli/main.js: {port}, {backend}, {cert} and {key} are filled in
`;

const defaultCommand = `${process.execPath} dist/cli/main.js --listen 127.0.0.1:{port} --target 127.0.0.1:{backend} ` +
  '--cert {cert} --key {key}';

/** Memory may grow by this much between the second and the last quarter of a run: heaps breathe. */
const memoryTolerance = { factor: 1.15, bytes: 16 * 2 ** 20 };

class Soak {
  readonly faults: string[] = [];
  readonly done: Map<string, number> = new Map();
  readonly #memory: number[] = [];
  readonly #server: PinnedProcess;
  readonly #site: Site;
  #nextId = 1;

  constructor(server: PinnedProcess, site: Site) {
    this.#server = server;
    this.#site = site;
  }

  async run(seconds: number, clients: number, random: Random, only: string | undefined): Promise<void> {
    const chosen = only === undefined ? Object.keys(scenarios) : [only];
    const wheel = chosen.flatMap((name) => Array<string>(scenarios[name]?.[0] ?? 0).fill(name));
    // The first connections make what stays: compiled code, pools, the log.
    await this.#clients(Math.min(5, seconds / 4), clients, random, wheel);
    const descriptors = await this.#quietDescriptors();
    const sampling = setInterval(() => this.#memory.push(this.#server.residentBytes()), 250);
    await this.#clients(seconds, clients, random, wheel);
    clearInterval(sampling);
    await this.#backendGone(random);
    const left = await this.#quietDescriptors(descriptors);
    if (left > descriptors) this.faults.push(`${left - descriptors} descriptors of the server were left open`);
    for (const fault of this.#site.backend.faults) this.faults.push(fault);
    if (this.#site.backend.sockets.size > 0) {
      this.faults.push(`${this.#site.backend.sockets.size} backend connections were never closed`);
    }
    this.#checkMemory();
    if (!this.#server.alive) this.faults.push(`the server ended: ${this.#server.log.slice(-1000)}`);
    const alarm = /.*(unhandled|uncaught|rejection|TypeError|RangeError|AssertionError|UsageError).*/i.exec(
      this.#server.log,
    );
    if (alarm !== null) this.faults.push(`the server said: ${alarm[0]}`);
  }

  async #clients(seconds: number, clients: number, random: Random, wheel: readonly string[]): Promise<void> {
    const end = Date.now() + seconds * 1000;
    const client = async (): Promise<void> => {
      while (Date.now() < end && this.#server.alive && this.faults.length < 20) {
        const name = random.pick(wheel);
        await this.#one(name, new Random(random.below(2 ** 32)));
        this.done.set(name, (this.done.get(name) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
  }

  async #one(name: string, random: Random): Promise<void> {
    const id = this.#nextId++;
    const scenario = scenarios[name]?.[1] as Scenario;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`not over within ${patience / 1000} s`), patience);
    });
    const fault = await Promise.race([scenario(this.#site, id, random), late]).catch((error: Error) => error.message);
    clearTimeout(timer);
    this.#site.backend.seen.delete(id);
    if (fault !== undefined) this.faults.push(`${name} (connection ${id}): ${fault}`);
  }

  /** With nobody behind the terminator, clients are closed; when the backend is back, so is the service. */
  async #backendGone(random: Random): Promise<void> {
    const { backend } = this.#site;
    const port = backend.port;
    backend.refuse();
    const turnedAway = async (): Promise<void> => {
      const id = this.#nextId++;
      const scenario = scenarios['many small']?.[1] as Scenario;
      const fault = await Promise.race([scenario(this.#site, id, random), pause(10_000).then(() => 'late')])
        .catch(() => 'closed');
      if (fault === 'late') this.faults.push('a client was not closed within 10 s although the backend refuses');
      if (fault === undefined) this.faults.push('a transfer succeeded although the backend refuses');
    };
    await Promise.all(Array.from({ length: 10 }, turnedAway));
    await backend.listen(port);
    await this.#one('many small', random);
  }

  /** Open descriptors of the server when no connection is left: waits for the number to come down. */
  async #quietDescriptors(expected = 0): Promise<number> {
    const count = (): number => this.#server.alive ? readdirSync(`/proc/${this.#server.pid}/fd`).length : 0;
    let lowest = count();
    for (let tries = 0; tries < 60 && (expected === 0 ? tries < 12 : lowest > expected); tries++) {
      await pause(250);
      lowest = Math.min(lowest, count());
    }
    return lowest;
  }

  #checkMemory(): void {
    const quarter = this.#memory.length >> 2;
    if (quarter < 4) return;
    const early = mean(this.#memory.slice(quarter, 2 * quarter));
    const late = mean(this.#memory.slice(-quarter));
    const text = `resident memory ${mebibytes(early)} in the second quarter, ${mebibytes(late)} in the last`;
    if (late > early * memoryTolerance.factor + memoryTolerance.bytes) this.faults.push(`${text}: it grows`);
    else process.stdout.write(`${text}\n`);
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

async function main(): Promise<boolean> {
  const { values: options } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
      clients: { type: 'string', default: '24' },
      only: { type: 'string' },
      command: { type: 'string', default: defaultCommand },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (options.help) {
    process.stdout.write(usage);
    return true;
  }
  const [seconds, seed, clients] = [options.seconds, options.seed, options.clients].map(Number) as [
    number,
    number,
    number,
  ];
  if (!(seconds > 0 && seed >= 0 && clients > 0)) throw new Error('--seconds, --seed and --clients want numbers');
  if (options.only !== undefined && !(options.only in scenarios)) throw new Error(`no scenario ${options.only}`);

  const folder = mkdtempSync(join(tmpdir(), 'sallyport-soak-'));
  const backend = new Backend();
  let server: PinnedProcess | undefined;
  // An error here is a fault of the soak itself or of the server's bytes: it must not pass unseen.
  process.on('unhandledRejection', (error) => {
    throw error;
  });
  try {
    const { cert, key } = makeCertificate(folder, 'ECDSA');
    await backend.listen();
    const port = await freePort();
    const fill: Record<string, string> = { port: String(port), backend: String(backend.port), cert, key };
    const [program, ...rest] = options.command.split(' ').map((word) =>
      word.replace(/\{(\w+)\}/, (_, name) => fill[name] ?? '')
    );
    server = new PinnedProcess(spawn(program ?? '', rest, { stdio: ['ignore', 'pipe', 'pipe'] }));
    server.child.stdout?.resume();
    await listening(port, server);
    process.stdout.write(`seed ${seed}, ${seconds} s, ${clients} clients at a time\n`);
    const soak = new Soak(server, { port, backend, certificate: readFileSync(cert, 'utf8'), session: undefined });
    await soak.run(seconds, clients, new Random(seed), options.only);
    process.stdout.write([...soak.done].map(([name, count]) => `${String(count).padStart(7)} ${name}\n`).join(''));
    for (const fault of soak.faults) process.stdout.write(`FAULT ${fault}\n`);
    const sound = soak.faults.length === 0;
    process.stdout.write(
      sound ? 'sound: nothing lost, altered, leaked or unhandled\n' : `${soak.faults.length} faults\n`,
    );
    return sound;
  } finally {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

main().then((sound) => process.exit(sound ? 0 : 1), (error: Error) => {
  process.stderr.write(`soak: ${error.message}\n`);
  process.exit(2);
});
