/**
 * Deliberately leaky functions in WebAssembly, the controls of the checks in this folder: a check that does not catch them is blind. By
 * hand, so that no compiler mends them.
 */

const I32 = 0x7f;

// Instructions.
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOOP = [0x03, 0x40];
const IF = [0x04, 0x40];
const END = 0x0b;
const BR_IF = 0x0d;
const RETURN = 0x0f;
const SELECT = 0x1b;
const I32_CONST = 0x41;
const I32_ADD = 0x6a;
const I32_AND = 0x71;
const I32_MUL = 0x6c;
const I32_DIV_U = 0x6e;
const I32_NE = 0x47;
const I32_LT_U = 0x49;
const I32_LOAD8_U = [0x2d, 0, 0];

// Parameters and locals of each function.
const SECRET = 0;
const LENGTH = 1;
const OTHER = 2;
const INDEX = 3;
const SUM = 4;

const get = (local: number) => [LOCAL_GET, local];
const set = (local: number) => [LOCAL_SET, local];
const constant = (value: number) => [I32_CONST, value];
/** Byte `INDEX` from the address in a local. */
const byteOf = (address: number) => [...get(address), ...get(INDEX), I32_ADD, ...I32_LOAD8_U];

/** For each byte of the secret. */
function forEachByte(body: number[]): number[] {
  const next = [...get(INDEX), ...constant(1), I32_ADD, ...set(INDEX)];
  return [...LOOP, ...body, ...next, ...get(INDEX), ...get(LENGTH), I32_LT_U, BR_IF, 0, END, ...get(SUM)];
}

const multiplied = [...get(SUM), ...constant(31), I32_MUL, ...byteOf(SECRET), I32_ADD, ...set(SUM)];

/** Name and body of each; all are (secret, length, other) → sum. */
const FUNCTIONS: readonly (readonly [string, number[]])[] = [
  // Works for odd bytes alone.
  ['leaky_branch', forEachByte([...byteOf(SECRET), ...constant(1), I32_AND, ...IF, ...multiplied, ...multiplied, END])],
  // Stops at the first byte that differs from `other`.
  ['leaky_compare', forEachByte([...byteOf(SECRET), ...byteOf(OTHER), I32_NE, ...IF, ...get(INDEX), RETURN, END])],
  // Reads the table `other` at the secret.
  [
    'leaky_table',
    forEachByte([...byteOf(SECRET), ...get(OTHER), I32_ADD, ...I32_LOAD8_U, ...get(SUM), I32_ADD, ...set(SUM)]),
  ],
  // V8 makes a branch of it.
  [
    'leaky_select',
    forEachByte([...get(SUM), ...get(LENGTH), ...byteOf(SECRET), SELECT, ...get(OTHER), I32_ADD, ...set(SUM)]),
  ],
  ['leaky_divide', forEachByte([...get(SUM), ...byteOf(SECRET), ...constant(1), I32_ADD, I32_DIV_U, ...set(SUM)])],
];

function unsigned(value: number): number[] {
  return value < 128 ? [value] : [value & 127 | 128, ...unsigned(value >> 7)];
}

function vector(items: readonly number[][]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function section(id: number, content: number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function name(text: string): number[] {
  return [...unsigned(text.length), ...new TextEncoder().encode(text)];
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const bodies = FUNCTIONS.map(([, body]) => {
    const code = [1, 2, I32, ...body, END];
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector([[0x60, 3, I32, I32, I32, 1, I32]])),
    ...section(2, vector([[...name('env'), ...name('memory'), 2, 0, 1]])),
    ...section(3, vector(FUNCTIONS.map(() => [0]))),
    ...section(7, vector(FUNCTIONS.map(([text], i) => [...name(text), 0, i]))),
    ...section(10, vector(bodies)),
  ]);
}

/** The module; it imports `env.memory`. */
export const LEAKY_MODULE: Uint8Array<ArrayBuffer> = moduleBytes();
/** By function index. */
export const LEAKY_NAMES: readonly string[] = FUNCTIONS.map(([text]) => text);
export type LeakyFunction = (secret: number, length: number, other: number) => number;
