import { denoApi } from '../socket/deno_api.ts';
import type { Host } from './host.ts';

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
    exit: (code) => deno.exit(code),
    writeTemporary: (name, text) => {
      if (deno.permissions.querySync({ name: 'write' }).state !== 'granted') return undefined;
      const path = deno.makeTempFileSync({ prefix: 'sallyport-', suffix: `-${name}` });
      deno.writeTextFileSync(path, text);
      return path;
    },
    removeTemporary: (path) => deno.removeSync(path),
  };
}
