/** Well-formed messages of every kind as trees: what the fuzzer starts from. */
import { ascii } from '../support/raw_wire.ts';
import type { Random } from './random.ts';
import { num, type Tree, vec } from './tree.ts';

const SUITES = [0x1301, 0x1302, 0x1303, 0x0a0a, 0x00ff, 0x5600];
const GROUPS = [0x001d, 0x0017, 0x0018, 0x11ec, 0x11eb, 0x2a2a, 0x0100];
const SCHEMES = [0x0403, 0x0503, 0x0804, 0x0805, 0x0806, 0x0807, 0x0809, 0x0401, 0x0201, 0x3a3a];

function some<T>(random: Random, items: readonly T[]): T[] {
  return items.filter(() => !random.once(3));
}

function tree(type: number, ...body: Tree[]): Tree {
  return [...num(2, type), vec(2, ...body)];
}

function names(random: Random): Tree[] {
  return some(random, ['h2', 'http/1.1', 'x']).map((name) => vec(1, ascii(name)));
}

/** An entry of every extension of a ClientHello that TLS 1.3 knows, and of unknown ones. */
export function clientExtensions(random: Random): Tree[] {
  const groups = some(random, GROUPS);
  return [
    tree(
      0,
      vec(2, ...num(1, 0), vec(2, ascii(random.pick(['a.test', 'B.Test', 'xn--a', '', '127.0.0.1', 'a..b', '.'])))),
    ),
    tree(1, ...num(1, 4)),
    tree(5, ...num(1, 1), vec(2), vec(2)),
    tree(10, vec(2, ...num(2, ...groups))),
    tree(13, vec(2, ...num(2, ...some(random, SCHEMES)))),
    tree(16, vec(2, ...names(random))),
    tree(18),
    tree(21, random.bytes(random.length())),
    tree(27, vec(1, ...num(2, 1, 2, 3))),
    tree(28, ...num(2, random.pick([63, 64, 16385, 65535, 0, 1000]))),
    tree(43, vec(1, ...num(2, 0x7a7a, 0x0304, 0x0303))),
    tree(44, vec(2, random.bytes(1 + random.below(40)))),
    tree(45, vec(1, ...num(1, ...some(random, [0, 1, 11])))),
    tree(47, vec(2, vec(2, random.bytes(4)))),
    tree(49),
    tree(50, vec(2, ...num(2, ...some(random, SCHEMES)))),
    tree(
      51,
      vec(2, ...groups.map((group): Tree => [...num(2, group), vec(2, random.bytes(random.pick([32, 65, 97, 1216])))])),
    ),
    tree(random.pick([0x0a0a, 0x7a7a, 0xffff, 17513, 0xfe0d]), random.bytes(random.length())),
    tree(42),
    preSharedKey(random),
  ];
}

function preSharedKey(random: Random): Tree {
  const count = 1 + random.below(3);
  return tree(
    41,
    vec(2, ...Array.from({ length: count }, (): Tree => [vec(2, random.bytes(1 + random.below(64))), random.bytes(4)])),
    vec(2, ...Array.from({ length: count }, (): Tree => vec(1, random.bytes(random.pick([32, 48]))))),
  );
}

export function clientHello(random: Random): Tree {
  const extensions = clientExtensions(random).filter(() => !random.once(5));
  return [
    ...num(2, 0x0303),
    random.bytes(32),
    vec(1, random.bytes(random.pick([0, 32]))),
    vec(2, ...num(2, ...some(random, SUITES))),
    vec(1, ...num(1, 0)),
    vec(2, ...extensions),
  ];
}

const RETRY_RANDOM = Uint8Array.from(
  Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex'),
);

export function serverHello(random: Random): Tree {
  const retry = random.once(3);
  const share: Tree = retry ? num(2, 0x001d) : [...num(2, 0x001d), vec(2, random.bytes(32))];
  return [
    ...num(2, 0x0303),
    retry ? RETRY_RANDOM : random.bytes(32),
    vec(1, random.bytes(random.pick([0, 32]))),
    ...num(2, random.pick(SUITES)),
    ...num(1, 0),
    vec(
      2,
      ...some(random, [
        tree(43, ...num(2, 0x0304)),
        tree(51, share),
        tree(41, ...num(2, random.below(3))),
        tree(44, vec(2, random.bytes(8))),
      ]),
    ),
  ];
}

export function encryptedExtensions(random: Random): Tree {
  const groups = num(2, ...GROUPS);
  const all = [
    tree(0),
    tree(10, vec(2, ...groups)),
    tree(16, vec(2, ...names(random))),
    tree(42),
    tree(28, ...num(2, 900)),
  ];
  return [vec(2, ...some(random, all))];
}

export function certificateRequest(random: Random): Tree {
  const all = [
    tree(13, vec(2, ...num(2, ...SCHEMES))),
    tree(50, vec(2, ...num(2, ...SCHEMES))),
    tree(47, vec(2, vec(2, random.bytes(9)), vec(2, random.bytes(3)))),
    tree(27, vec(1, ...num(2, 1, 2))),
    tree(48, vec(2, vec(1, random.bytes(3)), vec(2, random.bytes(4)))),
    tree(5),
    tree(18),
  ];
  return [vec(1, random.bytes(random.pick([0, 0, 4]))), vec(2, ...some(random, all))];
}

export function certificate(random: Random): Tree {
  const entry = (): Tree => [
    vec(3, random.bytes(1 + random.below(300))),
    vec(
      2,
      ...some(random, [tree(5, ...num(1, 1), vec(3, random.bytes(8))), tree(18, vec(2, vec(2, random.bytes(5))))]),
    ),
  ];
  return [vec(1), vec(3, ...Array.from({ length: random.below(4) }, entry))];
}

export function compressedCertificate(random: Random): Tree {
  return [
    ...num(2, random.pick([1, 2, 3, 4])),
    ...num(3, random.pick([0, 1, 1000, 0xffffff])),
    vec(3, random.bytes(random.length())),
  ];
}

export function certificateVerify(random: Random): Tree {
  return [...num(2, random.pick(SCHEMES)), vec(2, random.bytes(random.pick([0, 64, 71, 256])))];
}

export function newSessionTicket(random: Random): Tree {
  return [
    ...num(4, random.pick([0, 7200, 604800, 604801, 0xffffffff])),
    random.bytes(4),
    vec(1, random.bytes(random.below(9))),
    vec(2, random.bytes(1 + random.below(200))),
    vec(2, ...some(random, [tree(42, ...num(4, 16384)), tree(0x0a0a, random.bytes(3))])),
  ];
}

/** Handshake type → a well-formed body. */
export const BODIES: ReadonlyMap<number, (random: Random) => Tree> = new Map<number, (random: Random) => Tree>([
  [1, clientHello],
  [2, serverHello],
  [4, newSessionTicket],
  [5, () => []],
  [8, encryptedExtensions],
  [11, certificate],
  [13, certificateRequest],
  [15, certificateVerify],
  [20, (random) => [random.bytes(random.pick([32, 48]))]],
  [24, (random) => num(1, random.below(3))],
  [25, compressedCertificate],
  [254, (random) => [random.bytes(32)]],
]);
