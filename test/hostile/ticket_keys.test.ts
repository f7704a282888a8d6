/** CVE-2020-13777: tickets under a key that was never set, or is never changed. The list with explanations is README.md. */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/error.ts';
import { MemoryAntiReplay, MemorySessionStore } from '../../src/session/memory_store.ts';
import type { Session } from '../../src/session/session.ts';
import { TicketKeyRing } from '../../src/session/ticket_key_ring.ts';
import { provider } from '../support/pair.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 6, 1);
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

const SESSION: Session = {
  kind: 'resumption',
  secret: new Uint8Array(32).fill(0x5a),
  cipherSuite: 0x1301,
  serverName: 'a.test',
  applicationProtocol: 'h2',
  context: 'x',
  createdAt: NOW,
  authenticatedAt: NOW,
  lifetime: 86400,
  ageAdd: 7,
  maxEarlyDataSize: 0,
  peerCertificates: [Uint8Array.of(1, 2, 3)],
};

describe('the ring of ticket keys', () => {
  test('has a random key from the start', () => {
    const [one, other] = [new TicketKeyRing(provider, random), new TicketKeyRing(provider, random)];
    const ticket = one.seal(SESSION, NOW)!;
    expect(one.open(ticket, NOW)).toMatchObject({ serverName: 'a.test', secret: SESSION.secret });
    expect(other.open(ticket, NOW)).toBeUndefined();
    const [key] = one.export(NOW);
    expect(key!.secret.some((byte) => byte !== 0)).toBe(true);
  });

  test('takes no key of zeros, none that is too short, and no empty set', () => {
    const ring = new TicketKeyRing(provider, random);
    const good = { name: random(16), secret: random(32), notBefore: NOW };
    for (const secret of [new Uint8Array(32), new Uint8Array(0), random(16)]) {
      expect(() => ring.replace([{ ...good, secret }])).toThrow(UsageError);
    }
    expect(() => ring.replace([])).toThrow(UsageError);
    ring.replace([good]);
    expect(ring.open(ring.seal(SESSION, NOW)!, NOW)).toBeDefined();
  });

  test('changes keys by time, and forgets old ones', () => {
    const ring = new TicketKeyRing(provider, random, { rotationPeriod: 3600, overlap: 7200 });
    const first = ring.seal(SESSION, NOW)!;
    const name = (ticket: Uint8Array) => Buffer.from(ticket.subarray(0, 16)).toString('hex');
    const second = ring.seal(SESSION, NOW + HOUR)!;
    expect(name(second)).not.toBe(name(first));
    expect(ring.open(first, NOW + 2 * HOUR)).toBeDefined();
    expect(ring.open(first, NOW + 3 * HOUR + 1)).toBeUndefined();
    expect(ring.export(NOW + 50 * HOUR).length).toBe(1);
  });

  test('shares keys between instances', () => {
    const [one, other] = [new TicketKeyRing(provider, random), new TicketKeyRing(provider, random)];
    const ticket = one.seal(SESSION, NOW)!;
    other.replace(one.export(NOW));
    expect(other.open(ticket, NOW)).toMatchObject({ context: 'x' });
  });

  test('opens no ticket with any byte changed, cut or added', () => {
    const ring = new TicketKeyRing(provider, random);
    const ticket = ring.seal(SESSION, NOW)!;
    for (let at = 0; at < ticket.length; at++) {
      const changed = ticket.slice();
      changed[at]! ^= 1;
      expect(ring.open(changed, NOW)).toBeUndefined();
      expect(ring.open(ticket.slice(0, at), NOW)).toBeUndefined();
    }
    expect(ring.open(Uint8Array.of(...ticket, 0), NOW)).toBeUndefined();
  });

  test('tells nothing of the session, and never the same twice', () => {
    const ring = new TicketKeyRing(provider, random);
    const [one, other] = [ring.seal(SESSION, NOW)!, ring.seal(SESSION, NOW)!];
    expect(Buffer.from(one).includes(Buffer.from(SESSION.secret.subarray(0, 8)))).toBe(false);
    expect(Buffer.from(one).includes('a.test')).toBe(false);
    expect(one.subarray(16)).not.toEqual(other.subarray(16));
  });
});

describe('the stores in memory', () => {
  test('a stored session serves once, and their number is bounded', () => {
    const store = new MemorySessionStore(random, 100);
    const ticket = store.seal(SESSION);
    expect(store.open(ticket)).toBeDefined();
    expect(store.open(ticket)).toBeUndefined();
    for (let i = 0; i < 1000; i++) store.seal(SESSION);
    expect(store.size).toBeLessThanOrEqual(100);
  });

  test('the strike register accepts a binder once, nothing at first, and nothing when it is full', () => {
    // 9846-8-3, 9846-8.2-3
    const register = new MemoryAntiReplay(NOW, 30, 10);
    const later = NOW + 31_000;
    expect(register.accept(Uint8Array.of(1), NOW)).toBe(false);
    expect(register.accept(Uint8Array.of(1), later)).toBe(true);
    expect(register.accept(Uint8Array.of(1), later + 1)).toBe(false);
    for (let i = 2; i <= 10; i++) expect(register.accept(Uint8Array.of(i), later)).toBe(true);
    expect(register.accept(Uint8Array.of(11), later)).toBe(false);
    expect(register.accept(Uint8Array.of(11), later + 31_000)).toBe(true);
  });
});
