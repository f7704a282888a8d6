import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root.ts';

/**
 * Deno's own binary out of its npm package, or undefined where there is none. Not `node_modules/.bin/deno`: that is a script that
 * waits for the binary, and a signal to it does not reach the binary.
 */
export const DENO: string | undefined = findDeno();

function findDeno(): string | undefined {
  const packages = join(ROOT, 'node_modules/@deno');
  if (!existsSync(packages)) return undefined;
  return readdirSync(packages).map((name) => join(packages, name, 'deno')).find((path) => existsSync(path));
}
