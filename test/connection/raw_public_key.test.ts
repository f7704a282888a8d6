/** RFC 7250: raw public keys in place of certificates, for each side by itself. */
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/error.ts';
import type { Credentials } from '../../src/handshake/config.ts';
import type { Effect } from '../../src/handshake/effect.ts';
import { CertificateType } from '../../src/registry/certificate_type.ts';
import { TicketKeyRing } from '../../src/session/ticket_key_ring.ts';
import { CLIENT, join } from '../support/hostile_server.ts';
import { identity, Pair, type PairOptions, perform, provider, seededRandom } from '../support/pair.ts';
import { concat, extension, message, u16, vector, withExtensions } from '../support/raw_wire.ts';

const { X509, RawPublicKey } = CertificateType;
const serverKey = identity().credentials;
const clientKey = identity('ed25519').credentials;
const raw = (credentials: Credentials): Credentials => ({ ...credentials, certificateType: RawPublicKey });

/** A pair, and the types of certificates that each side was asked to verify. */
function meet(host: Credentials, options: Pick<PairOptions, 'server' | 'client'>) {
  const asked: Record<string, number> = {};
  const pair = new Pair({
    ...options,
    handlers: {
      selectCredentials: () => host,
      verifyPeer: (effect: Extract<Effect, { type: 'verify_peer' }>) => {
        asked[effect.role] = effect.certificateType;
        return perform(effect) as true;
      },
    },
  }).run();
  const infos = [pair.clientEvents[0], pair.serverEvents[0]].map((event) => event?.type === 'handshake' && event.info);
  return { pair, asked, infos, reasons: [pair.client.error?.reason, pair.server.error?.reason] };
}

describe('the server', () => {
  test.each([[[RawPublicKey]], [[RawPublicKey, X509]], [[X509, RawPublicKey]]])(
    'has a raw public key, of a client that takes %j',
    (serverCertificateTypes) => {
      const { asked, infos, reasons } = meet(raw(serverKey), { client: { serverCertificateTypes } });
      expect(reasons).toEqual([undefined, undefined]);
      expect(asked).toEqual({ server: RawPublicKey });
      expect(infos[0]).toMatchObject({ peerCertificates: serverKey.chain, peerCertificateType: RawPublicKey });
    },
  );

  test('has a certificate where the client takes both', () => {
    const { asked, infos } = meet(serverKey, { client: { serverCertificateTypes: [RawPublicKey, X509] } });
    expect(asked).toEqual({ server: X509 });
    expect(infos[0]).toMatchObject({ peerCertificateType: X509 });
  });

  test.each([
    ['a raw public key of a client that says nothing', raw(serverKey), undefined],
    ['a certificate of a client that takes raw public keys alone', serverKey, [RawPublicKey]],
  ])('has %s: unsupported_certificate', (_name, host, types) => {
    const { reasons, pair } = meet(host, { client: types === undefined ? {} : { serverCertificateTypes: types } });
    expect(reasons).toEqual(['peer_alert', 'no_common_certificate_type']);
    expect(pair.client.error?.alert).toBe('unsupported_certificate');
  });
});

describe('the client', () => {
  const authentication = (...certificateTypes: number[]) => ({
    clientAuthentication: { mode: 'require' as const, certificateTypes },
  });

  test('authenticates by a raw public key', () => {
    const { asked, infos } = meet(serverKey, {
      server: authentication(X509, RawPublicKey),
      client: { credentials: raw(clientKey) },
    });
    expect(asked).toEqual({ server: X509, client: RawPublicKey });
    expect(infos[1]).toMatchObject({ peerCertificates: clientKey.chain, peerCertificateType: RawPublicKey });
  });

  test('has none for a server that takes certificates alone, and the other way round', () => {
    const refused = ['peer_alert', 'no_common_certificate_type'];
    expect(meet(serverKey, { server: authentication(X509), client: { credentials: raw(clientKey) } }).reasons)
      .toEqual(refused);
    expect(meet(serverKey, { server: authentication(RawPublicKey), client: { credentials: clientKey } }).reasons)
      .toEqual(refused);
  });

  test('that is not asked hears nothing of types', () => {
    const { reasons, infos } = meet(serverKey, { client: { credentials: raw(clientKey) } });
    expect(reasons).toEqual([undefined, undefined]);
    expect(infos[1]).toMatchObject({ peerCertificates: [] });
  });

  test('is known by its key when it resumes, but not where raw public keys are no longer taken', () => {
    const store = new TicketKeyRing(provider, seededRandom('ring'));
    const client = { credentials: raw(clientKey) };
    const first = meet(serverKey, { server: { tickets: { store }, ...authentication(RawPublicKey) }, client });
    const [ticket] = first.pair.clientEvents.flatMap((event) => event.type === 'ticket' ? [event] : []);
    const resume = ticket as NonNullable<typeof ticket>;
    const again = meet(serverKey, {
      server: { tickets: { store }, ...authentication(RawPublicKey) },
      client: { ...client, resume },
    });
    expect(again.infos[1]).toMatchObject({ resumed: true, peerCertificateType: RawPublicKey });
    const stricter = meet(serverKey, {
      server: { tickets: { store }, clientAuthentication: { mode: 'request' } },
      client: { credentials: clientKey, resume },
    });
    expect(stricter.infos[1]).toMatchObject({ resumed: false, peerCertificateType: X509 });
  });

  test('sends one raw public key, not two', async () => {
    // 9846-4.5.1-13
    const { server, client } = join(authentication(RawPublicKey));
    await client.sendHello(withExtensions(client.usualHello(), extension.raw(19, Uint8Array.of(1, RawPublicKey))));
    await client.until(() => client.serverFinished);
    expect([...client.encryptedExtensions!.get(19)!]).toEqual([RawPublicKey]);
    const entry = concat(vector(3, CLIENT.certificate), u16(0));
    await client.sendMessages(message(11, concat([0], vector(3, concat(entry, entry)))));
    await client.drain();
    expect([server.reason, client.alert]).toEqual(['illegal_parameter', 47]);
  });
});

describe('the extensions', () => {
  test.each([
    ['an empty list', 19, [0], 50],
    ['X.509 alone, which is to be left out', 19, [1, X509], 47],
    ['X.509 alone, which is to be left out', 20, [1, X509], 47],
    ['a list that ends early', 20, [2, RawPublicKey], 50],
  ])('%s', async (_name, type, bytes, alert) => {
    const { client } = join();
    await client.sendHello(withExtensions(client.usualHello(), extension.raw(type, Uint8Array.from(bytes))));
    await client.drain();
    expect(client.alert).toBe(alert);
  });

  test('unknown types are ignored, but are no type in common', async () => {
    const accepted = join();
    const hello = accepted.client.usualHello();
    await accepted.client.sendHello(withExtensions(hello, extension.raw(20, Uint8Array.of(2, 5, X509))));
    await accepted.client.until(() => accepted.client.serverFinished);
    expect([...accepted.client.encryptedExtensions!.get(20)!]).toEqual([X509]);
    const refused = join();
    await refused.client.sendHello(withExtensions(hello, extension.raw(20, Uint8Array.of(1, 5))));
    await refused.client.drain();
    expect([refused.server.reason, refused.client.alert]).toEqual(['no_common_certificate_type', 43]);
  });

  test('options that make no sense are refused', () => {
    for (const serverCertificateTypes of [[], [1], [RawPublicKey, RawPublicKey]]) {
      expect(() => new Pair({ client: { serverCertificateTypes } })).toThrow(UsageError);
    }
    expect(() => new Pair({ server: { clientAuthentication: { mode: 'request', certificateTypes: [7] } } }))
      .toThrow('clientAuthentication.certificateTypes: 7 is neither X509 (0) nor RawPublicKey (2)');
  });
});
