/**
 * Rewrites a WebAssembly module so that it keeps a running hash of everything that steers its timing: the condition of each branch and of each
 * selection, the address of each load and store, the operands of each division. Two runs with the same hash have taken the same way
 * through code and memory.
 */
import {
  BR_IF,
  BR_TABLE,
  Cursor,
  IF,
  type Instruction,
  isBetween,
  readBodies,
  readSections,
  sectionOf,
  SELECT,
} from './wasm_code.ts';

const I32 = 0x7f;
const I64 = 0x7e;
const F32 = 0x7d;
const F64 = 0x7c;
const V128 = 0x7b;

/** What is on top of the stack when a helper is called; it folds some of it into the hash, and leaves all of it there. */
interface Helper {
  readonly types: readonly number[];
  /** Indices of the operands that are hashed. */
  readonly hashed: readonly number[];
  /** Only whether it is zero is hashed. */
  readonly truth?: boolean;
}

const CONDITION: Helper = { types: [I32], hashed: [0], truth: true };
/** An address, or the index of br_table or of an indirect call. */
const INDEX: Helper = { types: [I32], hashed: [0] };
const FILL: Helper = { types: [I32, I32, I32], hashed: [0, 2] };
const COPY: Helper = { types: [I32, I32, I32], hashed: [0, 1, 2] };
const storeOf = (type: number): Helper => ({ types: [I32, type], hashed: [0] });
const divisionOf = (type: number): Helper => ({ types: [type, type], hashed: [0, 1] });
const STORES = new Map([I32, I64, F32, F64, V128].map((type) => [type, storeOf(type)]));
const DIVISIONS = new Map([I32, I64, F64].map((type) => [type, divisionOf(type)]));
const HELPERS = [CONDITION, INDEX, FILL, COPY, ...STORES.values(), ...DIVISIONS.values()];

/** The type of the value of a store that is not SIMD. */
function storedType(op: number): number {
  if (op === 0x37 || op >= 0x3c) return I64;
  if (op === 0x38) return F32;
  return op === 0x39 ? F64 : I32;
}

/** The helper to call before an instruction. */
function helperFor({ op }: Instruction): Helper | undefined {
  if (op === IF || op === BR_IF || op === SELECT) return CONDITION;
  // 0x11: an indirect call.
  if (op === BR_TABLE || op === 0x11 || isBetween(op, 0x28, 0x35)) return INDEX;
  if (isBetween(op, 0xfd00, 0xfd0a) || isBetween(op, 0xfd5c, 0xfd5d)) return INDEX;
  if (isBetween(op, 0x36, 0x3e)) return STORES.get(storedType(op));
  // Stores of vectors, and loads and stores of lanes.
  if (op === 0xfd0b || isBetween(op, 0xfd54, 0xfd5b)) return STORES.get(V128);
  if (op === 0xfc0a) return COPY;
  if (op === 0xfc0b) return FILL;
  if (isBetween(op, 0x6d, 0x70)) return DIVISIONS.get(I32);
  if (isBetween(op, 0x7f, 0x82)) return DIVISIONS.get(I64);
  if (op === 0xa3) return DIVISIONS.get(F64);
  // Divisions and roots of other types do not occur.
  if ([0x91, 0x95, 0x9f, 0xfde3, 0xfde7, 0xfdef, 0xfdf3].includes(op)) {
    throw new Error(`instruction ${op.toString(16)} is not supported`);
  }
  return undefined;
}

function unsigned(value: number): number[] {
  return value < 128 ? [value] : [value & 127 | 128, ...unsigned(Math.floor(value / 128))];
}

function signed64(value: bigint): number[] {
  const byte = Number(value & 127n);
  const rest = value >> 7n;
  const last = (rest === 0n && byte < 64) || (rest === -1n && byte >= 64);
  return last ? [byte] : [byte | 128, ...signed64(rest)];
}

const HASH_FACTOR = signed64(-7046029254386353131n);

/** hash = (hash xor operand) · factor, and hash = hash xor (hash >> 29). */
function helperBody({ types, hashed, truth }: Helper, global: number): number[] {
  const get = [0x23, ...unsigned(global)];
  const set = [0x24, ...unsigned(global)];
  const toI64 = (type: number) => type === I32 ? [...(truth ? [0x45] : []), 0xad] : type === F64 ? [0xbd] : [];
  const code = hashed.flatMap((i) => [
    ...[...get, 0x20, i, ...toI64(types[i]!), 0x85, 0x42, ...HASH_FACTOR, 0x7e, ...set],
    ...[...get, ...get, 0x42, 29, 0x88, 0x85, ...set],
  ]);
  const body = [0, ...code, ...types.flatMap((_, i) => [0x20, i]), 0x0b];
  return [...unsigned(body.length), ...body];
}

/** Bytes that grow. */
class Output {
  readonly #parts: Uint8Array[] = [];
  length = 0;

  push(bytes: ArrayLike<number>): void {
    this.#parts.push(Uint8Array.from(bytes));
    this.length += bytes.length;
  }

  take(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

/** The content of a section that is a list, with more items. */
function appended(bytes: Uint8Array, start: number, end: number, count: number, items: readonly number[]): Uint8Array {
  const cursor = new Cursor(bytes, start);
  const before = cursor.number();
  const output = new Output();
  output.push(unsigned(before + count));
  output.push(bytes.subarray(cursor.at, end));
  output.push(items);
  return output.take();
}

function countOf(bytes: Uint8Array, id: number): number {
  return readSections(bytes).some((section) => section.id === id)
    ? new Cursor(bytes, sectionOf(bytes, id).start).number()
    : 0;
}

/** The code section with calls of the helpers, and the helpers, whose indices begin at `first`. */
function instrumentedCode(bytes: Uint8Array, first: number, global: number): Uint8Array {
  const bodies = readBodies(bytes);
  const output = new Output();
  output.push(unsigned(bodies.length + HELPERS.length));
  for (const { start, code } of bodies) {
    const body = new Output();
    body.push(bytes.subarray(start, code[0]!.start));
    for (const instruction of code) {
      const helper = helperFor(instruction);
      if (helper !== undefined) body.push([0x10, ...unsigned(first + HELPERS.indexOf(helper))]);
      body.push(bytes.subarray(instruction.start, instruction.end));
    }
    output.push(unsigned(body.length));
    output.push(body.take());
  }
  for (const helper of HELPERS) output.push(helperBody(helper, global));
  return output.take();
}

/** Name of the exported i64 global that holds the hash; it may be set. */
export const TRACE = 'trace';

/** The module with a trace. It imports no functions; its custom sections are dropped. */
export function instrument(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const [types, functions, globals] = [countOf(bytes, 1), countOf(bytes, 3), countOf(bytes, 6)];
  const added: Record<number, readonly [count: number, items: number[]]> = {
    1: [HELPERS.length, HELPERS.flatMap(({ types: t }) => [0x60, t.length, ...t, t.length, ...t])],
    3: [HELPERS.length, HELPERS.flatMap((_, i) => unsigned(types + i))],
    6: [1, [I64, 1, 0x42, 0, 0x0b]],
    7: [1, [TRACE.length, ...new TextEncoder().encode(TRACE), 3, ...unsigned(globals)]],
  };
  const output = new Output();
  output.push(bytes.subarray(0, 8));
  const write = (id: number, content: Uint8Array) => {
    output.push([id, ...unsigned(content.length)]);
    output.push(content);
  };
  for (const { id, start, end } of readSections(bytes)) {
    // A module without globals gets its first, before the exports.
    if (id === 7 && globals === 0) write(6, Uint8Array.from([1, ...added[6]![1]]));
    const more = added[id];
    if (more !== undefined) write(id, appended(bytes, start, end, ...more));
    else if (id === 10) write(id, instrumentedCode(bytes, functions, globals));
    else if (id !== 0) write(id, bytes.subarray(start, end));
  }
  return output.take();
}
