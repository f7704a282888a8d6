import { denoApi } from '../socket/deno_api.ts';
import type { Host, ParentPort, WorkerHandle } from './host.ts';

export function denoHost(): Host {
  const deno = denoApi();
  if (deno === undefined) throw new Error('not running under Deno');
  const encoder = new TextEncoder();
  const write = (stream: { writeSync(bytes: Uint8Array): number }, text: string): void => {
    try {
      const bytes = encoder.encode(text);
      for (let written = 0; written < bytes.length;) written += stream.writeSync(bytes.subarray(written));
    } catch {
      // A reader of our output that goes away is no reason to end.
    }
  };
  return {
    args: deno.args,
    environment: (name) => {
      const { state } = deno.permissions.querySync({ name: 'env', variable: name });
      return state === 'granted' ? deno.env.get(name) : undefined;
    },
    print: (text) => write(deno.stdout, text),
    printError: (text) => write(deno.stderr, text),
    onSignal: (signal, listener) => deno.addSignalListener(signal, listener),
    onExit: (listener) => addEventListener('unload', listener),
    exit: (code) => deno.exit(code),
    writeTemporary: (name, text) => {
      if (deno.permissions.querySync({ name: 'write' }).state !== 'granted') return undefined;
      const path = deno.makeTempFileSync({ prefix: 'sallyport-', suffix: `-${name}` });
      deno.writeTextFileSync(path, text);
      return path;
    },
    removeTemporary: (path) => deno.removeSync(path),
    processors: navigator.hardwareConcurrency,
    parent: 'DedicatedWorkerGlobalScope' in globalThis ? parentPort() : undefined,
    spawnWorker,
  };
}

/** A thread: Deno may start processes only with a permission that nothing else here needs. */
function spawnWorker(onMessage: (message: unknown) => void, onExit: (reason: string) => void): WorkerHandle {
  const worker = new Worker(new URL('./main.ts', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }) => onMessage(data);
  worker.onerror = (event) => {
    event.preventDefault();
    onExit(event.message);
  };
  return {
    send: (message) => worker.postMessage(message),
    kill: () => worker.terminate(),
  };
}

function parentPort(): ParentPort {
  const scope = globalThis as unknown as Worker;
  return {
    send: (message) => scope.postMessage(message),
    onMessage: (listener) => void (scope.onmessage = ({ data }) => listener(data)),
  };
}
