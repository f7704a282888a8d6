import { existsSync } from 'node:fs';
import { CLIENTS, type Group, type Handshake, SUITES } from '../clients.ts';
import { HOSTS } from '../servers.ts';
import { expectEqual, expectText, type Feature, type Lab, logged, type Served } from './lab.ts';
import { DENO_MISSING, GNUTLS, gnutls, NSS, nss, OPENSSL, openssl } from './peers.ts';
import { DENO } from '../../support/deno.ts';

const EARLY = 'an early request\n';

/** A row for each client of the big table that can do this handshake: a payload there and back, and the terminator's log. */
export function withEachClient(feature: string, handshake: Handshake, group: Group = 'x25519'): Feature[] {
  const able = CLIENTS.filter(({ handshakes, groups }) =>
    handshakes.includes(handshake) && groups.includes(group) || handshake === 'full' && groups.includes(group)
  );
  return able.map((client) => ({
    feature,
    peer: client.name,
    missing: client.version() === undefined ? client.missing : undefined,
    repeated: true,
    async run(lab) {
      const [host] = HOSTS;
      if (host === undefined) throw new Error('no host');
      const kind = client.handshakes.includes(handshake) ? handshake : client.handshakes[0];
      await (await lab.fixture()).run({ host, client, suite: SUITES[0], group, handshake: kind }, 1000);
      return 'the terminator logged it';
    },
  }));
}

/** A server for early data, in front of the backend that sends back. */
function boldServer(lab: Lab, port: number = lab.backendPort, ...more: string[]): Promise<Served> {
  return lab.serve(['--early-data', '16384', '--early-route', `*=127.0.0.1:${port}`, ...more]);
}

/** A session that OpenSSL has taken, as a file. */
async function opensslSession(lab: Lab, port: number): Promise<string> {
  const file = lab.path('session.pem');
  await lab.talk('openssl', openssl(lab, port, '-sess_out', file), { last: 'Q\n' });
  if (!existsSync(file)) throw new Error('no ticket came');
  return file;
}

async function opensslEarly(lab: Lab, server: Served, ...more: string[]): Promise<string> {
  const session = await opensslSession(lab, server.port);
  const file = lab.write('early.txt', EARLY);
  const args = openssl(lab, server.port, '-sess_in', session, '-early_data', file, ...more);
  return await lab.talk('openssl', args, { last: 'Q\n' });
}

const early: Feature[] = [
  {
    feature: '0-RTT accepted',
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const server = await boldServer(lab);
      const said = await opensslEarly(lab, server);
      expectText(said, 'Early data was accepted');
      expectText(said, EARLY);
      await logged(server, ({ early, resumed }) => early === true && resumed === true, said);
      return 'Early data was accepted';
    },
  },
  {
    feature: '0-RTT accepted',
    peer: 'gnutls-cli',
    missing: GNUTLS,
    async run(lab) {
      const server = await boldServer(lab);
      const file = lab.write('early.txt', EARLY);
      const said = await lab.talk(
        'gnutls-cli',
        gnutls(lab, server.port, '-r', '--waitresumption', '--earlydata', file),
      );
      expectText(said, EARLY);
      await logged(server, ({ early }) => early === true, said);
      return 'sent back, early in the log';
    },
  },
  {
    feature: '0-RTT accepted',
    peer: 'tstclnt (NSS)',
    missing: NSS,
    async run(lab) {
      const server = await boldServer(lab, lab.movingPort);
      const file = lab.write('request', 'MOVE 0 5 x\n');
      // It begins its second connection when the first has ended.
      const said = await lab.talk('tstclnt', nss(lab, server.port, '-L', '2', '-Z', '-A', file), { steps: [] });
      await logged(server, ({ early }) => early === true, said);
      return 'early in the log';
    },
  },
  {
    feature: '0-RTT rejected (HelloRetryRequest)',
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const server = await boldServer(lab, lab.backendPort, '--groups', 'x25519');
      const said = await opensslEarly(lab, server, '-groups', 'P-384:X25519');
      expectText(said, 'Early data was rejected');
      expectText(said, /^there and back$/m);
      return 'Early data was rejected, the connection goes on';
    },
  },
  {
    feature: '0-RTT rejected (keys of a ticket gone)',
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const [gone, server] = [await boldServer(lab), await boldServer(lab)];
      const session = await opensslSession(lab, gone.port);
      const file = lab.write('early.txt', EARLY.repeat(500));
      const args = openssl(lab, server.port, '-sess_in', session, '-early_data', file);
      const said = await lab.talk('openssl', args, { last: 'Q\n' });
      expectText(said, 'Early data was rejected');
      expectText(said, /^New, TLSv1\.3/m);
      return '8 KiB skipped, a full handshake';
    },
  },
  {
    feature: '0-RTT not offered (no route for it)',
    peer: 'gnutls-cli',
    missing: GNUTLS,
    async run(lab) {
      const target = `127.0.0.1:${lab.backendPort}`;
      const routes = ['--route', `localhost=${target}`, '--early-route', `*=${target}`];
      const server = await lab.serve(['--early-data', '16384', ...routes]);
      const file = lab.write('early.txt', EARLY);
      const said = await lab.talk(
        'gnutls-cli',
        gnutls(lab, server.port, '-r', '--waitresumption', '--earlydata', file),
      );
      expectText(said, 'This is a resumed session');
      await logged(server, ({ resumed, early }) => resumed === true && early === undefined, said);
      return 'resumed without it';
    },
  },
];

const denoFetch: Feature = {
  feature: 'resumption',
  peer: 'Deno fetch (rustls)',
  missing: DENO_MISSING,
  async run(lab) {
    const server = await lab.serve(['--route', `*=127.0.0.1:${lab.movingPort}`]);
    const script = lab.write(
      'fetch.mjs',
      `const client = Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(${JSON.stringify(lab.rootFile)})] });
       for (const seed of ['a', 'b']) {
         const options = { client, method: 'PUT', body: '', headers: { connection: 'close' } };
         const answer = await fetch('https://localhost:${server.port}/5/' + seed, options);
         console.log((await answer.arrayBuffer()).byteLength, 'bytes');
       }
       client.close();`,
    );
    const said = await lab.talk(DENO ?? '', ['run', '--quiet', '--no-config', '-A', script], { steps: [] });
    expectEqual(said, '5 bytes\n5 bytes\n', 'what it said');
    await logged(server, ({ resumed }) => resumed === true, said);
    return 'the terminator logged it';
  },
};

export const RESUMPTION: readonly Feature[] = [...withEachClient('resumption', 'resumed'), denoFetch, ...early];
