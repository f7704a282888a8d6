/** What is to be reached, and whether it is. */
import { native } from './peers.ts';
import { figureOf, format, median, type Result, table, valuesOf } from './report.ts';

interface Goal {
  readonly what: string;
  readonly ours: (results: readonly Result[]) => number;
  /** What it is measured against; undefined: nothing, the bound is absolute. */
  readonly theirs?: (results: readonly Result[]) => number;
  /** Default: of the figures. */
  readonly ratio?: (results: readonly Result[]) => number;
  /** Of our figure, or of its ratio to theirs. */
  readonly most?: number;
  readonly least?: number;
}

const node = 'sallyport-node24';
const deno = 'sallyport-deno';

/** At most so much of the best of these peers: the median of the ratios within a slice, which a machine's drift does not move. */
function against(
  title: string,
  figure: string,
  ours: string,
  name: string,
  peers: readonly string[],
  most: number,
): Goal {
  const best = (results: readonly Result[]): string | undefined =>
    peers.filter((peer) => !Number.isNaN(figureOf(results, figure, peer)))
      .sort((a, b) => figureOf(results, figure, a) - figureOf(results, figure, b))[0];
  return {
    what: `${title}, to ${name}`,
    ours: (results) => figureOf(results, figure, ours),
    theirs: (results) => figureOf(results, figure, best(results) ?? ''),
    ratio: (results) => {
      const theirs = valuesOf(results, figure, best(results) ?? '');
      return median(
        valuesOf(results, figure, ours).slice(0, theirs.length).map((value, i) => value / (theirs[i] ?? NaN)),
      );
    },
    most,
  };
}

const toOrdinary = (title: string, figure: string, most: number): Goal =>
  against(`Node 24: ${title}`, figure, node, 'node:tls', ['node-tls-24'], most);
const toNative = (title: string, figure: string, most: number): Goal =>
  against(`Node 24: ${title}`, figure, node, 'the best native', native, most);
const toDeno = (title: string, figure: string, most: number): Goal =>
  against(`Deno: ${title}`, figure, deno, 'Deno.listenTls', ['deno-tls'], most);

const twoWorkers = (title: string, peer: string): Goal => ({
  what: `${title}: two workers' handshakes to one's`,
  ours: (results) => figureOf(results, 'workers-2', peer),
  theirs: (results) => figureOf(results, 'workers-1', peer),
  least: 1.8,
});

const manyIdle = (title: string, peer: string): Goal => ({
  what: `${title}: idle connections held by one process`,
  ours: (results) => figureOf(results, 'many-idle', peer),
  least: 20_000,
});

const goals: readonly Goal[] = [
  toOrdinary('full handshake, P-256', 'full', 0.45),
  toNative('full handshake, P-256', 'full', 0.7),
  toOrdinary('full handshake, X25519MLKEM768', 'hybrid', 0.5),
  toOrdinary('full handshake, RSA-2048', 'rsa', 0.65),
  toNative('full handshake, RSA-2048', 'rsa', 0.9),
  toOrdinary('resumed handshake', 'resumed', 0.5),
  toNative('resumed handshake', 'resumed', 0.75),
  toOrdinary('ChaCha20-Poly1305 down', 'chacha-down', 0.85),
  toNative('ChaCha20-Poly1305 down', 'chacha-down', 0.95),
  toOrdinary('ChaCha20-Poly1305 up', 'chacha-up', 0.8),
  toNative('ChaCha20-Poly1305 up', 'chacha-up', 1.15),
  toOrdinary('AES-128-GCM down', 'aes-down', 2),
  toOrdinary('AES-128-GCM up', 'aes-up', 2),
  toOrdinary('64-byte round trip', 'round-trip', 0.9),
  toNative('64-byte round trip', 'round-trip', 1.3),
  toOrdinary('memory per idle connection', 'memory', 0.35),
  against('Node 24: memory per idle connection', 'memory', node, 'haproxy', ['haproxy'], 1),
  toOrdinary('handshake latency, p50', 'latency-p50', 1),
  toOrdinary('handshake latency, p99', 'latency-p99', 1),
  twoWorkers('Node 24', node),
  manyIdle('Node 24', node),
  toDeno('full handshake, P-256', 'full', 1),
  toDeno('full handshake, X25519MLKEM768', 'hybrid', 1),
  toDeno('full handshake, RSA-2048', 'rsa', 1),
  toDeno('resumed handshake', 'resumed', 1),
  toDeno('ChaCha20-Poly1305 down', 'chacha-down', 1),
  toDeno('ChaCha20-Poly1305 up', 'chacha-up', 1),
  toDeno('memory per idle connection', 'memory', 0.2),
  // A delayed acknowledgement takes 40 ms: what waits for one is far off, what does not is far below.
  { what: 'Deno: first reply, ms', ours: (results) => figureOf(results, 'first-reply', deno), most: 10 },
  twoWorkers('Deno', deno),
  manyIdle('Deno', deno),
];

/** A goal and how far it is. */
export interface Verdict {
  readonly what: string;
  readonly ours: number;
  readonly theirs: number | undefined;
  readonly ratio: number | undefined;
  readonly bound: string;
  readonly met: boolean;
}

/** Of the goals whose figures were measured. */
export function verdicts(results: readonly Result[]): Verdict[] {
  return goals.map((goal) => {
    const ours = goal.ours(results);
    const theirs = goal.theirs?.(results);
    const value = theirs === undefined ? ours : goal.ratio?.(results) ?? ours / theirs;
    return {
      what: goal.what,
      ours,
      theirs,
      ratio: theirs === undefined ? undefined : value,
      bound: goal.most === undefined ? `≥ ${goal.least}` : `≤ ${goal.most}`,
      met: goal.most === undefined ? value >= (goal.least ?? NaN) : value <= goal.most,
    };
  }).filter(({ ours, theirs }) => !Number.isNaN(ours) && !Number.isNaN(theirs ?? 0));
}

export function goalTable(results: readonly Result[]): string {
  const lines = verdicts(results).map(({ what, ours, theirs, ratio, bound, met }) => [
    what,
    format(ours),
    theirs === undefined ? '' : format(theirs),
    ratio === undefined ? '' : format(ratio),
    bound,
    met ? 'met' : 'NO',
  ]);
  return table([['goal', 'ours', 'theirs', 'ratio', 'bound', ''], ...lines]);
}
