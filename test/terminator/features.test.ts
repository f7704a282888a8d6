/** What operators switch on, with real peers: resumption, client certificates, stapled responses. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type tls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { Backend } from '../support/backend.ts';
import { issue, makeRoot, type TestCertificate } from '../support/certificates.ts';
import { certificateFiles, Command, temporaryFiles } from '../support/command.ts';
import { tlsClient } from '../support/tls_client.ts';

/** One exchange with the echoing backend. */
async function echo(client: tls.TLSSocket, text = 'ping'): Promise<string> {
  client.write(text);
  const [answer] = await once(client, 'data');
  return String(answer);
}

/** The socket has broken off, with the server's alert. */
function refusal(client: tls.TLSSocket): Promise<Error> {
  client.resume();
  return new Promise((resolve) => client.once('error', resolve));
}

describe.each(['node', 'deno'] as const)('on %s', (runtime) => {
  test('a client comes back with its ticket, but not at another name', async () => {
    const backend = await Backend.echo();
    const command = await Command.start(backend.args, { runtime });
    const first = await tlsClient(command.port, { servername: 'localhost' });
    const session = once(first, 'session');
    await echo(first);
    const [ticket] = await session as [Buffer];
    first.end();
    const again = await tlsClient(command.port, { servername: 'localhost', session: ticket });
    expect(again.isSessionReused()).toBe(true);
    expect(await echo(again)).toBe('ping');
    again.end();
    const elsewhere = await tlsClient(command.port, { servername: 'other.test', session: ticket });
    expect(elsewhere.isSessionReused()).toBe(false);
    elsewhere.end();
  });

  test('a client that waits for a ticket before it says anything gets one', async () => {
    const backend = await Backend.echo();
    const command = await Command.start(backend.args, { runtime });
    const client = await tlsClient(command.port);
    client.resume();
    const [ticket] = await once(client, 'session') as [Buffer];
    expect(ticket.length).toBeGreaterThan(0);
    client.end();
  });

  test('without tickets there is no resumption', async () => {
    const backend = await Backend.echo();
    const command = await Command.start([...backend.args, '--tickets', '0'], { runtime });
    const client = await tlsClient(command.port);
    let tickets = 0;
    client.on('session', () => tickets++);
    await echo(client);
    await echo(client);
    expect(tickets).toBe(0);
    client.end();
  });

  describe('client certificates', () => {
    const authority = makeRoot({ subject: 'Clients' });
    const known = issue(authority, { subject: 'known' });
    const stranger = issue(makeRoot({ subject: 'Nobody' }), { subject: 'stranger' });
    const asClient = (certificate: TestCertificate) => ({ cert: certificate.chainPem, key: certificate.keyPem });

    test('are required where that is asked for', async () => {
      const file = temporaryFiles({ 'clients.pem': authority.pem });
      const backend = await Backend.echo();
      const command = await Command.start([...backend.args, '--client-ca', file('clients.pem')], { runtime });
      const client = await tlsClient(command.port, asClient(known));
      expect(await echo(client)).toBe('ping');
      client.end();

      // In TLS 1.3 the client is done before the server has seen its certificate: the alert comes with the first read.
      const refused = await tlsClient(command.port, asClient(stranger)).catch((error: Error) => error);
      if (!(refused instanceof Error)) await refusal(refused);
      expect(await command.logged('handshake failed')).toMatchObject({ reason: 'unknown_ca', alert: 'unknown_ca' });
      const nameless = await tlsClient(command.port).catch((error: Error) => error);
      if (!(nameless instanceof Error)) await refusal(nameless);
      expect(await command.logged('handshake failed', 2)).toMatchObject({ reason: 'certificate_required' });
    });

    test('may be left out where they are only asked for', async () => {
      const file = temporaryFiles({ 'clients.pem': authority.pem });
      const backend = await Backend.echo();
      const args = [...backend.args, '--client-ca', file('clients.pem'), '--client-auth', 'request'];
      const command = await Command.start(args, { runtime });
      for (const options of [{}, asClient(known)]) {
        const client = await tlsClient(command.port, options);
        expect(await echo(client)).toBe('ping');
        client.end();
      }
    });
  });
});

/** Runs a client that ends by itself; its output, whatever its exit code. */
function output(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { timeout: 20_000 }, (_error, stdout, stderr) => resolve(stdout + stderr));
    child.stdin?.end(input);
  });
}

test('a stapled OCSP response reaches OpenSSL', async () => {
  const served = certificateFiles();
  const file = temporaryFiles({ 'root-key.pem': served.root.keyPem });
  const [chain] = [served.args[1] as string];
  const response = temporaryFiles({})('ocsp.der');
  const serial = (await output('openssl', ['x509', '-in', chain, '-noout', '-serial'])).trim().split('=')[1] as string;
  const index = temporaryFiles({ 'index.txt': `V\t350101000000Z\t\t${serial}\tunknown\t/CN=any\n` });
  const request = temporaryFiles({})('request.der');
  await output('openssl', ['ocsp', '-issuer', served.rootFile, '-cert', chain, '-reqout', request, '-no_nonce']);
  await output('openssl', [
    ...['ocsp', '-index', index('index.txt'), '-rsigner', served.rootFile, '-rkey', file('root-key.pem')],
    ...['-CA', served.rootFile, '-reqin', request, '-respout', response, '-ndays', '7'],
  ]);
  const backend = await Backend.echo();
  const command = await Command.start([...backend.args, ...served.args, '--ocsp', response]);
  const seen = await output('openssl', ['s_client', '-connect', `127.0.0.1:${command.port}`, '-status'], 'Q\n');
  expect(seen).toContain('OCSP Response Status: successful');
  expect(seen).toContain('Cert Status: good');
  const silent = await output('openssl', ['s_client', '-connect', `127.0.0.1:${command.port}`], 'Q\n');
  expect(silent).not.toContain('OCSP Response Status');
});
