import { TlsError } from '../../src/error.ts';
import { type Codec, CODECS } from './codecs.ts';
import { Random } from './random.ts';
import { encode, mutate, mutateBytes } from './tree.ts';

export interface CodecCounts {
  decoded: number;
  refused: number;
}

/** Decodes one random message with each codec. Throws what a decoder should not have thrown. */
export function fuzzCodecs(seed: number, counts: CodecCounts): void {
  const random = new Random(seed);
  for (const codec of CODECS) fuzzCodec(codec, random, counts);
}

function fuzzCodec(codec: Codec, random: Random, counts: CodecCounts): void {
  const tree = codec.grammar(random);
  for (let times = random.below(4); times > 0; times--) if (Array.isArray(tree)) mutate(tree, random);
  let bytes = encode(tree);
  if (random.once(4)) bytes = mutateBytes(bytes, random);
  const before = Buffer.from(bytes);
  const started = process.cpuUsage();
  try {
    codec.decode(bytes);
    counts.decoded++;
  } catch (error) {
    if (!(error instanceof TlsError)) {
      throw new Error(`${codec.name} threw ${error} on ${before.toString('hex')}`, { cause: error });
    }
    counts.refused++;
  }
  if (!before.equals(bytes)) throw new Error(`${codec.name} changed its input ${before.toString('hex')}`);
  // Of the processor, not of the clock: a busy machine is no finding.
  const took = process.cpuUsage(started).user / 1000;
  if (took > 500) throw new Error(`${codec.name} took ${took} ms on ${bytes.length} bytes`);
}
