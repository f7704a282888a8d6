/** RFC 9345, the server's side: a delegated key signs for clients that take it. */
import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { DelegatedCredential } from '../../src/handshake/config.ts';
import { delegate, delegator } from '../support/delegated.ts';
import { Clock, join, SERVER, signerOf } from '../support/hostile_server.ts';
import { digest } from '../support/raw_keys.ts';
import {
  ascii,
  type Bytes,
  concat,
  extension,
  message,
  read,
  u16s,
  vector,
  withExtensions,
} from '../support/raw_wire.ts';

const EXTENSION = 34;
const made = delegate(delegator());
const delegated: DelegatedCredential = {
  credential: made.credential,
  signer: signerOf(made.privateKey),
  scheme: 0x0403,
  issuedWith: 0x0403,
  expires: new Clock().now + 1000,
};

/** What the server's certificate message has for the end entity, and whose key signed. */
async function meet(taken: readonly number[] | undefined, schemes: readonly number[], now = 0) {
  const clock = new Clock();
  clock.now += now;
  const { server, client } = join({}, {}, { host: { delegatedCredential: delegated }, clock });
  const hello = withExtensions(
    client.usualHello(),
    extension.signatureAlgorithms(schemes),
    ...taken === undefined ? [] : [extension.raw(EXTENSION, vector(2, u16s(taken)))],
  );
  await client.handshake(hello);
  await client.drain();
  const [certificate, proof] = [11, 15].map((type) =>
    client.inbound.find(({ messageType }) => messageType === type)!.content
  ) as [
    Bytes,
    Bytes,
  ];
  const at = client.transcript.findIndex((bytes) => bytes[0] === 15);
  const content = concat(
    new Uint8Array(64).fill(0x20),
    ascii('TLS 1.3, server CertificateVerify\0'),
    digest(client.suite, ...client.transcript.slice(0, at)),
  );
  const signed = (key: Parameters<typeof createPublicKey>[0] | typeof made.privateKey) =>
    verify('sha256', content, createPublicKey(key as never), proof.subarray(4));
  const leafLength = read(certificate, 4, 3);
  const extensions = certificate.subarray(
    7 + leafLength + 2,
    7 + leafLength + 2 + read(certificate, 7 + leafLength, 2),
  );
  expect(server.error).toBeUndefined();
  expect(message(15, proof)).toEqual(client.transcript[at]);
  return { extensions, byDelegate: signed(made.privateKey), byCertificate: signed(SERVER.privateKey) };
}

describe('a client that takes it', () => {
  test('gets it beside the certificate, and a signature of its key', async () => {
    const { extensions, byDelegate, byCertificate } = await meet([0x0403, 0x0503], [0x0403]);
    expect([byDelegate, byCertificate]).toEqual([true, false]);
    expect(Buffer.from(extensions)).toEqual(Buffer.concat([Uint8Array.of(0, EXTENSION), vector(2, made.credential)]));
  });
});

describe('the key of the certificate signs', () => {
  test.each<[string, readonly number[] | undefined, readonly number[], number]>([
    ['for a client that says nothing', undefined, [0x0403], 0],
    ['for one that takes other schemes of delegated keys', [0x0503, 0x0807], [0x0403], 0],
    ['when the delegated credential is over', [0x0403], [0x0403], 1000],
  ])('%s', async (_name, taken, schemes, now) => {
    const { extensions, byDelegate, byCertificate } = await meet(taken, schemes, now);
    expect([byDelegate, byCertificate, extensions.length]).toEqual([false, true, 0]);
  });

  test('for one that cannot check how it was issued', async () => {
    const { client, server } = join({}, {}, { host: { delegatedCredential: { ...delegated, issuedWith: 0x0804 } } });
    const hello = withExtensions(
      client.usualHello(),
      extension.signatureAlgorithms([0x0403]),
      extension.raw(EXTENSION, vector(2, u16s([0x0403]))),
    );
    await client.handshake(hello);
    await client.drain();
    expect(server.error).toBeUndefined();
    const certificate = client.inbound.find(({ messageType }) => messageType === 11)!.content;
    expect(Buffer.from(certificate).includes(Buffer.from(made.credential))).toBe(false);
  });
});
