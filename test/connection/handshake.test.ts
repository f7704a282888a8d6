import { describe, expect, test } from 'vitest';
import { CipherSuite } from '../../src/registry/cipher_suite.ts';
import { NamedGroup } from '../../src/registry/named_group.ts';
import { identity, Pair, provider } from '../support/pair.ts';

const text = (value: string) => new TextEncoder().encode(value);

describe('the full handshake', () => {
  for (const [name, suite] of Object.entries(CipherSuite)) {
    for (const group of provider.keyExchanges.values()) {
      test(`${name} with ${group.name}`, () => {
        const pair = new Pair({ client: { cipherSuites: [suite], groups: [group.group] } }).run();
        expect(pair.client.error).toBeUndefined();
        expect(pair.server.error).toBeUndefined();
        expect(pair.serverEvents[0]).toMatchObject({
          type: 'handshake',
          info: { cipherSuiteName: name, groupName: group.name, serverName: 'example.test', helloRetryRequest: false },
        });
        pair.client.send(text('ping'));
        pair.server.send(text('pong'));
        pair.run();
        expect(pair.received('server').toString()).toBe('ping');
        expect(pair.received('client').toString()).toBe('pong');
      });
    }
  }

  for (const kind of ['p256', 'p384', 'ed25519', 'rsa'] as const) {
    test(`authenticates with a key of type ${kind}`, () => {
      const { credentials } = identity(kind);
      const pair = new Pair({ handlers: { selectCredentials: () => credentials } }).run();
      expect(pair.clientEvents[0]).toMatchObject({
        type: 'handshake',
        info: { signatureScheme: credentials.signer.schemes[0] },
      });
    });
  }

  test('asks for another share by HelloRetryRequest', () => {
    const pair = new Pair({
      server: { groups: [NamedGroup.secp384r1] },
      client: { groups: [NamedGroup.x25519, NamedGroup.secp384r1] },
    }).run();
    expect(pair.serverEvents[0]).toMatchObject({
      type: 'handshake',
      info: { helloRetryRequest: true, groupName: 'secp384r1' },
    });
    expect(pair.clientEvents[0]).toMatchObject({ type: 'handshake', info: { helloRetryRequest: true } });
  });

  test('authenticates the client where that is required', () => {
    const client = identity('ed25519');
    const pair = new Pair({
      server: { clientAuthentication: { mode: 'require' } },
      client: { credentials: client.credentials },
    }).run();
    expect(pair.serverEvents[0]).toMatchObject({
      type: 'handshake',
      info: { peerCertificates: client.credentials.chain },
    });
  });
});
