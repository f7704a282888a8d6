/**
 * `npm run bogo -- DIR [--test PATTERNS] [--save]`: runs BoringSSL's protocol tests, from a checkout of google/boringssl in DIR,
 * against this library. Needs Go. Without --test: all that config.json does not exclude. With --save the result is written to
 * result.json.
 *
 * The runner starts a process for each test. To spare thousands of starts of Node, that process is a few lines of bash, which
 * hand the flags to this process and its exit code back.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createWasmProvider } from '../../src/crypto/wasm/provider.ts';
import { runShim, type ShimResult } from './shim.ts';
import { summarize } from './summary.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { test: { type: 'string', default: '' }, save: { type: 'boolean', default: false } },
});
const checkout = positionals[0];
if (checkout === undefined) {
  console.error('npm run bogo -- DIR: give the folder of a checkout of google/boringssl');
  process.exit(2);
}

const root = process.cwd();
const work = join(root, 'dist/test/bogo');
const runnerFolder = join(resolve(checkout), 'ssl/test/runner');
const config = join(root, 'test/bogo/config.json');
const revision = spawnSync('git', ['-C', checkout, 'rev-parse', 'HEAD'], { encoding: 'utf8' }).stdout.trim();
mkdirSync(work, { recursive: true });

const runner = join(work, 'runner');
console.log(`building the runner of ${revision}`);
const built = spawnSync('go', ['test', '-c', '-o', runner, '.'], { cwd: runnerFolder, stdio: 'inherit' });
if (built.status !== 0) process.exit(1);

const crypto = createWasmProvider({
  build: 'strict',
  module: new WebAssembly.Module(readFileSync(join(root, 'wasm/sallyport.wasm'))),
});
/** What each of the shim's processes came to. */
const runs: ShimResult[] = [];
const shims = createServer((socket) => void serveShim(socket));
await new Promise<void>((done) => shims.listen(0, '127.0.0.1', done));
const launcher = join(work, 'shim');
writeFileSync(
  launcher,
  `#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/${(shims.address() as AddressInfo).port}
printf '%s\\0' $# "$@" >&3
read -r code <&3
if [ "$code" = 0 ]; then cat <&3; else cat <&3 >&2; fi
exit "$code"
`,
);
chmodSync(launcher, 0o755);

const output = join(work, 'output.json');
const flags = ['-shim-path', launcher, '-shim-config', config, '-allow-unimplemented', '-json-output', output];
const narrow = values.test === '' ? [] : ['-test', values.test];
const child = spawn(runner, [...flags, '-pipe', '-num-workers', '8', ...narrow], { cwd: runnerFolder });
const log: Buffer[] = [];
child.stdout.on('data', (chunk: Buffer) => log.push(chunk));
child.stderr.on('data', (chunk: Buffer) => log.push(chunk));
const exitCode = await new Promise<number | null>((done) => child.on('close', done));
shims.close();
const text = Buffer.concat(log).toString();
writeFileSync(join(work, 'log.txt'), text);

const summary = summarize(revision, JSON.parse(readFileSync(output, 'utf8')), runs);
console.log(summary.text);
if (values.save) writeFileSync(join(root, 'test/bogo/result.json'), JSON.stringify(summary.result, null, 2) + '\n');
process.exitCode = exitCode === 0 ? 0 : 1;

/** One test's process: the number of flags, then the flags, each ended by a zero byte. */
async function serveShim(socket: Socket): Promise<void> {
  socket.on('error', () => {});
  let received = '';
  const argv = await new Promise<string[]>((done) => {
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      const fields = received.split('\0');
      if (fields.length > 1 && fields.length - 2 >= Number(fields[0])) done(fields.slice(1, -1));
    });
  });
  const result = await runShim(argv, crypto);
  runs.push(result);
  const { code, stdout = '', stderr = '' } = result;
  socket.end(`${code}\n${code === 0 ? stdout : stderr}`);
}
