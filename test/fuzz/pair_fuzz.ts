/**
 * Both roles against each other, with a hand on what each is about to protect: handshake messages are altered, dropped,
 * repeated or invented below the record protection, so that the other side reads them as if they were meant.
 */
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { ContentType } from '../../src/registry/content_type.ts';
import { meddling } from '../support/meddle.ts';
import { Pair, provider } from '../support/pair.ts';
import { type Bytes, concat, message, read } from '../support/raw_wire.ts';
import { BODIES } from './grammar.ts';
import { Random } from './random.ts';
import { encode, mutate, mutateBytes } from './tree.ts';

export interface PairCounts {
  episodes: number;
  handshakes: number;
  failures: Map<string, number>;
}

/** A provider whose keys seal something else now and then. What is too long for its place is cut. */
function altering(random: Random, mildness: number): CryptoProvider {
  return meddling(provider, ({ contentType, content }) => ({
    contentType: random.once(20 * mildness) ? random.pick([0, 20, 21, 22, 23, 24]) : contentType,
    content: random.once(mildness) ? alter(contentType, content, random).subarray(0, content.length) : content,
  }));
}

function alter(contentType: number, content: Bytes, random: Random): Bytes {
  if (contentType !== ContentType.handshake) return mutateBytes(content, random);
  const messages = split(content);
  const at = random.below(messages.length);
  const chosen = messages[at]!;
  switch (random.below(5)) {
    case 0:
      messages.splice(at, 1);
      break;
    case 1:
      messages.splice(at, 0, chosen);
      break;
    case 2: {
      const tree = BODIES.get(chosen[0]!)?.(random) ?? [];
      for (let times = random.below(3); times > 0; times--) if (Array.isArray(tree)) mutate(tree, random);
      messages[at] = message(chosen[0]!, encode(tree));
      break;
    }
    case 3:
      messages[at] = message(chosen[0]!, mutateBytes(chosen.subarray(4), random));
      break;
    default:
      messages.splice(at, 0, message(random.pick([...BODIES.keys()]), random.bytes(random.length())));
  }
  const joined = concat(...messages);
  return joined.length === 0 ? content : joined;
}

function split(content: Bytes): Bytes[] {
  const messages: Bytes[] = [];
  for (let at = 0; at + 4 <= content.length;) {
    const end = at + 4 + read(content, at + 1, 3);
    messages.push(content.subarray(at, end));
    at = end;
  }
  return messages.length === 0 ? [content] : messages;
}

/** One pair of connections. Throws when a rule is broken. */
export function fuzzPair(seed: number, counts: PairCounts): void {
  const random = new Random(seed);
  const mildness = random.pick([1, 3, 10]);
  const meddledSide = random.pick(['client', 'server'] as const);
  const crypto = altering(random, mildness);
  const pair = new Pair({
    seed: String(seed),
    server: {
      ...random.once(2) ? { clientAuthentication: { mode: random.pick(['request', 'require'] as const) } } : {},
      applicationProtocols: ['h2'],
    },
    client: { applicationProtocols: ['h2'] },
    handlers: { verifyPeer: () => true },
    ...meddledSide === 'server' ? { crypto, clientCrypto: provider } : { clientCrypto: crypto },
    wire: (_from, bytes) => {
      if (random.once(10 * mildness)) return [mutateBytes(bytes, random)];
      if (random.once(20 * mildness)) return random.once(2) ? [] : [bytes, bytes];
      return [bytes];
    },
  });
  pair.run();
  for (const side of [pair.client, pair.server]) {
    if (side.established && !side.writeClosed) side.send(random.bytes(1 + random.below(100)));
  }
  pair.run();
  for (const side of [pair.client, pair.server]) {
    side.close();
    side.receiveEnd();
  }
  counts.episodes++;
  const sides = [['client', pair.clientEvents], ['server', pair.serverEvents]] as const;
  for (const [role, events] of sides) {
    const failures = events.flatMap((event) => event.type === 'failed' ? [event.error] : []);
    if (failures.length > 1) throw new Error(`${role}: more than one failure`);
    const reason = failures[0]?.reason ?? 'none';
    if (reason === 'internal_error') throw new Error(`${role}: ${failures[0]}`);
    const name = `${role} ${reason}`;
    counts.failures.set(name, (counts.failures.get(name) ?? 0) + 1);
    if (role === 'server' && events.some(({ type }) => type === 'handshake')) counts.handshakes++;
  }
}
