import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Host } from '../../src/cli/host.ts';
import { defaultSettings } from '../../src/cli/settings.ts';
import type { FromWorker, ToWorker } from '../../src/cli/worker.ts';
import { WorkerPool } from '../../src/cli/worker_pool.ts';
import { UsageError } from '../../src/error.ts';
import { Log } from '../../src/observe/log.ts';

const ADDRESS = { host: '127.0.0.1', port: 8443 };

/** A worker that says what the test wants. */
class FakeWorker {
  readonly got: ToWorker[] = [];
  readonly say: (message: FromWorker) => void;
  readonly die: (reason: string) => void;
  killed = false;

  constructor(say: (message: FromWorker) => void, die: (reason: string) => void) {
    this.say = say;
    this.die = die;
  }

  /** Comes up as a worker does. */
  listen(): void {
    this.say({ type: 'ready' });
    this.say({ type: 'listening', addresses: [ADDRESS] });
  }
}

let workers: FakeWorker[];
let lines: string[];
let pool: WorkerPool;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  workers = [];
  lines = [];
  const spawnWorker: Host['spawnWorker'] = (onMessage, onExit) => {
    const worker = new FakeWorker(onMessage, onExit);
    workers.push(worker);
    return { send: (message) => void worker.got.push(message as ToWorker), kill: () => void (worker.killed = true) };
  };
  const log = new Log('info', 'json', (line) => lines.push(line));
  pool = new WorkerPool({ spawnWorker } as Host, log, defaultSettings(), () => ({ reusePort: true }));
});
afterEach(() => vi.useRealTimers());

const events = (): unknown[] => lines.map((line) => (JSON.parse(line) as { event: string }).event);

async function startTwo(): Promise<void> {
  const first = pool.startFirst();
  workers[0]?.listen();
  expect(await first).toEqual([ADDRESS]);
  const others = pool.startOthers(1, [ADDRESS]);
  workers[1]?.listen();
  await others;
}

test('each is told its settings and what it shares once it is there; the others where the first one listens', async () => {
  await startTwo();
  expect(workers.map(({ got }) => got)).toMatchObject([
    [{ type: 'start', settings: { listen: [] }, shared: { reusePort: true } }],
    [{ type: 'start', settings: { listen: [ADDRESS] }, shared: { reusePort: true } }],
  ]);
});

test.each([
  [true, UsageError],
  [false, Error],
])(
  'a first worker that is refused (usage: %s) is the reason why nothing starts, and none follows',
  async (usage, type) => {
    const first = pool.startFirst();
    workers[0]?.say({ type: 'refused', message: 'why', usage });
    await expect(first).rejects.toThrow(new type('why'));
    expect(workers[0]?.killed).toBe(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(workers).toHaveLength(1);
  },
);

test('one that dies before it listens is said so', async () => {
  const first = pool.startFirst();
  workers[0]?.die('SIGKILL');
  await expect(first).rejects.toThrow('a worker ended before it listened: SIGKILL');
});

test('one that dies is replaced: at once after a life, with a pause after a short one', async () => {
  await startTwo();
  await vi.advanceTimersByTimeAsync(5000);
  workers[0]?.die('SIGKILL');
  await vi.advanceTimersByTimeAsync(0);
  expect(workers).toHaveLength(3);
  workers[2]?.listen();
  await vi.advanceTimersByTimeAsync(10);
  workers[2]?.die('SIGSEGV');
  await vi.advanceTimersByTimeAsync(999);
  expect(workers).toHaveLength(3);
  await vi.advanceTimersByTimeAsync(1);
  expect(workers).toHaveLength(4);
  expect(events()).toEqual([
    'worker died, starting another',
    'worker started',
    'worker died, starting another',
  ]);
});

test('one that cannot start is tried again, less and less often, until it can', async () => {
  await startTwo();
  await vi.advanceTimersByTimeAsync(5000);
  workers[0]?.die('SIGKILL');
  const pauses: number[] = [];
  for (let tries = 0; tries < 8; tries++) {
    const count = workers.length;
    let waited = 0;
    for (; workers.length === count; waited += 500) await vi.advanceTimersByTimeAsync(500);
    pauses.push(waited - 500);
    workers.at(-1)?.say({ type: 'refused', message: 'the certificate is gone', usage: true });
  }
  expect(pauses).toEqual([0, 500, 1500, 3500, 7500, 15_500, 29_500, 29_500]);
  await vi.advanceTimersByTimeAsync(30_000);
  workers.at(-1)?.listen();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(events().at(-1)).toBe('worker started');
  expect(workers).toHaveLength(2 + 8 + 1);
});

test('drain asks those that serve, kills one that does not yet, and does not wait for one that dies', async () => {
  await startTwo();
  const third = pool.startOthers(1, [ADDRESS]);
  third.catch(() => {});
  workers[2]?.say({ type: 'ready' });
  const drained = pool.drain();
  expect(workers.map(({ killed, got }) => [killed, got.at(-1)?.type])).toEqual([
    [false, 'drain'],
    [false, 'drain'],
    [true, 'start'],
  ]);
  workers[0]?.say({ type: 'drained', ended: 3 });
  workers[1]?.die('SIGKILL');
  expect(await drained).toBe(3);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(workers).toHaveLength(3);
});
