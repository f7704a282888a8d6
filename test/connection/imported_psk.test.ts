/** RFC 9258: external PSKs that are imported before they are used. */
import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/error.ts';
import { type ExternalPsk, type ImportedPsk, importPsk } from '../../src/handshake/imported_psk.ts';
import { CipherSuite } from '../../src/registry/cipher_suite.ts';
import { Pair, provider } from '../support/pair.ts';
import { ascii, concat, u16, u8, vector } from '../support/raw_wire.ts';

const PSK: ExternalPsk = {
  identity: ascii('thermometer 7'),
  key: new Uint8Array(32).fill(9),
  context: ascii('client and server'),
};
const NO_CERTIFICATE = { chain: [], signer: { schemes: [], sign: () => new Uint8Array(0) } };

/** A server that holds `ours`, without a certificate, and a client that offers `offered`. */
function meet(ours: ImportedPsk[], offered: ImportedPsk, cipherSuite: number) {
  const find = (identity: Uint8Array) => ours.find((one) => Buffer.compare(one.identity, identity) === 0)?.session;
  return new Pair({
    server: { externalPsk: find, cipherSuites: [cipherSuite] },
    client: { resume: { session: offered.session, ticket: offered.identity } },
    handlers: { selectCredentials: () => NO_CERTIFICATE },
  }).run();
}

const suites = [CipherSuite.TLS_AES_128_GCM_SHA256, CipherSuite.TLS_AES_256_GCM_SHA384] as const;

describe.each(['SHA-256', 'SHA-384'] as const)('a PSK for %s', (hash) => {
  test.each([0, 1])('is imported for the hash of suite %d, and tells who the peer is', (index) => {
    const ours = importPsk({ ...PSK, hash }, provider);
    const offered = importPsk({ ...PSK, hash }, provider)[index] as ImportedPsk;
    const pair = meet(ours, offered, suites[index] as number);
    expect([pair.client.error, pair.server.error]).toEqual([undefined, undefined]);
    const infos = [pair.clientEvents[0], pair.serverEvents[0]];
    for (const info of infos) {
      expect(info).toMatchObject({ info: { resumed: true, pskIdentity: offered.identity, peerCertificates: [] } });
    }
    pair.client.send(Uint8Array.of(1));
    pair.run();
    expect(pair.received('server').length).toBe(1);
  });

  test('by the formulas of §5.1 and §5.2', () => {
    const name = hash === 'SHA-256' ? 'sha256' : 'sha384';
    const zeros = new Uint8Array(hash === 'SHA-256' ? 32 : 48);
    const extracted = createHmac(name, zeros).update(PSK.key).digest();
    for (const [index, length] of [32, 48].entries()) {
      const identity = concat(vector(2, PSK.identity), vector(2, PSK.context!), u16(0x0304), u16(index + 1));
      const digest = createHash(name).update(identity).digest();
      const info = concat(u16(length), vector(1, ascii('tls13 derived psk')), vector(1, digest));
      const first = createHmac(name, extracted).update(concat(info, u8(1))).digest();
      const second = createHmac(name, extracted).update(concat(first, info, u8(2))).digest();
      const imported = importPsk({ ...PSK, hash }, provider)[index] as ImportedPsk;
      expect(Buffer.from(imported.identity)).toEqual(Buffer.from(identity));
      expect(Buffer.from(imported.session.secret)).toEqual(Buffer.concat([first, second]).subarray(0, length));
      expect(imported.session.kind).toBe('imported');
    }
  });
});

describe('is of no use', () => {
  const [offered] = importPsk(PSK, provider) as [ImportedPsk, ImportedPsk];

  test.each<[string, Partial<ExternalPsk>]>([
    ['under another context', { context: ascii('somebody else') }],
    ['under another identity', { identity: ascii('thermometer 8') }],
  ])('%s: there is no PSK in common', (_name, change) => {
    const pair = meet(importPsk({ ...PSK, ...change }, provider), offered, suites[0]);
    expect([pair.server.error?.reason, pair.client.error?.alert]).toEqual(['no_common_psk', 'handshake_failure']);
  });

  test('with another hash of suite, another key, or where it was not imported', () => {
    const ours = importPsk(PSK, provider);
    expect(meet(ours, offered, suites[1]).server.error?.reason).toBe('no_common_psk');
    const other = importPsk({ ...PSK, key: new Uint8Array(32).fill(8) }, provider);
    expect(meet(other, offered, suites[0]).server.error?.reason).toBe('invalid_binder');
    const plain = ours.map((one) => ({ ...one, session: { ...one.session, kind: 'external' as const } }));
    expect(meet(plain, offered, suites[0]).server.error?.reason).toBe('invalid_binder');
  });

  test('when it is none', () => {
    expect(() => importPsk({ ...PSK, identity: new Uint8Array(0) }, provider)).toThrow(UsageError);
    expect(() => importPsk({ ...PSK, key: new Uint8Array(15) }, provider)).toThrow('key: at least 16 bytes');
    expect(() => importPsk({ ...PSK, context: new Uint8Array(0x10000) }, provider)).toThrow(UsageError);
    expect(() => importPsk({ ...PSK, identity: new Uint8Array(0xffff) }, provider)).toThrow(UsageError);
  });
});
