import { UsageError } from '../error.ts';
import type { Log } from '../observe/log.ts';
import { Metrics } from '../observe/metrics.ts';
import type { Address } from '../socket/socket.ts';
import type { Runtime } from '../terminator/runtime.ts';
import type { Terminator } from '../terminator/terminator.ts';
import { type Certificates, loadCertificates } from './certificates.ts';
import { introduce } from './demo.ts';
import type { Host, WorkerHandle } from './host.ts';
import { createLog, createService, type Shared, startListening, startMetrics } from './serve.ts';
import type { Settings } from './settings.ts';
import { handleSignals } from './signals.ts';
import { formatAddress } from './system_error.ts';
import type { FromWorker, ToWorker } from './worker.ts';

/** A worker that ends sooner than this after its start is not started again at once, in milliseconds. */
const SHORT_LIFE = 1000;
/** How often workers are given the ticket keys anew, in milliseconds. The keys themselves change every eight hours. */
const TICKET_KEY_INTERVAL = 60_000;
/** A worker that does not say its counts within this is left out of the metrics, in milliseconds. */
const COUNT_TIMEOUT = 1000;

/**
 * Serves from `count` workers that share the port. This process checks everything, holds what they share (the certificate made in
 * memory, the ticket keys, the demonstration backend), starts workers again that died, and answers for all of them.
 */
export async function serveWithWorkers(host: Host, runtime: Runtime, settings: Settings, count: number): Promise<void> {
  const { maxConnections, listen } = settings;
  const each: Settings = {
    ...settings,
    workers: undefined,
    maxConnections: maxConnections && Math.ceil(maxConnections / count),
  };
  const log = createLog(host, settings);
  const service = await createService(host, runtime, each, log, new Metrics());
  const { engine, certificates, tickets, demo } = service;
  const shared = (): Shared => ({
    ...(demo && { target: demo.address }),
    ...(certificates.selfSigned && { selfSigned: certificates.selfSigned }),
    ticketKeys: tickets.export(Date.now()),
    reusePort: runtime.sharesPorts,
  });
  const workers = new Workers(host, log, each, shared);
  const metricsListener = await startMetrics(engine, settings, log, () => workers.renderMetrics());
  await refuseBusyPorts(service.terminator);
  // Port 0: the first finds out which it is, the others join it there.
  const addresses = await workers.startFirst();
  await workers.startOthers(count - 1, runtime.sharesPorts ? addresses : listen);

  service.warn();
  for (const address of addresses) log.info('listening', { address: formatAddress(address), workers: count });
  const forget = introduce(host, addresses, service);
  const rotation = setInterval(() => {
    workers.tellAll({ type: 'ticket_keys', keys: tickets.export(Date.now()) });
  }, TICKET_KEY_INTERVAL);
  const reload = async (): Promise<Certificates> => {
    // A file that is wrong is found here, before any worker is told.
    const reloaded = await loadCertificates(runtime, settings, engine);
    workers.tellAll({ type: 'reload' });
    return reloaded;
  };
  handleSignals({ host, settings, log, reload, drain: () => workers.drain() }, () => {
    clearInterval(rotation);
    workers.killAll();
    demo?.close();
    metricsListener?.close();
    forget();
  });
}

/** Listeners that share a port do not see that a stranger is on it. So this process tries it once, for itself alone. */
async function refuseBusyPorts(terminator: Terminator): Promise<void> {
  await startListening(terminator);
  terminator.stopListening();
}

interface Worker {
  readonly handle: WorkerHandle;
  readonly startTime: number;
  /** Who waits for its next message of this type. */
  readonly waiting: Map<FromWorker['type'], (message: FromWorker) => void>;
  gone: boolean;
}

class Workers {
  readonly #host: Host;
  readonly #log: Log;
  readonly #shared: () => Shared;
  #settings: Settings;
  readonly #workers = new Set<Worker>();
  #draining = false;

  constructor(host: Host, log: Log, settings: Settings, shared: () => Shared) {
    this.#host = host;
    this.#log = log;
    this.#settings = settings;
    this.#shared = shared;
  }

  /** Where it listens. Throws what the worker was refused for. */
  startFirst(): Promise<readonly Address[]> {
    return this.#start();
  }

  async startOthers(count: number, listen: readonly Address[]): Promise<void> {
    this.#settings = { ...this.#settings, listen: [...listen] };
    await Promise.all(Array.from({ length: count }, () => this.#start()));
  }

  tellAll(message: ToWorker): void {
    for (const { handle } of this.#workers) handle.send(message);
  }

  killAll(): void {
    this.#draining = true;
    for (const { handle } of this.#workers) handle.kill();
  }

  /** Resolves with the number of connections that had to be ended. */
  async drain(): Promise<number> {
    this.#draining = true;
    const answers = await Promise.all(
      [...this.#workers].map((worker) => this.#ask(worker, { type: 'drain' }, 'drained')),
    );
    return answers.reduce((sum, answer) => sum + (answer?.type === 'drained' ? answer.ended : 0), 0);
  }

  /** The counts of all workers in one. */
  async renderMetrics(): Promise<string> {
    const sum = new Metrics();
    const answers = await Promise.all([...this.#workers].map((worker) => {
      const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), COUNT_TIMEOUT));
      return Promise.race([this.#ask(worker, { type: 'count' }, 'counted'), late]);
    }));
    for (const answer of answers) if (answer?.type === 'counted') sum.add(answer.metrics);
    return sum.render();
  }

  /** Undefined when the worker is gone before it answers. */
  #ask(worker: Worker, question: ToWorker, answer: FromWorker['type']): Promise<FromWorker | undefined> {
    if (worker.gone) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      worker.waiting.set(answer, resolve);
      worker.handle.send(question);
    });
  }

  #start(): Promise<readonly Address[]> {
    return new Promise((resolve, reject) => {
      const waiting: Worker['waiting'] = new Map();
      const handle = this.#host.spawnWorker(
        (received) => {
          const message = received as FromWorker;
          if (message.type === 'ready') {
            handle.send({ type: 'start', settings: this.#settings, shared: this.#shared() } satisfies ToWorker);
          } else if (message.type === 'listening') {
            resolve(message.addresses);
          } else if (message.type === 'refused') {
            reject(message.usage ? new UsageError(message.message) : new Error(message.message));
            handle.kill();
          } else if (message.type === 'reloaded' && message.problem !== undefined) {
            this.#log.error('a worker kept its old certificates', { problem: message.problem });
          }
          waiting.get(message.type)?.(message);
          waiting.delete(message.type);
        },
        (reason) => {
          reject(new Error(`a worker ended before it listened: ${reason}`));
          this.#ended(worker, reason);
        },
      );
      const worker: Worker = { handle, startTime: performance.now(), waiting, gone: false };
      this.#workers.add(worker);
    });
  }

  #ended(worker: Worker, reason: string): void {
    worker.gone = true;
    this.#workers.delete(worker);
    for (const answer of worker.waiting.values()) answer({ type: 'drained', ended: 0 });
    if (this.#draining) return;
    this.#log.error('worker died, starting another', { reason });
    const delay = performance.now() - worker.startTime < SHORT_LIFE ? SHORT_LIFE : 0;
    setTimeout(() => this.#startAgain(), delay);
  }

  #startAgain(): void {
    if (this.#draining) return;
    this.#start().then(() => this.#log.info('worker started'), (error: Error) => {
      this.#log.error('worker not started', { problem: error.message });
    });
  }
}
