/**
 * `npm run bench:idle`: what an idle connection keeps, counted. Connections are opened in two steps; the difference, after garbage
 * collection, is divided by their number: live bytes on V8's heap and what objects they are, array buffers, resident memory.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '../certificates.ts';
import { buildLoad, Load } from '../load.ts';
import { findNode } from '../peers.ts';
import { freePort, listening, pause, type PinnedProcess, startPinned } from '../process.ts';
import { ordinaryOffer } from '../row.ts';

const step = 2000;
/** Kinds that take less are not shown, in bytes per connection. */
const least = 8;

interface Probe {
  readonly heapUsed: number;
  readonly arrayBuffers: number;
  readonly kinds: Readonly<Record<string, readonly [count: number, bytes: number]>>;
}

async function probe(server: PinnedProcess): Promise<Probe> {
  const { stderr } = server.child;
  if (stderr === null) throw new Error('no error output to read from');
  let text = '';
  const line = new Promise<string>((resolve) => {
    stderr.on('data', (bytes: Uint8Array) => {
      text += Buffer.from(bytes).toString();
      const found = /^\{"heapUsed".*\}$/m.exec(text);
      if (found !== null) resolve(found[0]);
    });
  });
  server.child.kill('SIGUSR2');
  const answer = JSON.parse(await line) as Probe;
  stderr.removeAllListeners('data').resume();
  return answer;
}

function report(before: Probe, after: Probe): string {
  const perConnection = (from: number, to: number): string => ((to - from) / step).toFixed(1).padStart(8);
  const lines = [
    `${perConnection(before.heapUsed, after.heapUsed)} bytes live on V8's heap`,
    `${perConnection(before.arrayBuffers, after.arrayBuffers)} bytes in array buffers beside it`,
    '',
    '   count    bytes  of them',
  ];
  const grown = Object.entries(after.kinds).map(([kind, [count, bytes]]) => {
    const [countBefore = 0, bytesBefore = 0] = before.kinds[kind] ?? [];
    return { kind, count: count - countBefore, bytes: bytes - bytesBefore };
  }).filter(({ bytes }) => bytes >= least * step).sort((a, b) => b.bytes - a.bytes);
  for (const { kind, count, bytes } of grown) {
    lines.push(`${perConnection(0, count)} ${perConnection(0, bytes)}  ${kind}`);
  }
  return `${lines.join('\n')}\n`;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-idle-'));
  const load = new Load(buildLoad(join(process.cwd(), 'bench/load'), folder), '1', []);
  let server: PinnedProcess | undefined;
  try {
    const { cert, key } = makeCertificate(folder, 'ECDSA');
    const backendPort = (await load.run({ op: 'backend' })).port ?? 0;
    const port = await freePort();
    const probing = ['--expose-gc', '--import', join(process.cwd(), 'bench/idle/probe.mjs')];
    const addresses = ['--listen', `127.0.0.1:${port}`, '--target', `127.0.0.1:${backendPort}`];
    server = startPinned('0', [
      ...[findNode(24), ...probing, 'dist/cli/main.js', ...addresses],
      ...['--cert', cert, '--key', key, '--log-level', 'error'],
    ]);
    await listening(port, server);
    const offer = { ...ordinaryOffer, port, concurrency: 16 } as const;
    await load.run({ ...offer, op: 'handshakes', count: 2 * step });
    await load.run({ ...offer, op: 'hold', count: step });
    await pause(1000);
    const before = await probe(server);
    await load.run({ ...offer, op: 'hold', count: step });
    await pause(1000);
    process.stdout.write(`per idle connection, Node 24:\n${report(before, await probe(server))}`);
    await load.run({ op: 'release' });
  } finally {
    await server?.stop();
    await load.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: Error) => {
  process.stderr.write(`bench:idle: ${error.message}\n`);
  process.exitCode = 1;
});
