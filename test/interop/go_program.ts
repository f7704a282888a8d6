import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '../support/root.ts';

const built = new Map<string, Promise<string>>();

/**
 * The Go program `peers/<name>`, compiled into `folder` when it is first asked for. Not synchronously: with an empty cache the compiler
 * takes half a minute, in which the connections of other tests must go on.
 */
export function goProgram(folder: string, name: string): Promise<string> {
  const program = join(folder, name);
  const known = built.get(program) ?? build(program, name);
  built.set(program, known);
  return known;
}

async function build(program: string, name: string): Promise<string> {
  const cwd = join(ROOT, 'test/interop/peers', name);
  const child = spawn('go', ['build', '-o', program, 'main.go'], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said += chunk.toString());
  const [status] = await once(child, 'close') as [number | null];
  if (status !== 0) throw new Error(`go build: ${said}`);
  return program;
}
