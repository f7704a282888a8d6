/** Reads WebAssembly modules (core specification §5, with SIMD and relaxed SIMD): sections, and the instructions of functions. */

/** A section: its id, and where its content lies. */
export interface Section {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

/** One instruction of a function, without its meaning. */
export interface Instruction {
  /** The opcode; behind prefix 0xfc it is 0xfc00 + n, behind 0xfd 0xfd00 + n (from 0xfe00: relaxed). */
  readonly op: number;
  /** Where its bytes lie. */
  readonly start: number;
  readonly end: number;
  /** Of br_table: how many ways there are. */
  readonly ways: number;
}

export interface Body {
  /** Where the local declarations begin; they end where the first instruction starts. */
  readonly start: number;
  readonly code: readonly Instruction[];
}

export const IF = 0x04;
export const BR_IF = 0x0d;
export const BR_TABLE = 0x0e;
export const SELECT = 0x1b;

export const isBetween = (op: number, first: number, last: number): boolean => op >= first && op <= last;

export class Cursor {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.bytes[this.at++]!;
  }

  /** LEB128, unsigned. Of signed numbers it gives the wrong value, but skips as many bytes. */
  number(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      scale *= 128;
      if (byte < 128) return value;
    }
  }

  name(): string {
    const length = this.number();
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }

  list<T>(item: () => T): T[] {
    return Array.from({ length: this.number() }, item);
  }
}

export function readSections(bytes: Uint8Array): Section[] {
  const cursor = new Cursor(bytes, 8);
  const sections: Section[] = [];
  while (cursor.at < bytes.length) {
    const id = cursor.byte();
    const length = cursor.number();
    sections.push({ id, start: cursor.at, end: cursor.at + length });
    cursor.at += length;
  }
  return sections;
}

export function sectionOf(bytes: Uint8Array, id: number): Section {
  const section = readSections(bytes).find((candidate) => candidate.id === id);
  if (section === undefined) throw new Error(`the module has no section ${id}`);
  return section;
}

/** What follows the opcode: how many numbers, then how many bytes. */
function immediates(op: number): readonly [numbers: number, bytes: number] {
  const memory = [2, 0] as const;
  if (isBetween(op, 0x02, IF)) return [1, 0];
  if (isBetween(op, 0x0c, BR_IF) || op === 0x10 || isBetween(op, 0x20, 0x24)) return [1, 0];
  if (op === 0x11) return [2, 0];
  if (isBetween(op, 0x28, 0x3e)) return memory;
  if (isBetween(op, 0x3f, 0x42)) return [1, 0];
  if (op === 0x43) return [0, 4];
  if (op === 0x44) return [0, 8];
  if (op === 0xfc0a) return [0, 2];
  if (op === 0xfc0b) return [0, 1];
  if (isBetween(op, 0xfc08, 0xfcff)) throw new Error(`instruction ${op.toString(16)} is not supported`);
  if (isBetween(op, 0xfd00, 0xfd0b) || isBetween(op, 0xfd5c, 0xfd5d)) return memory;
  if (isBetween(op, 0xfd0c, 0xfd0d)) return [0, 16];
  if (isBetween(op, 0xfd15, 0xfd22)) return [0, 1];
  if (isBetween(op, 0xfd54, 0xfd5b)) return [2, 1];
  return [0, 0];
}

function readInstruction(cursor: Cursor): Instruction {
  const start = cursor.at;
  let op = cursor.byte();
  if (op === 0xfc || op === 0xfd) op = (op << 8) + cursor.number();
  let ways = 0;
  if (op === BR_TABLE) {
    ways = cursor.list(() => cursor.number()).length + 1;
    cursor.number();
  } else if (op === 0x1c) {
    cursor.list(() => cursor.byte());
    op = SELECT;
  } else {
    const [numbers, bytes] = immediates(op);
    for (let i = 0; i < numbers; i++) cursor.number();
    cursor.at += bytes;
  }
  return { op, start, end: cursor.at, ways };
}

/** The bodies of all functions, in order. */
export function readBodies(bytes: Uint8Array): Body[] {
  const cursor = new Cursor(bytes, sectionOf(bytes, 10).start);
  return cursor.list(() => {
    const end = cursor.number() + cursor.at;
    const start = cursor.at;
    cursor.list(() => {
      cursor.number();
      cursor.byte();
    });
    const code: Instruction[] = [];
    while (cursor.at < end) code.push(readInstruction(cursor));
    return { start, code };
  });
}

/** Function names, of the custom section `name` (§A.7.4.2) if there is one. */
export function readNames(bytes: Uint8Array): Map<number, string> {
  const names = new Map<number, string>();
  for (const { id, start, end } of readSections(bytes)) {
    const cursor = new Cursor(bytes, start);
    if (id !== 0 || cursor.name() !== 'name') continue;
    while (cursor.at < end) {
      const kind = cursor.byte();
      const next = cursor.number() + cursor.at;
      if (kind === 1) cursor.list(() => names.set(cursor.number(), cursor.name()));
      cursor.at = next;
    }
  }
  return names;
}
