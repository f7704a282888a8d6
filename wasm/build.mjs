// Builds the two WebAssembly modules from this crate: `node wasm/build.mjs` writes them beside this file, and with `--check`
// builds in a temporary folder and compares the bytes with the committed ones.
//
// The result does not depend on the folder: paths are remapped, and symbols stripped. It does depend on the compiler, whose version
// is therefore pinned here. `--named` builds the same code with function names, for tools, in target/named/.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeKernels } from './kernels/generate.mjs';

const RUSTC_VERSION = '1.96.0';
const STACK_BYTES = 256 * 1024;
const TARGET = 'wasm32-unknown-unknown';
const BUILDS = [
  { file: 'sallyport.wasm', features: '+simd128' },
  { file: 'sallyport.relaxed.wasm', features: '+simd128,+relaxed-simd' },
];
const LIMIT_BYTES = 400 * 1024;
const LIMIT_COMPRESSED_BYTES = 150 * 1024;

const check = process.argv.includes('--check');
const named = process.argv.includes('--named');
const crate = dirname(fileURLToPath(import.meta.url));

function die(message) {
  console.error(`wasm build: ${message}`);
  process.exit(2);
}

/** The pinned compiler: $RUSTC, or Debian's /usr/bin/rustc, or the first on PATH; it must bring the sources of `core`. */
function findToolchain() {
  const seen = [];
  for (const rustc of [process.env['RUSTC'], '/usr/bin/rustc', 'rustc']) {
    if (rustc === undefined) continue;
    const version = spawnSync(rustc, ['--version'], { encoding: 'utf8' }).stdout?.trim();
    if (!version) continue;
    const sysroot = spawnSync(rustc, ['--print', 'sysroot'], { encoding: 'utf8' }).stdout.trim();
    const hasSources = existsSync(join(sysroot, 'lib/rustlib/src/rust/library/core'));
    if (version.startsWith(`rustc ${RUSTC_VERSION} `) && hasSources) {
      const cargo = rustc.includes('/') ? join(dirname(rustc), 'cargo') : 'cargo';
      return { rustc, cargo: process.env['CARGO'] ?? cargo, sysroot };
    }
    seen.push(`${rustc} is '${version}'${hasSources ? '' : ' without the sources of core'}`);
  }
  const found = seen.length === 0 ? 'found none' : `found: ${seen.join('; ')}`;
  die(`needs rustc ${RUSTC_VERSION} with rust-src (Debian: rustc-web, rust-web-src, cargo-web, lld); ${found}`);
}

function build(toolchain, source, target, features) {
  const flags = [
    `-Ctarget-feature=${features}`,
    '-Clinker=wasm-ld',
    '-Clink-arg=--import-memory',
    '-Clink-arg=--stack-first',
    `-Clink-arg=-zstack-size=${STACK_BYTES}`,
    '-Clink-arg=--compress-relocations', // addresses in as few bytes as they need, which saves 4 % of a module
    // The linker refuses the former without `--strip-debug`; names stay. Not by cargo's profile, of which symbols and so the order of functions depend.
    ...(named ? ['-Cstrip=none', '-Clink-arg=--strip-debug'] : []),
    `-Clink-arg=--max-memory=${2 ** 32}`,
    `--remap-path-prefix=${source}=sallyport`,
    `--remap-path-prefix=${toolchain.sysroot}/lib/rustlib/src/rust=rust`,
  ];
  const args = ['rustc', '--quiet', '--release', '--lib', '--crate-type=cdylib', `--target=${TARGET}`];
  // CARGO_ENCODED_RUSTFLAGS, so that a space in a path does no harm.
  const env = {
    ...process.env,
    RUSTC: toolchain.rustc,
    RUSTC_BOOTSTRAP: '1',
    RUSTFLAGS: '',
    CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f'),
    CARGO_TARGET_DIR: target,
  };
  const run = spawnSync(toolchain.cargo, [...args, '-Zbuild-std=core,panic_abort'], { cwd: source, env, stdio: 'inherit' });
  if (run.error) die(`cannot run ${toolchain.cargo}: ${run.error.message}`);
  if (run.status !== 0) die('cargo failed');
  return join(target, TARGET, 'release', 'sallyport.wasm');
}

function checkSize(file) {
  const bytes = readFileSync(file);
  const compressed = gzipSync(bytes, { level: 9 }).length;
  const size = `${bytes.length} bytes, ${compressed} compressed`;
  // Names are for tools, and not shipped.
  if (!named && (bytes.length > LIMIT_BYTES || compressed > LIMIT_COMPRESSED_BYTES)) die(`${file} is too large: ${size}`);
  return size;
}

const toolchain = findToolchain();
// A check builds from a copy in another folder with nothing cached, so that it proves what it says.
const scratch = check ? mkdtempSync(join(tmpdir(), 'sallyport-wasm-')) : undefined;
const source = scratch === undefined ? crate : join(scratch, 'crate');
if (scratch !== undefined) {
  for (const name of ['Cargo.toml', 'Cargo.lock', 'src']) cpSync(join(crate, name), join(source, name), { recursive: true });
}
const different = [];
try {
  writeKernels(join(source, 'src'));
  for (const { file, features } of BUILDS) {
    const built = build(toolchain, source, join(source, 'target', named ? `named-${file}` : file), features);
    const committed = named ? join(crate, 'target', 'named', file) : join(crate, file);
    mkdirSync(dirname(committed), { recursive: true });
    if (!check) writeFileSync(committed, readFileSync(built)); // not a copy: cargo makes it executable
    else if (!existsSync(committed) || !readFileSync(built).equals(readFileSync(committed))) different.push(file);
    console.log(`${file}: ${checkSize(built)}`);
  }
} finally {
  if (scratch !== undefined) rmSync(scratch, { recursive: true });
}
if (different.length > 0) die(`${different.join(', ')} not what the sources build; run \`npm run wasm:build\` and commit`);
