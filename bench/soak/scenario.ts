/** What clients do to the terminator. Each scenario resolves with what is wrong, or undefined. */
import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { encodeHeader, Manner, type Plan } from './backend.ts';
import { type Client, connect, connectOwn, type Site } from './client.ts';
import { pause, Receiver, sendStream } from './flow.ts';
import type { Random } from './random.ts';

export type Scenario = (site: Site, id: number, random: Random) => Promise<string | undefined>;

function planned(id: number, manner: Manner, random: Random, most: number): Plan {
  return { id, manner, up: random.size(most), down: random.size(most), seed: random.below(2 ** 32) };
}

/** What the terminator sends on connection `id`. */
function receive(site: Site, id: number, tls: Duplex, random: Random, stalls: number): Receiver {
  return new Receiver(tls, 2 * id + 1, random, stalls, () => site.moved(id));
}

type Connect = (site: Site, random: Random) => Promise<Duplex>;

const byNode: Connect = async (site, random) => (await connect(site, random)).tls;

/** Both streams, whole, and a clean end both ways. */
function whole(manner: Manner, most: number, stalls: number, connecting: Connect = byNode): Scenario {
  return async (site, id, random) => {
    const plan = planned(id, manner, random, most);
    const tls = await connecting(site, random);
    const receiver = receive(site, id, tls, random, stalls);
    tls.write(encodeHeader(plan));
    if (manner === Manner.endsFirst) await receiver.over;
    await sendStream(tls, 2 * id, plan.up, random);
    if (manner === Manner.duplex && random.chance(0.5)) await pause(random.below(200));
    tls.end();
    await receiver.over;
    const seen = site.backend.seen.get(id);
    await seen?.over;
    const down = receiver.fault(plan.down);
    const up = seen === undefined ? 'the backend saw nothing of it' : seen.fault(plan.up);
    tls.destroy();
    if (down !== undefined) return `download: ${down}${receiver.error === undefined ? '' : ` (${receiver.error})`}`;
    return up === undefined ? undefined : `upload: ${up}`;
  };
}

/** The client is gone in the middle; the backend must hear of it. */
function abandoned(leave: (client: Client) => void): Scenario {
  return async (site, id, random) => {
    const plan = planned(id, Manner.duplex, random, 4_000_000);
    const client = await connect(site, random);
    const receiver = receive(site, id, client.tls, random, 0.05);
    client.tls.write(encodeHeader(plan));
    const sending = sendStream(client.tls, 2 * id, plan.up, random);
    await pause(random.below(60));
    leave(client);
    await Promise.all([receiver.closed, sending]);
    if (receiver.altered !== undefined) return `download: altered in the read that begins at byte ${receiver.altered}`;
    const seen = site.backend.seen.get(id);
    await seen?.closed;
    return seen?.altered === undefined ? undefined : `upload: altered in the read that begins at byte ${seen.altered}`;
  };
}

/** The backend is gone in the middle; the client must hear of it. */
function bereft(manner: Manner): Scenario {
  return async (site, id, random) => {
    const plan = planned(id, manner, random, 2_000_000);
    const { tls } = await connect(site, random);
    const receiver = receive(site, id, tls, random, 0);
    tls.write(encodeHeader(plan));
    await sendStream(tls, 2 * id, plan.up, random);
    await receiver.over;
    tls.destroy();
    return receiver.altered === undefined ? undefined : `altered in the read that begins at byte ${receiver.altered}`;
  };
}

/** Bytes that are no TLS: the server closes. */
const garbage: Scenario = (site, _id, random) =>
  new Promise((resolve) => {
    const socket = connectTcp({ host: '127.0.0.1', port: site.port });
    const bytes = random.pick<() => Uint8Array>([
      () => random.bytes(1 + random.below(4000)),
      () => Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      () => Uint8Array.of(22, 3, 1, 0, 64, 1, 0, 0, 60, ...random.bytes(60)),
      () => Uint8Array.of(23, 3, 3, 0, 40, ...random.bytes(40)),
    ])();
    // Noise may look like the start of a long record: then it is the client who gives up.
    const timer = setTimeout(() => socket.destroy(), 2000);
    socket.on('error', () => {}).on('data', () => {}).once('close', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    socket.write(bytes);
  });

/** A client that says half of a ClientHello, waits and goes. */
const hesitant: Scenario = async (site, _id, random) => {
  const socket = connectTcp({ host: '127.0.0.1', port: site.port }).on('error', () => {});
  socket.write(Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, ...random.bytes(random.below(200))));
  await pause(random.below(1000));
  if (random.chance(0.5)) socket.destroy();
  else socket.resetAndDestroy();
  return undefined;
};

/** Noise on an established connection: nothing of it may reach the backend. */
const tampering: Scenario = async (site, id, random) => {
  const plan = { ...planned(id, Manner.duplex, random, 200_000), up: 1_000_000 };
  const { raw, tls } = await connect(site, random);
  const receiver = receive(site, id, tls, random, 0);
  tls.write(encodeHeader(plan));
  await sendStream(tls, 2 * id, 1 + random.below(1000), random);
  await pause(20);
  raw.write(Uint8Array.of(23, 3, 3, 0, 64, ...random.bytes(64)));
  await receiver.over;
  tls.destroy();
  const seen = site.backend.seen.get(id);
  await seen?.closed;
  return seen?.altered === undefined ? undefined : 'noise reached the backend';
};

/** Sits there for a while with nothing to say, then proves that it lives. */
const idle: Scenario = async (site, id, random) => {
  const plan: Plan = { id, manner: Manner.answer, up: 100, down: 100, seed: 1 };
  const { tls } = await connect(site, random);
  const receiver = receive(site, id, tls, random, 0);
  tls.write(encodeHeader(plan));
  await pause(random.below(5000));
  await sendStream(tls, 2 * id, plan.up, random);
  tls.end();
  await receiver.over;
  tls.destroy();
  return receiver.fault(plan.down);
};

/** By name, with how often it is chosen. */
export const scenarios: Readonly<Record<string, readonly [weight: number, run: Scenario]>> = {
  'both ways': [10, whole(Manner.duplex, 3_000_000, 0.01)],
  'many small': [20, whole(Manner.duplex, 2000, 0)],
  'slow reader': [3, whole(Manner.duplex, 8_000_000, 0.2)],
  'key updates': [4, whole(Manner.duplex, 3_000_000, 0.01, connectOwn)],
  'client ends first': [6, whole(Manner.answer, 500_000, 0.01)],
  'backend ends first': [6, whole(Manner.endsFirst, 500_000, 0.01)],
  'client killed': [4, abandoned(({ raw }) => raw.destroy())],
  'client resets': [4, abandoned(({ raw }) => raw.resetAndDestroy())],
  'backend dies': [4, bereft(Manner.dies)],
  'backend resets': [4, bereft(Manner.resets)],
  'idle': [4, idle],
  'garbage': [6, garbage],
  'half a ClientHello': [4, hesitant],
  'tampering': [4, tampering],
};
