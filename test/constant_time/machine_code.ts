/**
 * The last constant-time check (see wasm/README.md): the machine code that this runtime's V8 makes of the shipped modules. `ct:trace` shows
 * that no condition in WebAssembly depends on a secret; this shows that the engine adds none. For each function: are there more
 * conditional branches than WebAssembly has, or divisions? What there is must be explained in machine_code_allowed.tsv, by name.
 * `npm run ct:machine-code` (after `node wasm/build.mjs --named`, for names).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LEAKY_MODULE, LEAKY_NAMES } from './leaky.ts';
import { type Body, BR_IF, BR_TABLE, IF, readBodies, readNames, sectionOf, SELECT } from './wasm_code.ts';

/** What the machine code of one function holds. */
interface MachineCode {
  /** Conditional jumps, those of stack checks left out. */
  branches: number;
  divisions: number;
}

/** Loops are compiled as they are, and calls stay calls, so that jumps can be counted: copies of code repeat its conditions, no more. */
// deno-fmt-ignore
const FLAGS = [
  '--no-liftoff', '--no-wasm-lazy-compilation', '--no-wasm-loop-unrolling', '--no-wasm-loop-peeling', '--no-wasm-inlining',
  '--print-wasm-code',
];
const COMPILE = `new WebAssembly.Module(require('node:fs').readFileSync(process.argv[1]))`;
/** Node 20 wants a flag for relaxed SIMD, which later ones do not know. */
const RELAXED_FLAGS = Number(process.versions.node.split('.')[0]) < 22 ? ['--experimental-wasm-relaxed-simd'] : [];

/** An instruction of V8's disassembly: address, offset, bytes, then the mnemonic and its operands. */
const INSTRUCTION = /^0x[0-9a-f]+\s+[0-9a-f]+\s+[0-9a-f]+\s+(?:REX\.W )?(\S+)\s*(.*)$/;
/** A stack check compares the stack pointer with a limit that does not depend on anything secret. */
const STACK_CHECK = /^rsp,/;
const CONDITIONAL_JUMP = /^j(?!mp)[a-z]+$/;
const DIVISION = /^v?(i?div|(div|sqrt)[sp][sd])/;

function readDisassembly(text: string): Map<number, MachineCode> {
  const found = new Map<number, MachineCode>();
  let current: MachineCode | undefined;
  let isStackCheck = false;
  let zeroed = '';
  let isConstant = false;
  for (const line of text.split('\n')) {
    const index = /^index: (\d+)/.exec(line);
    if (index !== null) {
      current = { branches: 0, divisions: 0 };
      found.set(Number(index[1]), current);
    }
    // Wrappers between JavaScript and WebAssembly have no index.
    if (line.startsWith('--- ')) current = undefined;
    const instruction = INSTRUCTION.exec(line);
    if (instruction === null || current === undefined) continue;
    const [, mnemonic, operands] = instruction as unknown as [string, string, string];
    if (CONDITIONAL_JUMP.test(mnemonic) && !isStackCheck && !isConstant) current.branches++;
    if (DIVISION.test(mnemonic)) current.divisions++;
    // What follows a call that does not return: a register is cleared, then tested.
    isConstant = mnemonic.startsWith('test') && operands === zeroed;
    zeroed = /^xor[lq]?$/.test(mnemonic) ? operands : '';
    isStackCheck = mnemonic.startsWith('cmp') && STACK_CHECK.test(operands);
  }
  return found;
}

function disassemble(file: string): Map<number, MachineCode> {
  const args = [...FLAGS, ...RELAXED_FLAGS, '--eval', COMPILE, file];
  const run = spawnSync(process.execPath, args, { encoding: 'latin1', maxBuffer: 1 << 30 });
  if (run.status !== 0) throw new Error(`cannot compile ${file}: ${run.stderr}`);
  return readDisassembly(run.stdout);
}

/** Branches that the machine code may have: those of WebAssembly, selections, the bounds of copies and fills, checks of indirect calls. */
function expectedBranches({ code }: Body): number {
  return code.reduce((sum, { op, ways }) => {
    if (op === IF || op === BR_IF || op === SELECT) return sum + 1;
    if (op === BR_TABLE) return sum + ways + 1;
    // An indirect call has an index to check, a type, and whether there is a function.
    return sum + (op === 0xfc0a || op === 0xfc0b ? 1 : op === 0x11 ? 3 : 0);
  }, 0);
}

/** The identifiers of a mangled Rust name (v0), in order. */
function readable(name: string): string {
  if (!name.startsWith('_R')) return name;
  const parts: string[] = [];
  const rest = name.replace(/Cs[0-9a-zA-Z]+_/g, 'C');
  for (let i = 2; i < rest.length;) {
    const length = /^(\d+)_?/.exec(rest.slice(i));
    const start = i + (length?.[0].length ?? 0);
    const part = length && rest.slice(start, start + Number(length[1]));
    if (part && part.length === Number(length[1]) && /^[a-zA-Z_]\w+$/.test(part)) {
      parts.push(part);
      i = start + part.length;
    } else i++;
  }
  return parts.filter((part) => part !== 'sallyport').join('::');
}

interface Allowed {
  readonly pattern: RegExp;
  readonly kind: 'branches' | 'divisions';
  readonly most: number;
  readonly reason: string;
}

function readAllowed(file: string): Allowed[] {
  return readFileSync(file, 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
    const [pattern, kind, most, reason] = line.split('\t');
    if (!reason || (kind !== 'branches' && kind !== 'divisions')) throw new Error(`${file}: cannot read '${line}'`);
    return { pattern: new RegExp(`^${pattern}$`), kind, most: Number(most), reason };
  });
}

interface Report {
  readonly name: string;
  /** Beyond those of WebAssembly. */
  readonly branches: number;
  readonly divisions: number;
}

function examine(bytes: Uint8Array, file: string, nameOf: (index: number) => string): Report[] {
  const machine = disassemble(file);
  return readBodies(bytes).map((body, index) => {
    const code = machine.get(index);
    if (code === undefined) throw new Error(`${file}: no machine code for function ${index}`);
    return {
      name: nameOf(index),
      branches: Math.max(0, code.branches - expectedBranches(body)),
      divisions: code.divisions,
    };
  });
}

/** The names of the functions, if the module with names is built of the same sources. */
function namesOf(file: string, bytes: Uint8Array): (index: number) => string {
  let named: Uint8Array;
  try {
    named = readFileSync(join('wasm/target/named', file));
  } catch {
    throw new Error('build the modules with names first: node wasm/build.mjs --named');
  }
  const code = (module: Uint8Array) => {
    const { start, end } = sectionOf(module, 10);
    return Buffer.from(module.subarray(start, end));
  };
  if (!code(named).equals(code(bytes))) throw new Error(`${file} differs from the module with names: build both`);
  const names = readNames(named);
  return (index) => readable(names.get(index) ?? `function ${index}`);
}

function checkModule(file: string, allowed: readonly Allowed[], used: Set<Allowed>): number {
  const path = join('wasm', file);
  const bytes = readFileSync(path);
  const reports = examine(bytes, path, namesOf(file, bytes));
  let failures = 0;
  for (const report of reports) {
    for (const kind of ['branches', 'divisions'] as const) {
      if (report[kind] === 0) continue;
      const reason = allowed.find((entry) => entry.kind === kind && entry.pattern.test(report.name));
      if (reason !== undefined) used.add(reason);
      const good = reason !== undefined && report[kind] <= reason.most;
      if (!good) failures++;
      console.log(
        `${good ? 'explained' : 'FAILED'}: ${report.name}: ${report[kind]} ${kind}${good ? `: ${reason.reason}` : ''}`,
      );
    }
  }
  console.log(`${path}: ${reports.length} functions, ${failures} unexplained`);
  return failures;
}

/** The engine turns a selection into a branch, and divides: the check must see both. */
function checkControls(): number {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ct-'));
  const file = join(folder, 'leaky.wasm');
  try {
    writeFileSync(file, LEAKY_MODULE);
    const machine = disassemble(file);
    const of = (name: string) => machine.get(LEAKY_NAMES.indexOf(name))!;
    // Each has a loop, which is one branch; a division also checks for zero.
    const seen = [
      ['branch', of('leaky_branch').branches >= 2],
      ['early exit', of('leaky_compare').branches >= 2],
      ['division', of('leaky_divide').divisions >= 1 && of('leaky_divide').branches > 1],
    ] as const;
    for (const [name, caught] of seen) {
      console.log(`control: ${name}: ${caught ? 'seen, as it must be' : 'FAILED: not seen'}`);
    }
    return seen.filter(([, caught]) => !caught).length;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const allowed = readAllowed('test/constant_time/machine_code_allowed.tsv');
const used = new Set<Allowed>();
let failures = checkControls();
for (const file of ['sallyport.wasm', 'sallyport.relaxed.wasm']) failures += checkModule(file, allowed, used);
for (const entry of allowed) if (!used.has(entry)) console.log(`not needed on this runtime: ${entry.pattern.source}`);
process.exitCode = failures > 0 ? 1 : 0;
