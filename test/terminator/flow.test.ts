import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Backend } from '../support/backend.ts';
import { certificateFiles, Command } from '../support/command.ts';
import { readToEnd, tlsClient } from '../support/tls_client.ts';

const run = promisify(execFile);
const MEBIBYTE = 1024 * 1024;

function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = length | 1;
  for (let index = 0; index < length; index++) bytes[index] = (state = Math.imul(state, 1664525) + 1013904223) >>> 24;
  return bytes;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Resident memory of a process, in bytes. */
function residentMemory(command: Command): number {
  const status = readFileSync(`/proc/${command.process.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

describe.each(['node', 'deno'] as const)('on %s', (runtime) => {
  const suites = ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384'];

  test.each(suites)('megabytes there and back at once with %s', async (suite) => {
    const backend = await Backend.echo();
    const command = await Command.start([...backend.args, '--ciphers', suite], { runtime });
    const client = await tlsClient(command.port);
    expect(client.getCipher().standardName).toBe(suite);
    const sent = pattern((suite === 'TLS_CHACHA20_POLY1305_SHA256' ? 16 : 2) * MEBIBYTE);
    const received = readToEnd(client);
    client.end(sent);
    expect(sha256(await received)).toBe(sha256(sent));
    expect(await command.logged('connection closed')).toMatchObject({
      received: sent.length,
      sent: sent.length,
      suite,
    });
  });

  test('pieces of every size, one answer each', async () => {
    const backend = await Backend.echo();
    const command = await Command.start([...backend.args, '--padding', '512'], { runtime });
    const client = await tlsClient(command.port);
    client.setNoDelay(true);
    let received = Buffer.alloc(0);
    let wake = (): void => {};
    client.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      wake();
    });
    for (const size of [1, 2, 63, 64, 1447, 2047, 2048, 2049, 16383, 16384, 16385, 65536, 300_000]) {
      received = Buffer.alloc(0);
      const sent = pattern(size);
      client.write(sent);
      while (received.length < size) await new Promise<void>((resolve) => wake = resolve);
      expect(received.equals(sent), `${size} bytes`).toBe(true);
    }
    client.destroy();
  });

  test('curl checks the certificate and gets its answer', async () => {
    const { args, rootFile } = certificateFiles();
    const command = await Command.start([...args], { runtime });
    const url = `https://localhost:${command.port}/path`;
    const { stdout } = await run('curl', [
      '-sS',
      '--resolve',
      `localhost:${command.port}:127.0.0.1`,
      '--cacert',
      rootFile,
      url,
    ]);
    expect(stdout).toMatch(/plain HTTP: GET \/path\n$/);
  });

  /** The receiver stops; the sender sends all it can. What the terminator holds meanwhile has to stay within bounds. */
  async function stalled(
    command: Command,
    sender: net.Socket,
    receiver: net.Socket,
  ): Promise<{ written: number; grown: number }> {
    const before = residentMemory(command);
    const chunk = pattern(256 * 1024);
    let written = 0;
    receiver.pause();
    // Until the kernels' buffers are full too: half a second in which nothing more is taken. Were something unbounded,
    // this would never end.
    for (let idle = 0; idle < 50;) {
      if (sender.writableLength === 0) {
        sender.write(chunk);
        written += chunk.length;
        idle = 0;
      } else {
        idle++;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return { written, grown: residentMemory(command) - before };
  }

  test('a client that does not read: the backend is not read either; memory stays', async () => {
    const backend = await Backend.start();
    const command = await Command.start(backend.args, { runtime });
    const client = await tlsClient(command.port);
    client.write('x');
    const behind = await backend.accept();
    const { written, grown } = await stalled(command, behind, client);
    expect(grown).toBeLessThan(16 * MEBIBYTE);
    behind.end();
    expect((await readToEnd(client)).length).toBe(written);
  });

  test('a backend that does not read: the client is not read either; memory stays', async () => {
    const backend = await Backend.start((socket) => void socket.pause());
    const command = await Command.start(backend.args, { runtime });
    const client = await tlsClient(command.port);
    const behind = await backend.accept();
    const { written, grown } = await stalled(command, client, behind);
    expect(grown).toBeLessThan(16 * MEBIBYTE);
    client.end();
    expect((await readToEnd(behind)).length).toBe(written);
  });
});
