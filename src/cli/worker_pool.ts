import { UsageError } from '../error.ts';
import type { Log } from '../observe/log.ts';
import { Metrics } from '../observe/metrics.ts';
import type { Address } from '../socket/socket.ts';
import type { Host, WorkerHandle } from './host.ts';
import { createRegister, type Shared } from './serve.ts';
import type { Settings } from './settings.ts';
import type { FromWorker, ToWorker } from './worker.ts';

/** A worker that dies sooner than this after its start is not started again at once, in milliseconds. */
const SHORT_LIFE = 1000;
/** The pause then, and after each start that fails, twice as long each time, in milliseconds. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;
/** A worker that does not say its counts within this is left out of the metrics, in milliseconds. */
const COUNT_TIMEOUT = 1000;

interface Worker {
  readonly handle: WorkerHandle;
  readonly startTime: number;
  /** Who waits for its next message of this type, or for its end. */
  readonly waiting: Map<FromWorker['type'], (message: FromWorker | undefined) => void>;
  listening: boolean;
  gone: boolean;
}

/** The workers, seen from the process that leads them: started, asked, and started again when they die. */
export class WorkerPool {
  readonly #host: Host;
  readonly #log: Log;
  readonly #shared: () => Shared;
  #settings: Settings;
  readonly #workers = new Set<Worker>();
  /** Of early data, for all workers. */
  readonly #register = createRegister();
  #draining = false;

  /** `settings` are those of one worker; `shared` what it gets when it starts. */
  constructor(host: Host, log: Log, settings: Settings, shared: () => Shared) {
    this.#host = host;
    this.#log = log;
    this.#settings = settings;
    this.#shared = shared;
  }

  /** Where it listens. Rejects with what the worker was refused for. */
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
    // One that does not serve yet has nothing to drain.
    for (const { listening, handle } of this.#workers) if (!listening) handle.kill();
    const serving = [...this.#workers].filter(({ listening }) => listening);
    const answers = await Promise.all(serving.map((worker) => this.#ask(worker, { type: 'drain' }, 'drained')));
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

  /** Resolves when it listens. */
  async #start(): Promise<readonly Address[]> {
    const waiting: Worker['waiting'] = new Map();
    const answer = new Promise<FromWorker | undefined>((resolve) => {
      waiting.set('listening', resolve).set('refused', resolve);
    });
    let reason = '';
    const handle = this.#host.spawnWorker(
      (message) => this.#received(worker, message as FromWorker),
      (why) => {
        reason = why;
        this.#ended(worker, why);
      },
    );
    const worker: Worker = { handle, startTime: performance.now(), waiting, listening: false, gone: false };
    this.#workers.add(worker);
    const first = await answer;
    if (first?.type === 'listening') return first.addresses;
    this.#ended(worker, 'refused');
    handle.kill();
    if (first?.type !== 'refused') throw new Error(`a worker ended before it listened: ${reason}`);
    throw first.usage ? new UsageError(first.message) : new Error(first.message);
  }

  #received(worker: Worker, message: FromWorker): void {
    const { handle, waiting } = worker;
    if (message.type === 'ready') {
      handle.send({ type: 'start', settings: this.#settings, shared: this.#shared() } satisfies ToWorker);
    } else if (message.type === 'listening') {
      worker.listening = true;
    } else if (message.type === 'early_data') {
      const accepted = this.#register.accept(message.binder, Date.now());
      handle.send({ type: 'early_data', question: message.question, accepted } satisfies ToWorker);
    } else if (message.type === 'reloaded' && message.problem !== undefined) {
      this.#log.error('a worker kept its old certificates', { problem: message.problem });
    }
    waiting.get(message.type)?.(message);
    waiting.delete(message.type);
  }

  #ended(worker: Worker, reason: string): void {
    if (worker.gone) return;
    worker.gone = true;
    this.#workers.delete(worker);
    for (const answer of worker.waiting.values()) answer(undefined);
    if (!worker.listening || this.#draining) return;
    this.#log.error('worker died, starting another', { reason });
    this.#startLater(performance.now() - worker.startTime < SHORT_LIFE ? FIRST_PAUSE : 0);
  }

  /** Until it succeeds. */
  #startLater(pause: number): void {
    setTimeout(() => {
      if (this.#draining) return;
      this.#start().then(() => this.#log.info('worker started'), (error: Error) => {
        if (this.#draining) return;
        this.#log.error('worker not started', { problem: error.message });
        this.#startLater(Math.min(Math.max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE));
      });
    }, pause);
  }
}
