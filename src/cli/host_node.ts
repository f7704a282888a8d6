import cluster from 'node:cluster';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Host, ParentPort, WorkerHandle } from './host.ts';

export function nodeHost(): Host {
  tuneV8();
  // A reader of our output that goes away (`| head`) is no reason to end.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  return {
    args: process.argv.slice(2),
    environment: (name) => process.env[name],
    print: (text) => void process.stdout.write(text),
    printError: (text) => void process.stderr.write(text),
    onSignal: (signal, listener) => void process.on(signal, listener),
    onExit: (listener) => void process.on('exit', listener),
    exit: (code) => process.exit(code),
    writeTemporary: (name, text) => {
      try {
        const path = join(mkdtempSync(join(tmpdir(), 'sallyport-')), name);
        writeFileSync(path, text);
        return path;
      } catch {
        return undefined;
      }
    },
    removeTemporary: (path) => rmSync(dirname(path), { recursive: true, force: true }),
    processors: availableParallelism(),
    parent: cluster.isWorker ? parentPort() : undefined,
    spawnWorker,
  };
}

/** What can still be set once V8 runs; the rest stands in the first line of main.ts. */
function tuneV8(): void {
  // Whoever starts us without that line: a young generation that grows to 48 MiB only spreads the waste of handshakes over more pages.
  setFlagsFromString('--semi-space-growth-factor=1');
  // Functions that run once for each handshake reach V8's last tier after 6000 of them instead of 12 000.
  if (process.versions.v8.startsWith('13.')) setFlagsFromString('--invocation-count-for-turbofan=1500');
}

/**
 * A process of `node:cluster`, for its shared listening handle where there is no SO_REUSEPORT. Not its round robin, which costs 120 µs for
 * each connection: the workers accept for themselves.
 */
function spawnWorker(onMessage: (message: unknown) => void, onExit: (reason: string) => void): WorkerHandle {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ args: [], serialization: 'advanced' });
  const worker = cluster.fork();
  worker.on('message', onMessage);
  worker.on('error', () => {});
  worker.on('exit', (code, signal) => onExit(signal ?? `exit code ${code}`));
  return {
    send: (message) => void (worker.isConnected() && worker.send(message as object, () => {})),
    kill: () => void worker.process.kill('SIGKILL'),
  };
}

function parentPort(): ParentPort {
  // Without the process that leads them, workers would serve with certificates nobody can replace.
  process.on('disconnect', () => process.exit(1));
  return {
    send: (message) => void process.send?.(message, undefined, undefined, () => {}),
    onMessage: (listener) => void process.on('message', listener),
  };
}
