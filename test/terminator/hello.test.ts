import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { Backend } from '../support/backend.ts';
import { issue, makeRoot } from '../support/certificates.ts';
import { certificateFiles, Command, temporaryFiles } from '../support/command.ts';
import { readUntilClosed, tlsClient } from '../support/tls_client.ts';

/** What comes back, and how the log names it, for bytes that are no ClientHello of TLS 1.3. */
describe('clients that will not do', () => {
  async function send(
    bytes: string | Uint8Array,
  ): Promise<{ answer: Buffer; line: Readonly<Record<string, unknown>> }> {
    const command = await Command.start(['--target', '127.0.0.1:9']);
    const socket = net.connect({ host: '127.0.0.1', port: command.port });
    const closed = readUntilClosed(socket);
    socket.write(bytes);
    const answer = await closed;
    const line = await command.logged('handshake failed');
    expect(command.log.filter(({ event }) => event !== 'listening')).toHaveLength(1);
    return { answer, line };
  }

  test('plain HTTP', async () => {
    const { answer, line } = await send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(answer).toHaveLength(0);
    expect(line).toMatchObject({ reason: 'not_tls', level: 'info', peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/) });
  });

  test('an SSLv2 hello', async () => {
    const { answer, line } = await send(Uint8Array.of(0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10));
    expect(answer).toHaveLength(0);
    expect(line).toMatchObject({ reason: 'sslv2_hello' });
  });

  test('noise', async () => {
    const { line } = await send(Uint8Array.from({ length: 4000 }, (_, index) => (index * 167 + 91) & 0xff));
    expect(line['reason']).toMatch(/not_tls|record_overflow|unexpected_record_type/);
  });

  test('a record that is too long gets its alert', async () => {
    const { answer, line } = await send(Uint8Array.of(22, 3, 1, 0xff, 0xff));
    expect(answer.toString('hex')).toBe('15030300020216');
    expect(line).toMatchObject({ reason: 'record_overflow', alert: 'record_overflow' });
  });

  test('TLS 1.2', async () => {
    const command = await Command.start(['--target', '127.0.0.1:9']);
    const client = tls.connect({
      port: command.port,
      host: '127.0.0.1',
      maxVersion: 'TLSv1.2',
      rejectUnauthorized: false,
    });
    const [error] = await once(client, 'error');
    expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    expect(await command.logged('handshake failed')).toMatchObject({ reason: 'protocol_version' });
  });

  test('one that says nothing is closed at the deadline', async () => {
    const command = await Command.start(['--handshake-timeout', '0.3']);
    const silent = net.connect({ host: '127.0.0.1', port: command.port });
    await once(silent, 'connect');
    const begun = performance.now();
    await readUntilClosed(silent);
    expect(performance.now() - begun).toBeGreaterThan(200);
    expect(await command.logged('handshake failed')).toMatchObject({ reason: 'handshake_timeout' });
  });

  test('one that says it bit by bit is closed at the deadline too', async () => {
    const command = await Command.start(['--handshake-timeout', '0.3']);
    const slow = net.connect({ host: '127.0.0.1', port: command.port });
    const closed = readUntilClosed(slow);
    slow.write(Uint8Array.of(22, 3, 1, 1, 0, 1));
    const timer = setInterval(() => slow.write(Uint8Array.of(0)), 20);
    await closed;
    clearInterval(timer);
    expect(await command.logged('handshake failed')).toMatchObject({ reason: 'handshake_timeout' });
  });

  test('more than --max-connections are closed at once; when one goes, the next may come', async () => {
    const backend = await Backend.echo();
    const command = await Command.start([...backend.args, '--max-connections', '2']);
    const first = await tlsClient(command.port);
    const second = await tlsClient(command.port);
    expect(await readUntilClosed(net.connect({ host: '127.0.0.1', port: command.port }))).toHaveLength(0);
    expect(await command.logged('connection limit reached')).toMatchObject({ limit: 2 });
    first.resume().end();
    await command.logged('connection closed');
    const third = await tlsClient(command.port);
    third.destroy();
    second.destroy();
  });

  test('what a client says cannot forge a line of the log', async () => {
    const command = await Command.start(['--alpn', 'h2']);
    const forged = 'x\r\n{"event":"forged"}\r\n';
    await expect(tlsClient(command.port, { servername: 'a.example', ALPNProtocols: [forged] })).rejects.toThrow();
    expect(await command.logged('handshake failed')).toMatchObject({ reason: 'no_application_protocol' });
    expect(command.log.some(({ event }) => event === 'forged')).toBe(false);
    expect(command.log).toHaveLength(command.stderr.split('\n').length - 1);
  });
});

describe('certificates', () => {
  test('chosen by exact name, wildcard, and default; and by what the client can verify', async () => {
    const root = makeRoot();
    const made = {
      default: issue(root, { names: ['default.example'] }),
      rsa: issue(root, { names: ['both.example'], type: 'rsa' }),
      ecdsa: issue(root, { names: ['both.example'] }),
      star: issue(root, { names: ['*.wild.example'], type: 'ed25519' }),
      p384: issue(root, { names: ['p384.example'], type: 'ecdsa_p384' }),
    };
    const file = temporaryFiles(Object.fromEntries(
      Object.entries(made).flatMap((
        [name, { chainPem, keyPem }],
      ) => [[`${name}.pem`, chainPem], [`${name}.key`, keyPem]]),
    ));
    const args = Object.keys(made).flatMap((name) => ['--cert', file(`${name}.pem`), '--key', file(`${name}.key`)]);
    const backend = await Backend.echo();
    const command = await Command.start([...backend.args, ...args]);
    const served = async (servername: string, sigalgs?: string): Promise<string> => {
      const client = await tlsClient(command.port, {
        servername,
        ca: root.pem,
        checkServerIdentity: () => undefined,
        ...(sigalgs ? { sigalgs } : {}),
      });
      const { raw } = client.getPeerCertificate();
      client.destroy();
      return Object.entries(made).find(([, { der }]) => Buffer.from(der).equals(raw))?.[0] ?? 'unknown';
    };
    expect(await served('default.example')).toBe('default');
    expect(await served('nowhere.example')).toBe('default');
    expect(await served('both.example', 'ecdsa_secp256r1_sha256')).toBe('ecdsa');
    expect(await served('both.example')).toBe('rsa');
    expect(await served('a.wild.example')).toBe('star');
    expect(await served('p384.example')).toBe('p384');
  });

  test('--strict-sni refuses names that no certificate is for', async () => {
    const { args } = certificateFiles({ names: ['known.example'] });
    const command = await Command.start([...args, '--strict-sni']);
    await expect(tlsClient(command.port, { servername: 'other.example' })).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
    });
    const client = await tlsClient(command.port, { servername: 'known.example' });
    client.destroy();
  });

  test('SIGHUP: the new certificate for new connections; a bad file keeps the old', async () => {
    const root = makeRoot();
    const [old, fresh] = [issue(root), issue(root, { freshKey: true, notBefore: Date.UTC(2026, 5, 1) })];
    const file = temporaryFiles({ 'cert.pem': old.chainPem, 'key.pem': old.keyPem });
    const command = await Command.start(['--cert', file('cert.pem'), '--key', file('key.pem')]);
    const before = await tlsClient(command.port);
    expect(before.getPeerCertificate().raw.equals(Buffer.from(old.der))).toBe(true);

    writeFileSync(file('cert.pem'), fresh.chainPem);
    command.process.kill('SIGHUP');
    const problem = await command.logged('certificates not reloaded, the old ones stay');
    expect(problem['problem']).toMatch(/key\.pem/);
    writeFileSync(file('key.pem'), fresh.keyPem);
    command.process.kill('SIGHUP');
    await command.logged('certificates reloaded');
    const client = await tlsClient(command.port);
    expect(client.getPeerCertificate().raw.equals(Buffer.from(fresh.der))).toBe(true);
    client.destroy();
    expect(before.destroyed).toBe(false);
    before.destroy();
  });
});

describe('what a handshake decides', () => {
  test('routes by server name and protocol', async () => {
    const answer = (text: string) => Backend.start((socket) => void socket.end(text));
    const [www, h2, rest] = [await answer('www'), await answer('h2'), await answer('rest')];
    const command = await Command.start([
      ...rest.args,
      ...['--alpn', 'h2,http/1.1'],
      ...['--route', `www.example=127.0.0.1:${www.port}`],
      ...['--route', `alpn:h2=127.0.0.1:${h2.port}`],
    ]);
    const ask = async (options: tls.ConnectionOptions): Promise<string> => {
      const client = await tlsClient(command.port, options);
      const [chunk] = await once(client, 'data');
      client.destroy();
      return String(chunk);
    };
    expect(await ask({ servername: 'www.example', ALPNProtocols: ['h2'] })).toBe('www');
    expect(await ask({ servername: 'other.example', ALPNProtocols: ['h2'] })).toBe('h2');
    expect(await ask({ servername: 'other.example', ALPNProtocols: ['http/1.1'] })).toBe('rest');
  });

  test('--groups and --ciphers bind', async () => {
    const command = await Command.start(['--groups', 'secp256r1', '--ciphers', 'TLS_AES_256_GCM_SHA384']);
    const client = await tlsClient(command.port);
    expect(client.getEphemeralKeyInfo()).toMatchObject({ name: 'prime256v1' });
    expect(client.getCipher().standardName).toBe('TLS_AES_256_GCM_SHA384');
    client.destroy();
    await expect(tlsClient(command.port, { ecdhCurve: 'X25519' })).rejects.toMatchObject({
      code: 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
    });
  });

  test('a session resumes, unless tickets are off', async () => {
    for (const [tickets, resumed] of [['2', true], ['0', false]] as const) {
      const backend = await Backend.echo();
      const command = await Command.start([...backend.args, '--tickets', tickets]);
      const first = await tlsClient(command.port);
      let session: Buffer | undefined;
      first.on('session', (each: Buffer) => session = each);
      first.write('x');
      await once(first, 'data');
      first.destroy();
      const second = await tlsClient(command.port, session === undefined ? {} : { session });
      expect(second.isSessionReused()).toBe(resumed);
      second.destroy();
    }
  });

  test('PROXY protocol goes before the first byte', async () => {
    for (const version of ['v1', 'v2'] as const) {
      const backend = await Backend.start();
      const command = await Command.start([...backend.args, '--proxy-protocol', version, '--alpn', 'h2']);
      const client = await tlsClient(command.port, { servername: 'a.example', ALPNProtocols: ['h2'] });
      client.write('first');
      const behind = await backend.accept();
      let text = '';
      while (!text.endsWith('first')) text += (await once(behind, 'data'))[0].toString('latin1');
      const header = text.slice(0, -'first'.length);
      if (version === 'v1') {
        expect(header).toBe(`PROXY TCP4 127.0.0.1 127.0.0.1 ${client.localPort} ${command.port}\r\n`);
      } else {
        expect(header.startsWith('\r\n\r\n\0\r\nQUIT\n')).toBe(true);
        expect(header).toContain('h2');
        expect(header).toContain('a.example');
      }
      client.destroy();
    }
  });

  test('the key log holds the secrets that the client has, for its owner only; the log warns of it and has none', async () => {
    const file = temporaryFiles({});
    const backend = await Backend.echo();
    const command = await Command.start(backend.args, { env: { SSLKEYLOGFILE: file('keys.log') } });
    const warning = await command.logged('secrets of all connections are written to the key log');
    expect(warning).toMatchObject({ level: 'warning', file: file('keys.log') });

    const client = tls.connect({ host: '127.0.0.1', port: command.port, rejectUnauthorized: false });
    const ofClient: string[] = [];
    client.on('keylog', (line: Buffer) => ofClient.push(line.toString().trim()));
    await once(client, 'secureConnect');
    client.write('x');
    await once(client, 'data');
    client.destroy();

    const ofServer = readFileSync(file('keys.log'), 'utf8').trimEnd().split('\n');
    const labels = ['CLIENT_HANDSHAKE', 'SERVER_HANDSHAKE'].map((label) => `${label}_TRAFFIC_SECRET`);
    expect(ofServer.map((line) => line.split(' ')[0])).toEqual(
      expect.arrayContaining([...labels, 'CLIENT_TRAFFIC_SECRET_0', 'SERVER_TRAFFIC_SECRET_0']),
    );
    expect(ofServer.toSorted()).toEqual(ofClient.toSorted());
    expect(statSync(file('keys.log')).mode & 0o077).toBe(0);
    for (const line of ofServer) expect(command.stderr).not.toContain(line.split(' ')[2]);
  });
});
