/**
 * `npm run bogo -- DIR [--test PATTERNS] [--save]`: runs BoringSSL's protocol tests, from a checkout of google/boringssl in DIR,
 * against this library. Needs Go. Without --test: all that config.json does not exclude; what it does is counted. With --save the
 * result is written to result.json.
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
import { lookAt, runShim, type ShimResult } from './shim.ts';
import { type BogoConfig, isServerTls13, summarize } from './summary.ts';

/** Patterns of config.json for what does not run over TCP. */
const OTHER_PROTOCOLS: readonly string[] = ['*DTLS*', '*-QUIC*', 'QUIC-*', 'QUICCompat*'];

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
const configFile = join(root, 'test/bogo/config.json');
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

/** What the shim's processes do: the test, or but look at what the runner's client offers. */
let act: (argv: readonly string[]) => Promise<ShimResult> = (argv) => runShim(argv, crypto);
let runs: ShimResult[] = [];

/** Runs the runner with `flags`; gives its exit code and what the shim's processes came to. */
async function run(...flags: string[]): Promise<{ exitCode: number | null; runs: readonly ShimResult[] }> {
  runs = [];
  const all = [
    '-shim-path',
    launcher,
    '-shim-config',
    configFile,
    '-allow-unimplemented',
    '-pipe',
    '-num-workers',
    '8',
  ];
  const child = spawn(runner, [...all, ...flags], { cwd: runnerFolder });
  const log: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => log.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => log.push(chunk));
  const exitCode = await new Promise<number | null>((done) => child.on('close', done));
  writeFileSync(join(work, 'log.txt'), Buffer.concat(log).toString());
  return { exitCode, runs };
}

/** How many of the tests of those names offer TLS 1.3 over TCP to our server. */
async function count(patterns: readonly string[], except: readonly string[] = []): Promise<number> {
  act = lookAt;
  const skip = except.length === 0 ? [] : ['-skip', except.join(';')];
  const { runs } = await run('-include-disabled', '-test', patterns.join(';'), ...skip);
  return runs.filter(isServerTls13).length;
}

const output = join(work, 'output.json');
const narrow = values.test === '' ? [] : ['-test', values.test];
const { exitCode, runs: all } = await run('-json-output', output, ...narrow);
const config = JSON.parse(readFileSync(configFile, 'utf8')) as BogoConfig;
const patterns = Object.keys(config.DisabledTests).filter((pattern) => !OTHER_PROTOCOLS.includes(pattern));
const excluded = values.test === ''
  ? {
    standard: await count(patterns, [...OTHER_PROTOCOLS, ...config.NotStandard.excluded]),
    notStandard: await count(config.NotStandard.excluded.filter((pattern) => patterns.includes(pattern))),
  }
  : { standard: 0, notStandard: 0 };
shims.close();

const summary = summarize(revision, JSON.parse(readFileSync(output, 'utf8')), all, excluded, config);
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
  const result = await act(argv);
  runs.push(result);
  const { code, stdout = '', stderr = '' } = result;
  socket.end(`${code}\n${code === 0 ? stdout : stderr}`);
}
