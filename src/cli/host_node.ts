import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Host } from './host.ts';

export function nodeHost(): Host {
  // A reader of our output that goes away (`| head`) is no reason to end.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  return {
    args: process.argv.slice(2),
    environment: (name) => process.env[name],
    print: (text) => void process.stdout.write(text),
    printError: (text) => void process.stderr.write(text),
    onSignal: (signal, listener) => void process.on(signal, listener),
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
  };
}
