/** What is to be reached, all as ratios of time (lower is better), and whether it is: by the median. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { table } from '../report.ts';
import { between, coldStart, figure, type Results, type Spread } from './results.ts';

interface Goal {
  readonly what: string;
  /** Undefined where it was not measured. */
  readonly value: (results: Results) => Spread | undefined;
  readonly most: number;
}

const slicesOf = ({ runtimes }: Results, runtime: string, row: string) =>
  runtimes.find(({ name }) => name === runtime)?.slices.get(row);

/** One goal for each runtime that has a bound. */
const to =
  (side: 'toNode' | 'toOpenssl', name: string) => (row: string, bounds: Readonly<Record<string, number>>): Goal[] =>
    Object.entries(bounds).map(([runtime, most]) => ({
      what: `${runtime}: ${row}, to ${name}`,
      value(results) {
        const slices = slicesOf(results, runtime, row);
        return slices && figure(slices)[side];
      },
      most,
    }));

const toNode = to('toNode', 'its node:crypto');
const toOpenssl = to('toOpenssl', 'OpenSSL');

const toNode24 = (row: string): Goal => ({
  what: `Node 20: ${row}, to Node 24`,
  value(results) {
    const [ours, theirs] = ['Node 20', 'Node 24'].map((runtime) => slicesOf(results, runtime, row));
    return ours && theirs && between(ours, theirs);
  },
  most: 1.4,
});

const cold = (runtime: string): Goal => ({
  what: `${runtime}: cold start, ms`,
  value({ runtimes }) {
    const found = runtimes.find(({ name }) => name === runtime);
    return found && coldStart(found);
  },
  most: 60,
});

const exactly = (value: number): Spread => ({ least: value, lower: value, median: value, upper: value });

const sizes = (name: string): Goal[] => {
  const bytes = readFileSync(`wasm/${name}`);
  return [
    { what: `${name}, KiB`, value: () => exactly(bytes.length / 1024), most: 400 },
    { what: `${name} by gzip, KiB`, value: () => exactly(gzipSync(bytes, { level: 9 }).length / 1024), most: 150 },
  ];
};

const everywhere = (most: number) => ({ 'Node 24': most, 'Node 20': most, Deno: most });
const modern = (most: number) => ({ 'Node 24': most, Deno: most });
const ways = ['seal', 'open'] as const;

const SECRET = 'X25519 shared secret';
const SHARE = 'X25519 server share (keygen + secret)';
const ECDH = 'P-256 ECDH';
const SIGN = 'ECDSA P-256 sign';
const KEM = 'ML-KEM-768 encapsulation from a raw key';
const HKDF = 'HKDF-Expand-Label, SHA-256';

/** A throughput of so many times another's is a time of one part in so many. */
const goals = (): Goal[] => [
  ...toOpenssl(SECRET, modern(0.85)),
  ...toNode(SECRET, everywhere(0.75)),
  ...toOpenssl(SHARE, modern(0.55)),
  ...toNode(SHARE, everywhere(0.3)),
  ...toOpenssl(SIGN, modern(0.85)),
  ...toNode(SIGN, { 'Node 24': 0.7, 'Node 20': 0.7, Deno: 0.03 }),
  ...toOpenssl(ECDH, modern(1.1)),
  ...toNode(ECDH, everywhere(0.9)),
  ...toNode(KEM, everywhere(0.25)),
  ...ways.flatMap((way) => [
    ...toOpenssl(`ChaCha20-Poly1305 16 KiB, ${way}`, modern(1 / 0.34)),
    ...toNode(`ChaCha20-Poly1305 16 KiB, ${way}`, {
      'Node 24': 1 / 2,
      'Node 20': 1 / 0.75,
      'Node 20 strict': 1 / 0.75,
      Deno: 1 / 1.1,
    }),
    ...toNode(`ChaCha20-Poly1305 1 KiB, ${way}`, everywhere(1 / 4)),
    ...toOpenssl(`AES-128-GCM 16 KiB, ${way}`, { ...modern(1 / 0.12), 'Node 24 strict': 1 / 0.1 }),
    ...toNode(`AES-128-GCM 16 KiB, ${way}`, { 'Node 24': 1 / 0.75, Deno: 1 / 2.2 }),
  ]),
  ...toNode(HKDF, { 'Node 24': 0.1, 'Node 20': 0.5 }),
  ...[SECRET, SHARE, SIGN, ECDH, KEM, 'ChaCha20-Poly1305 16 KiB, seal', 'AES-128-GCM 16 KiB, seal', HKDF].map(toNode24),
  ...['Node 24', 'Node 20', 'Deno'].map(cold),
  ...['sallyport.wasm', 'sallyport.relaxed.wasm'].flatMap(sizes),
];

/** Of the goals whose figures were measured. */
export function verdicts(results: Results) {
  return goals().flatMap(({ what, value, most }) => {
    const reached = value(results);
    return reached === undefined ? [] : [{ what, ...reached, most, met: reached.median <= most }];
  });
}

export function goalTable(results: Results): string {
  const two = (value: number) => value.toFixed(value < 10 ? 2 : 1);
  const lines = verdicts(results).map(({ what, least, lower, median, upper, most, met }) => [
    what,
    two(median),
    lower === upper ? '' : `${two(lower)}–${two(upper)}`,
    two(least),
    `≤ ${two(most)}`,
    met ? 'met' : 'NO',
  ]);
  return table([['goal', 'median', 'quartiles', 'least', 'bound', ''], ...lines]);
}
