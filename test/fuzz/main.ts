/** `npm run fuzz -- [--seconds N] [--seed S]`: fuzzes codecs and connections for a while. Stops at the first finding, with its seed. */
import { parseArgs } from 'node:util';
import { type CodecCounts, fuzzCodecs } from './codec_fuzz.ts';
import { type ConnectionCounts, fuzzConnection, Surroundings } from './connection_fuzz.ts';
import { fuzzPair, type PairCounts } from './pair_fuzz.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
});
const seconds = Number(values.seconds);
const first = Number(values.seed);
const codecs: CodecCounts = { decoded: 0, refused: 0 };
const connections: ConnectionCounts = { episodes: 0, handshakes: 0, failures: new Map() };
const pairs: PairCounts = { episodes: 0, handshakes: 0, failures: new Map() };
const collect = (globalThis as { gc?: () => void }).gc;
let baseline = 0;

const end = performance.now() + 1000 * seconds;
let seed = first;
for (; performance.now() < end; seed++) {
  try {
    for (let i = 0; i < 20; i++) fuzzCodecs(20 * seed + i, codecs);
    // Fresh surroundings each time: a finding repeats with its seed alone.
    const around = new Surroundings();
    for (let i = 0; i < 4; i++) await fuzzConnection(4 * seed + i, around, connections);
    fuzzPair(seed, pairs);
  } catch (error) {
    console.error(`\nfound with --seed ${seed} (--seconds 1 repeats it):`, error);
    process.exit(1);
  }
  if ((seed - first) % 200 === 199) checkGrowth();
}

function checkGrowth(): void {
  collect?.();
  const megabytes = process.memoryUsage().heapUsed / 2 ** 20;
  if (baseline === 0) baseline = megabytes;
  else if (collect !== undefined && megabytes > baseline + 30) {
    console.error(`the heap has grown from ${baseline.toFixed(0)} to ${megabytes.toFixed(0)} MiB`);
    process.exit(1);
  }
}

console.log(`seeds ${first} to ${seed - 1}, no finding`);
console.log(`codecs: ${codecs.decoded} messages decoded, ${codecs.refused} refused`);
for (const [name, counts] of [['server', connections], ['pair', pairs]] as const) {
  console.log(`${name}: ${counts.episodes} episodes, ${counts.handshakes} handshakes, ended by`);
  const list = [...counts.failures].sort((a, b) => b[1] - a[1]);
  console.log(`  ${list.map(([reason, count]) => `${reason} ${count}`).join(', ')}`);
}
