import { describe, expect, test } from 'vitest';
import { decodeNewSessionTicket } from '../../src/message/new_session_ticket.ts';
import type { ClientConfig, ServerConfig } from '../../src/handshake/config.ts';
import { MemoryAntiReplay, MemorySessionStore } from '../../src/session/memory_store.ts';
import type { SessionTickets } from '../../src/session/session.ts';
import { TicketKeyRing } from '../../src/session/ticket_key_ring.ts';
import { meddling } from '../support/meddle.ts';
import { type Handlers, identity, NOW, Pair, provider, seededRandom, serverIdentity } from '../support/pair.ts';

const ring = () => new TicketKeyRing(provider, seededRandom('ring'));

interface Visit {
  server?: Partial<ServerConfig>;
  client?: Partial<ClientConfig>;
  handlers?: Handlers;
}

/** A first connection that gets a ticket, and a second that comes back with it. */
function comeBack(store: SessionTickets, first: Visit, second: Visit = first) {
  const one = new Pair({ ...first, server: { tickets: { store }, ...first.server } }).run();
  const ticket = one.clientEvents.find((event) => event.type === 'ticket');
  if (ticket?.type !== 'ticket') throw new Error(`no ticket: ${one.client.error ?? one.server.error}`);
  const two = new Pair({
    ...second,
    seed: 'second',
    server: { tickets: { store }, ...second.server },
    client: { ...second.client, resume: ticket },
  }).run();
  const [info] = two.serverEvents.flatMap((event) => event.type === 'handshake' ? [event.info] : []);
  return { one, two, resumed: info?.resumed, info };
}

describe('a session is resumed', () => {
  test.each([['sealed tickets', ring], ['stored sessions', () => new MemorySessionStore(seededRandom('store'))]])(
    'with %s',
    (_name, store) => {
      const { one, two, resumed } = comeBack(store(), {});
      expect(one.clientEvents.filter((event) => event.type === 'ticket')).toHaveLength(2);
      expect(resumed).toBe(true);
      two.client.send(Uint8Array.of(42));
      two.run();
      expect([...two.received('server')]).toEqual([42]);
    },
  );

  test('after a HelloRetryRequest', () => {
    const visit = { server: { groups: [0x0018] }, client: { groups: [0x001d, 0x0018] } };
    const { resumed, info } = comeBack(ring(), visit);
    expect([resumed, info?.helloRetryRequest]).toEqual([true, true]);
  });

  test('with the client identity of the first connection', () => {
    const client = identity('ed25519');
    const visit: Visit = {
      server: { clientAuthentication: { mode: 'require' } },
      client: { credentials: client.credentials },
    };
    const { resumed, info } = comeBack(ring(), visit);
    expect(resumed).toBe(true);
    expect(info?.peerCertificates.map((certificate) => Buffer.from(certificate))).toEqual(
      client.credentials.chain.map((certificate) => Buffer.from(certificate)),
    );
  });
});

test('tickets can wait for the first application data', () => {
  const pair = new Pair({ server: { tickets: { store: ring(), withFirstData: true } } }).run();
  const tickets = () => pair.clientEvents.filter((event) => event.type === 'ticket').length;
  expect(tickets()).toBe(0);
  pair.server.send(Uint8Array.of(1));
  expect(pair.server.takeOutput().map((chunk) => pair.client.receive(chunk))).toHaveLength(1);
  pair.run();
  expect([tickets(), pair.received('client').length]).toEqual([2, 1]);
});

test('a client takes as many tickets as it is told to, and discards the rest', () => {
  const store = ring();
  const pair = new Pair({ server: { tickets: { store, count: 16 } }, client: { limits: { tickets: 3 } } }).run();
  expect(pair.clientEvents.filter((event) => event.type === 'ticket')).toHaveLength(3);
  expect([pair.client.error, pair.received('client').length]).toEqual([undefined, 0]);
});

test('tickets have an extension that means nothing, if asked', () => {
  const types = new Set<number>();
  for (let i = 0; i < 64; i++) {
    const encoded = encodeGreased(i);
    expect(decodeNewSessionTicket(encoded.subarray(4), 64).ticket).toHaveLength(3);
    const type = encoded[encoded.length - 4]! << 8 | encoded[encoded.length - 3]!;
    expect([type & 0x0f0f, type >> 12]).toEqual([0x0a0a, type >> 4 & 15]);
    types.add(type);
  }
  expect(types.size).toBeGreaterThan(4);
  const { resumed } = comeBack(ring(), { server: { grease: true } });
  expect(resumed).toBe(true);

  /** The first ticket of a server. */
  function encodeGreased(seed: number): Uint8Array {
    const store = { seal: () => new Uint8Array(3), open: () => undefined };
    const seen: Uint8Array[] = [];
    const crypto = meddling(provider, (record) => {
      if (record.contentType === 22) seen.push(record.content.slice());
      return record;
    });
    new Pair({
      seed: `grease ${seed}`,
      crypto,
      clientCrypto: provider,
      server: { tickets: { store, count: 1 }, grease: true },
    }).run();
    return seen.at(-1) as Uint8Array;
  }
});

test('or for the word that there will be none for now', () => {
  const pair = new Pair({ server: { tickets: { store: ring(), withFirstData: true } } }).run();
  pair.server.sendWaiting();
  pair.run();
  const tickets = () => pair.clientEvents.filter((event) => event.type === 'ticket').length;
  expect(tickets()).toBe(2);
  pair.server.sendWaiting();
  pair.run();
  expect(tickets()).toBe(2);
});

describe('a session is not resumed', () => {
  test('under another server name', () => {
    const { resumed, two } = comeBack(ring(), {}, { client: { serverName: 'other.test' } });
    expect([resumed, two.server.error]).toEqual([false, undefined]);
  });

  test('in another context', () => {
    const at = (sessionContext: string) => ({
      handlers: { selectCredentials: () => ({ ...serverIdentity.credentials, sessionContext }) },
    });
    expect(comeBack(ring(), at('a'), at('b')).resumed).toBe(false);
  });

  test('with another application protocol', () => {
    const speak = (name: string) => ({
      server: { applicationProtocols: ['h2', 'http/1.1'] },
      client: { applicationProtocols: [name] },
    });
    expect(comeBack(ring(), speak('h2'), speak('http/1.1')).resumed).toBe(false);
  });

  test('without a client certificate where one is required', () => {
    const { two } = comeBack(ring(), {}, { server: { clientAuthentication: { mode: 'require' } } });
    expect(two.server.error?.reason).toBe('certificate_required');
  });

  test('after its lifetime', () => {
    const late = { now: () => NOW + 86400_000 + 1 };
    expect(comeBack(ring(), {}, { server: late, client: late }).resumed).toBe(false);
  });

  test('for more than seven days, however often it is renewed', () => {
    const store = new TicketKeyRing(provider, seededRandom('ring'), { rotationPeriod: 30 * 86400 });
    const hour = 3600_000;
    let resume: ClientConfig['resume'];
    const full: number[] = [];
    for (let now = NOW; now < NOW + 9 * 24 * hour; now += 20 * hour) {
      const clock = { now: () => now };
      const pair = new Pair({
        seed: String(now),
        server: { tickets: { store }, ...clock },
        client: { ...clock, ...(resume && { resume }) },
      }).run();
      const resumed = pair.serverEvents.some((event) => event.type === 'handshake' && event.info.resumed);
      if (!resumed) full.push((now - NOW) / hour);
      resume = pair.clientEvents.flatMap((event) => event.type === 'ticket' ? [event] : [])[0];
    }
    // 9846-4.7.1-19: every 20 hours, the first visit after seven days is a full handshake again.
    expect(full).toEqual([0, 180]);
  });

  test('with a ticket of another ring, or an altered one', () => {
    const store = ring();
    const [one] = [new Pair({ server: { tickets: { store } } }).run()];
    const ticket = one.clientEvents.find((event) => event.type === 'ticket');
    if (ticket?.type !== 'ticket') throw new Error('no ticket');
    expect(store.open(ticket.ticket, NOW)).toBeDefined();
    expect(new TicketKeyRing(provider, seededRandom('another')).open(ticket.ticket, NOW)).toBeUndefined();
    for (let i = 0; i < ticket.ticket.length; i++) {
      const altered = ticket.ticket.slice();
      altered[i] = (altered[i] as number) ^ 0x10;
      expect(store.open(altered, NOW)).toBeUndefined();
    }
    for (let length = 0; length < ticket.ticket.length; length++) {
      expect(store.open(ticket.ticket.subarray(0, length), NOW)).toBeUndefined();
    }
  });
});

describe('the ring of ticket keys', () => {
  const hour = 3600_000;

  test('seals with the newest key, opens with older ones, and forgets them in time', () => {
    const keys = ring();
    const { one } = comeBack(keys, {});
    const ticket = one.clientEvents.find((event) => event.type === 'ticket');
    if (ticket?.type !== 'ticket') throw new Error('no ticket');
    expect(keys.export(NOW)).toHaveLength(1);
    expect(keys.export(NOW + 9 * hour)).toHaveLength(2);
    expect(keys.open(ticket.ticket, NOW + 20 * hour)).toBeDefined();
    expect(keys.open(ticket.ticket, NOW + 33 * hour)).toBeUndefined();
  });

  test('shares keys between instances', () => {
    const [a, b] = [ring(), new TicketKeyRing(provider, seededRandom('b'))];
    const exported = a.export(NOW);
    b.replace(exported);
    expect(comeBack(a, {}).resumed).toBe(true);
    const { one } = comeBack(a, {});
    const ticket = one.clientEvents.find((event) => event.type === 'ticket');
    expect(ticket?.type === 'ticket' && b.open(ticket.ticket, NOW)).toBeTruthy();
  });

  test('refuses keys that are unset', () => {
    const key = { name: new Uint8Array(16), secret: new Uint8Array(32), notBefore: NOW };
    expect(() => ring().replace([key])).toThrow('zeros');
    expect(() => ring().replace([])).toThrow('at least one');
  });
});

describe('the strike register', () => {
  test('accepts a binder once, and nothing in its first window', () => {
    const register = new MemoryAntiReplay(NOW);
    const binder = Uint8Array.of(1, 2, 3);
    expect(register.accept(binder, NOW + 1000)).toBe(false);
    expect(register.accept(binder, NOW + 31_000)).toBe(true);
    expect(register.accept(binder, NOW + 32_000)).toBe(false);
  });

  test('refuses when it is full', () => {
    const register = new MemoryAntiReplay(NOW - 60_000, 30, 2);
    expect([1, 2, 3].map((i) => register.accept(Uint8Array.of(i), NOW))).toEqual([true, true, false]);
    expect(register.accept(Uint8Array.of(3), NOW + 31_000)).toBe(true);
  });
});
