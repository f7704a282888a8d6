/** A run: who does what for how long, and everything that must be true in the end. */
import type { ClientCertificate } from '../certificates.ts';
import type { Backend } from './backend.ts';
import type { Counts, Site } from './client.ts';
import { pause } from './flow.ts';
import { Random } from './random.ts';
import { type Scenario, scenarios } from './scenario.ts';
import type { Server } from './server.ts';

/**
 * A connection on which nothing comes for so long, at either end, has stalled, in seconds. Not a limit for a whole scenario: how long
 * that takes depends on the machine and what else runs on it.
 */
const patience = 30;

/** Memory may grow by this much between the second and the last quarter of a run: heaps breathe. */
const memoryTolerance = { factor: 1.15, bytes: 16 * 2 ** 20 };

/** How often the certificates are loaded again, in milliseconds. */
const reloadInterval = 5000;

/** Runs are ended when so much is wrong. */
const mostFaults = 20;

export class Soak {
  readonly #faults: string[] = [];
  readonly #done: Map<string, number> = new Map();
  readonly #memory: number[] = [];
  readonly #server: Server;
  readonly #site: Site;
  readonly #watch = new Watch();
  #nextId = 1;

  constructor(server: Server, backend: Backend, certificate: string, client: ClientCertificate) {
    this.#server = server;
    const moved = (id: number): void => this.#watch.moved(id);
    backend.moved = moved;
    const counts: Counts = {
      sessionsOffered: 0,
      sessionsResumed: 0,
      certificatesShown: 0,
      keyUpdates: 0,
      keyUpdatesAnswered: 0,
    };
    this.#site = { port: server.port, backend, certificate, client, sessions: new Map(), counts, moved };
  }

  /** Everything that was wrong. */
  async run(seconds: number, clients: number, random: Random, only: string | undefined): Promise<readonly string[]> {
    const chosen = only === undefined ? Object.keys(scenarios) : [only];
    const wheel = chosen.flatMap((name) => Array<string>(scenarios[name]?.[0] ?? 0).fill(name));
    // The first connections make what stays: compiled code, pools, the log.
    await this.#clients(Math.min(5, seconds / 4), clients, random, wheel);
    const descriptors = await this.#quietDescriptors();
    const sampling = setInterval(() => this.#memory.push(this.#server.residentBytes()), 250);
    const reloading = setInterval(() => {
      if (this.#server.reloads) this.#server.child.kill('SIGHUP');
    }, reloadInterval);
    await this.#clients(seconds, clients, random, wheel);
    clearInterval(sampling);
    clearInterval(reloading);
    if (this.#server.alive) await this.#backendGone(random);
    await this.#checkLeaks(descriptors);
    this.#checkMemory();
    const { sessionsOffered, sessionsResumed } = this.#site.counts;
    if (sessionsResumed < sessionsOffered) {
      this.#faults.push(`${sessionsOffered - sessionsResumed} of ${sessionsOffered} sessions were not resumed`);
    }
    const problem = await this.#server.end();
    if (problem !== undefined) this.#faults.push(problem);
    if (this.#server.alarm !== undefined) this.#faults.push(`the server said: ${this.#server.alarm}`);
    this.#watch.stop();
    return this.#faults;
  }

  /** What was done, in lines. */
  report(): string {
    const { sessionsOffered, sessionsResumed, certificatesShown, keyUpdates, keyUpdatesAnswered } = this.#site.counts;
    return [...this.#done].map(([name, count]) => `${String(count).padStart(7)} ${name}\n`).join('') +
      `${sessionsResumed} of ${sessionsOffered} sessions resumed, ${certificatesShown} clients with a certificate, ` +
      `${keyUpdates} key updates there and ${keyUpdatesAnswered} back\n`;
  }

  async #clients(seconds: number, clients: number, random: Random, wheel: readonly string[]): Promise<void> {
    const end = Date.now() + seconds * 1000;
    const client = async (): Promise<void> => {
      while (Date.now() < end && this.#server.alive && this.#faults.length < mostFaults) {
        const name = random.pick(wheel);
        await this.#one(name, random.below(2 ** 32));
        this.#done.set(name, (this.#done.get(name) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
  }

  async #one(name: string, seed: number): Promise<void> {
    const id = this.#nextId++;
    const fault = await this.#attempt(name, id, new Random(seed)).catch((error: Error) => error.message);
    if (fault !== undefined) this.#faults.push(`${name} (connection ${id}, seed ${seed}): ${fault}`);
  }

  /** One scenario until it is over or has stalled. */
  async #attempt(name: string, id: number, random: Random): Promise<string | undefined> {
    const scenario = scenarios[name]?.[1] as Scenario;
    try {
      return await Promise.race([scenario(this.#site, id, random), this.#watch.stalled(id)]);
    } finally {
      this.#watch.forget(id);
      this.#site.backend.seen.delete(id);
    }
  }

  /** With nobody behind the terminator, clients are closed; when the backend is back, so is the service. */
  async #backendGone(random: Random): Promise<void> {
    const { backend } = this.#site;
    const port = backend.port;
    backend.refuse();
    const turnedAway = async (): Promise<void> => {
      const fault = await this.#attempt('many small', this.#nextId++, random).catch(() => 'closed');
      if (fault?.startsWith('stalled') === true) this.#faults.push(`the backend refuses, but a client was not closed`);
      if (fault === undefined) this.#faults.push('a transfer succeeded although the backend refuses');
    };
    await Promise.all(Array.from({ length: 10 }, turnedAway));
    await backend.listen(port);
    await this.#one('many small', random.below(2 ** 32));
  }

  async #checkLeaks(descriptors: number): Promise<void> {
    const { backend } = this.#site;
    const left = await this.#quietDescriptors(descriptors);
    if (left > descriptors) this.#faults.push(`${left - descriptors} descriptors of the server were left open`);
    this.#faults.push(...backend.faults);
    if (backend.sockets.size > 0) this.#faults.push(`${backend.sockets.size} backend connections were never closed`);
    const active = this.#server.alive ? await this.#server.metric('connections_active') : undefined;
    if (active !== undefined && active > 0) this.#faults.push(`the server counts ${active} connections as open`);
  }

  /** Open descriptors of the server when no connection is left: waits for the number to come down. */
  async #quietDescriptors(expected = 0): Promise<number> {
    const count = (): number => this.#server.alive ? this.#server.descriptors() : 0;
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
    if (late > early * memoryTolerance.factor + memoryTolerance.bytes) this.#faults.push(`${text}: it grows`);
    else process.stdout.write(`${text}\n`);
  }
}

/**
 * Sees connections that stall. Its seconds are those in which this process ran: while the machine has no time for it, they do not pass.
 */
class Watch {
  readonly #quiet = new Map<number, { seconds: number; give: (fault: string) => void }>();
  readonly #timer = setInterval(() => this.#tick(), 1000);

  /** Settles when nothing has moved on connection `id` for too long. */
  stalled(id: number): Promise<string> {
    return new Promise((give) => this.#quiet.set(id, { seconds: 0, give }));
  }

  moved(id: number): void {
    const entry = this.#quiet.get(id);
    if (entry !== undefined) entry.seconds = 0;
  }

  forget(id: number): void {
    this.#quiet.delete(id);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    for (const entry of this.#quiet.values()) {
      if (++entry.seconds === patience) entry.give(`stalled: nothing came at either end for ${patience} s`);
    }
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
