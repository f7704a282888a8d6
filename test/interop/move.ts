import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Backend } from './backend.ts';
import type { Client, Connect, Handshake } from './clients.ts';
import { chunksOf, digestOf } from './payload.ts';

let count = 0;

/** How many connections carry the payload. */
export function copiesOf(client: Client, handshake: Handshake): number {
  return handshake === 'resumed' && client.repeats === true ? 2 : 1;
}

/**
 * Runs `client` once: `length` bytes up and `length` other bytes down, both compared by digest. Resolves with seconds taken; throws
 * with what the client said when anything is not as it should be.
 */
export async function move(client: Client, connect: Connect, backend: Backend, length: number): Promise<number> {
  const seed = `${process.pid}-${count++}`;
  const up = { length, seed: `up-${seed}` };
  const down = { length, seed };
  const head = `MOVE ${length} ${length} ${seed}\n`;
  const uploadFile = join(connect.folder, 'upload');
  const copies = copiesOf(client, connect.handshake);
  const fromFile = client.kind === 'http' || copies > 1;
  if (fromFile) {
    writeFileSync(uploadFile, Buffer.concat([...(client.kind === 'http' ? [] : [Buffer.from(head)]), ...chunksOf(up)]));
  }
  const [program, ...args] = await client.command(connect, {
    uploadFile,
    path: `/${client.kind === 'browser' ? 'page/' : ''}${length}/${seed}`,
  });

  const started = performance.now();
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], cwd: connect.folder });
  const exit = once(child, 'close') as Promise<[number | null]>;
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000 + length / 100);
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => complaint = (complaint + text).slice(-2000));
  child.stdin.on('error', () => {}); // The exit code and the digests tell.

  const hash = createHash('sha256');
  let arrived = 0;
  let document = '';
  const complete = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Uint8Array) => {
      if (client.kind === 'browser') document += new TextDecoder().decode(chunk);
      hash.update(chunk);
      arrived += chunk.length;
      if (arrived >= length * copies) resolve();
    });
  });

  if (client.kind === 'pipe' && !fromFile) {
    child.stdin.write(head);
    for (const chunk of chunksOf(up)) {
      if (!child.stdin.write(chunk)) await Promise.race([once(child.stdin, 'drain'), exit]);
      if (child.exitCode !== null) break;
    }
    await Promise.race([complete, exit]);
  }
  child.stdin.end();
  const [code] = await exit;
  clearTimeout(timer);
  const seconds = (performance.now() - started) / 1000;

  const problems: string[] = [];
  if (code !== 0) problems.push(`exit code ${code}`);
  if (backend.received.get(seed) !== digestOf(up)) problems.push('upload differs');
  if (client.kind === 'browser') {
    if (!document.includes(`SHA-256 ${digestOf(down)}`)) problems.push(`download differs: ${document.slice(0, 300)}`);
  } else if (arrived !== length * copies) problems.push(`${arrived} bytes came down instead of ${length * copies}`);
  else if (hash.digest('hex') !== digestOf(down, copies)) problems.push('download differs');
  if (problems.length > 0) throw new Error([...problems, complaint.trim()].join('; '));
  return seconds;
}
