/** The raw client against OpenSSL: what it says when it is honest must be right, or its lies prove nothing. */
import { createServer, type Server, type TlsOptions, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { RawClient } from '../support/raw_client.ts';
import { TcpLink } from '../support/raw_link.ts';
import { extension, withExtensions } from '../support/raw_wire.ts';
import { selfSigned } from '../support/self_signed.ts';

const own = selfSigned();
const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function openssl(
  onConnection: (socket: TLSSocket) => void = (socket) => socket.pipe(socket),
  options: TlsOptions = {},
): Promise<TcpLink> {
  const server: Server = createServer({
    cert: own.certificatePem,
    key: own.privateKeyPem,
    minVersion: 'TLSv1.3',
    ...options,
  }, onConnection);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const link = new TcpLink((server.address() as AddressInfo).port);
  closing.push(() => link.close(), () => server.close());
  return link;
}

async function echo(client: RawClient, text: string): Promise<string> {
  const before = client.applicationData.length;
  await client.sendData(text);
  await client.until(() => client.applicationData.length >= before + text.length);
  return Buffer.from(client.applicationData.subarray(before)).toString();
}

describe.each([[0x1301], [0x1302], [0x1303]])('cipher suite %d', (suite) => {
  test('handshake, data, KeyUpdate both ways', async () => {
    const client = new RawClient(await openssl(), { cipherSuites: [suite] });
    await client.handshake();
    expect(await echo(client, 'ping')).toBe('ping');
    await client.sendKeyUpdate(1);
    expect(await echo(client, 'pong')).toBe('pong');
    expect(client.inbound.some(({ messageType }) => messageType === 24)).toBe(true);
  });
});

test('HelloRetryRequest', async () => {
  const client = new RawClient(await openssl(undefined, { ecdhCurve: 'P-256' }), { group: 0x17 });
  const hello = client.usualHello();
  await client.handshake(withExtensions(hello, extension.keyShare([])));
  expect(client.retry).toBeDefined();
  expect(await echo(client, 'again')).toBe('again');
});

test('resumption with a ticket, the binder over a second ClientHello too', async () => {
  const link = await openssl();
  const port = link.socket.remotePort ?? (await new Promise<number>((resolve) => {
    link.socket.once('connect', () => resolve(link.socket.remotePort!));
  }));
  const first = new RawClient(link);
  await first.handshake();
  await first.until(() => first.tickets.length > 0);
  const psk = first.pskOf(first.tickets[0]!);

  const second = new RawClient(new TcpLink(port));
  second.psk = psk;
  await second.handshake();
  expect(second.serverHello!.extensions.has(41)).toBe(true);
  expect(await echo(second, 'resumed')).toBe('resumed');
  (second.link as TcpLink).close();

  const third = new RawClient(new TcpLink(port), { group: 0x17 });
  third.psk = psk;
  const asking = withExtensions(third.usualHello(), extension.supportedGroups([0x17]), extension.keyShare([]));
  await third.handshake(asking);
  expect(third.retry).toBeDefined();
  expect(third.serverHello!.extensions.has(41)).toBe(true);
  (third.link as TcpLink).close();
});

test('client authentication', async () => {
  const seen: string[] = [];
  const link = await openssl((socket) => {
    seen.push(socket.getPeerCertificate().subject.CN as string);
    socket.pipe(socket);
  }, { requestCert: true, rejectUnauthorized: false });
  const client = new RawClient(link);
  const mine = selfSigned('client.test');
  await client.toServerFinished();
  expect(client.certificateRequest).toBeDefined();
  await client.sendMessages(client.certificateMessage([mine.certificate]));
  await client.sendMessages(client.certificateVerifyMessage(mine.privateKey));
  await client.finish();
  expect(await echo(client, 'me')).toBe('me');
  expect(seen).toEqual(['client.test']);
});

test('a lie is noticed: a wrong Finished is decrypt_error', async () => {
  const client = new RawClient(await openssl());
  await client.toServerFinished();
  const wrong = client.finishedMessage();
  wrong[10]! ^= 1;
  await client.sendMessages(wrong);
  await client.until(() => client.alert !== undefined);
  expect(client.alert).toBe(51);
});
