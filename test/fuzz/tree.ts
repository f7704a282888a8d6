/**
 * Messages as trees, so that a mutation can change the structure and leave the rest well formed: the decoder is then
 * reached behind its first length check.
 */
import { type Bytes, concat, uint } from '../support/raw_wire.ts';
import type { Random } from './random.ts';

/** A leaf, a sequence, or a vector with a length prefix of `width` bytes. */
export type Tree = Bytes | Tree[] | Vector;

export interface Vector {
  width: 1 | 2 | 3;
  items: Tree[];
  /** Added to the length that is written: a lie. */
  lie: number;
}

export function vec(width: 1 | 2 | 3, ...items: Tree[]): Vector {
  return { width, items, lie: 0 };
}

export function num(width: number, ...values: number[]): Tree[] {
  return values.map((value) => uint(value, width));
}

export function encode(tree: Tree): Bytes {
  if (tree instanceof Uint8Array) return tree;
  if (Array.isArray(tree)) return concat(...tree.map(encode));
  const content = concat(...tree.items.map(encode));
  return concat(uint(content.length + tree.lie, tree.width), content);
}

export function copy(tree: Tree): Tree {
  if (tree instanceof Uint8Array) return tree.slice();
  if (Array.isArray(tree)) return tree.map(copy);
  return { ...tree, items: tree.items.map(copy) };
}

/** Changes `tree` in place at one random spot. */
export function mutate(tree: Tree, random: Random): void {
  const lists: Tree[][] = [];
  const vectors: Vector[] = [];
  collect(tree, lists, vectors);
  if (vectors.length > 0 && random.once(6)) {
    random.pick(vectors).lie += random.pick([-1, 1, 2, -2, 255, 256, 65535, 0xffffff]);
    return;
  }
  const list = random.pick(lists);
  if (list.length === 0) {
    list.push(random.bytes(random.length()));
    return;
  }
  const at = random.below(list.length);
  const item = list[at]!;
  switch (random.below(7)) {
    case 0:
      list.splice(at, 1);
      break;
    case 1:
      list.splice(at, 0, copy(item));
      break;
    case 2:
      list[at] = list[random.below(list.length)]!;
      break;
    case 3:
      list.splice(random.below(list.length + 1), 0, random.bytes(random.length()));
      break;
    case 4: {
      // A run of copies: counts, limits and quadratic work.
      const copies = random.pick([3, 17, 70, 300]);
      for (let i = 0; i < copies; i++) list.splice(at, 0, copy(item));
      break;
    }
    default:
      list[at] = item instanceof Uint8Array ? mutateBytes(item, random) : random.bytes(random.length());
  }
}

function collect(tree: Tree, lists: Tree[][], vectors: Vector[]): void {
  if (tree instanceof Uint8Array) return;
  const items = Array.isArray(tree) ? tree : tree.items;
  if (!Array.isArray(tree)) vectors.push(tree);
  lists.push(items);
  for (const item of items) collect(item, lists, vectors);
}

/** A copy of `bytes` with a flipped bit, an edge value, a cut, or something added. */
export function mutateBytes(bytes: Bytes, random: Random): Bytes {
  if (bytes.length === 0) return random.bytes(1 + random.below(4));
  const at = random.below(bytes.length);
  const changed = bytes.slice();
  switch (random.below(6)) {
    case 0:
      changed[at]! ^= 1 << random.below(8);
      return changed;
    case 1:
      changed[at] = random.pick([0, 1, 0x7f, 0x80, 0xfe, 0xff]);
      return changed;
    case 2:
      return bytes.slice(0, at);
    case 3:
      return concat(bytes, random.bytes(1 + random.below(8)));
    case 4:
      return concat(bytes.subarray(0, at), random.bytes(1 + random.below(3)), bytes.subarray(at));
    default:
      return concat(bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + random.below(4))));
  }
}
