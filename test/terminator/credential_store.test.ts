import { expect, test } from 'vitest';
import type { ClientHelloInfo } from '../../src/handshake/effect.ts';
import { CredentialStore, type NamedCredentials } from '../../src/terminator/credential_store.ts';

const ECDSA = 0x0403;
const RSA = 0x0804;

function named(label: string, names: string[], scheme: number): NamedCredentials {
  const signer = { schemes: [scheme], sign: () => new Uint8Array(0) };
  const info = { dnsNames: names, schemes: [scheme], chainSchemes: [] } as unknown as NamedCredentials['info'];
  return { info, credentials: { chain: [new TextEncoder().encode(label)], signer } };
}

function hello(serverName: string | undefined, ...signatureSchemes: number[]): ClientHelloInfo {
  const lists = {
    applicationProtocols: [],
    cipherSuites: [],
    groups: [],
    serverCertificateTypes: [0],
    delegatedCredentialSchemes: [],
    certificateAuthorities: [],
  };
  return { serverName, ...lists, signatureSchemes, certificateSignatureSchemes: signatureSchemes };
}

const all = [
  named('default', ['default.example'], ECDSA),
  named('www-ec', ['www.example.com'], ECDSA),
  named('www-rsa', ['www.example.com'], RSA),
  named('star', ['*.example.com', 'example.com'], ECDSA),
];

function chosen(store: CredentialStore, clientHello: ClientHelloInfo): string | undefined {
  const credentials = store.select(clientHello);
  return credentials && new TextDecoder().decode(credentials.chain[0]);
}

test.each([
  ['no name: the first', undefined, [ECDSA], 'default'],
  ['exact before wildcard', 'www.example.com', [ECDSA, RSA], 'www-ec'],
  ['the one the client can verify', 'www.example.com', [RSA], 'www-rsa'],
  ['wildcard', 'other.example.com', [ECDSA], 'star'],
  ['a wildcard is one label', 'a.b.example.com', [ECDSA], 'default'],
  ['and not none', 'example.com', [ECDSA], 'star'],
  ['unknown name: the first', 'nowhere.example', [ECDSA], 'default'],
  ['nothing the client can verify: the right name, and the core says why', 'www.example.com', [0x0807], 'www-ec'],
  ['the name comes before what can be verified', 'other.example.com', [RSA], 'star'],
  ['no name: the first that can be verified', undefined, [RSA], 'www-rsa'],
])('%s', (_what, name, schemes, expected) => {
  expect(chosen(new CredentialStore(all, () => ''), hello(name, ...schemes))).toBe(expected);
});

test('strict: only certificates for the name', () => {
  const store = new CredentialStore(all, () => '', true);
  expect(chosen(store, hello('nowhere.example', ECDSA))).toBeUndefined();
  expect(chosen(store, hello('other.example.com', RSA))).toBe('star');
  expect(chosen(store, hello(undefined, ECDSA))).toBe('default');
});

test('replaced certificates are used from then on', () => {
  const store = new CredentialStore(all, () => '');
  store.replace([named('new', ['www.example.com'], ECDSA)]);
  expect(chosen(store, hello('www.example.com', ECDSA))).toBe('new');
  expect(chosen(store, hello('other.example.com', ECDSA))).toBe('new');
});
