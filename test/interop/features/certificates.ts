import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import zlib from 'node:zlib';
import type { KeyType } from '../../../src/crypto/provider.ts';
import { expectEqual, expectText, type Feature, type Lab, logged } from './lab.ts';
import { CHROMIUM, GNUTLS, gnutls, GO, goState, NSS, nss, OPENSSL, openssl } from './peers.ts';
import type { Tap } from './tap.ts';

const COMPRESSION: Readonly<Record<string, number>> = { zlib: 1, brotli: 2, zstd: 3 };

/** The algorithm of the CompressedCertificate in the flight that passed; throws when there is none. */
function compressionUsed(wire: Tap, keyLog: string): number {
  const flight = wire.connections[0]?.serverFlight(keyLog) ?? [];
  const compressed = flight.find(({ type }) => type === 25);
  if (compressed === undefined) throw new Error(`the flight has messages ${flight.map(({ type }) => type)}`);
  return Buffer.from(compressed.body).readUInt16BE(0);
}

const compression: Feature[] = [
  ...['zlib', 'brotli', 'zstd'].map((algorithm): Feature => ({
    feature: `certificate compression, ${algorithm}`,
    peer: 'gnutls-cli',
    missing: GNUTLS,
    async run(lab) {
      const server = await lab.serve();
      const wire = await lab.tap(server.port);
      const said = await lab.talk('gnutls-cli', gnutls(lab, wire.port, '--compress-cert', algorithm));
      if (said.includes('Unknown compression method')) return `skipped: this gnutls-cli was built without ${algorithm}`;
      if (algorithm === 'zstd' && !('zstdCompressSync' in zlib)) return 'skipped: Node has zstd from 22.15 on';
      expectText(said, /^there and back$/m);
      expectEqual(compressionUsed(wire, server.keyLog()), COMPRESSION[algorithm], 'algorithm');
      return 'CompressedCertificate in the flight';
    },
  })),
  {
    feature: 'certificate compression, brotli',
    peer: 'Chromium',
    missing: CHROMIUM ?? NSS,
    async run(lab) {
      const server = await lab.serve(['--route', `*=127.0.0.1:${lab.movingPort}`]);
      const wire = await lab.tap(server.port);
      await chromium(lab, `https://localhost:${wire.port}/page/10/x`);
      expectEqual(compressionUsed(wire, server.keyLog()), COMPRESSION['brotli'], 'algorithm');
      return 'CompressedCertificate in the flight';
    },
  },
];

/** Its document, with the lab's root in the database of its user. */
async function chromium(lab: Lab, url: string): Promise<string> {
  const home = lab.path('home');
  const database = join(home, '.pki/nssdb');
  mkdirSync(database, { recursive: true });
  spawnSync('certutil', ['-N', '-d', `sql:${database}`, '--empty-password']);
  spawnSync('certutil', ['-A', '-d', `sql:${database}`, '-n', 'root', '-t', 'C,,', '-i', lab.rootFile]);
  // deno-fmt-ignore
  return await lab.talk('chromium-headless-shell', [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-proxy-server', '--host-resolver-rules=MAP localhost 127.0.0.1',
    `--user-data-dir=${home}/profile`, '--virtual-time-budget=60000', '--dump-dom', url,
  ], { steps: [], env: { HOME: home } });
}

/** An OCSP response of the lab's root that says the certificate is good: made by OpenSSL. */
function ocspResponse(lab: Lab, chainFile: string): string {
  const run = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
    return stdout;
  };
  const serial = run('x509', '-in', chainFile, '-noout', '-serial').trim().split('=')[1];
  const index = lab.write('index.txt', `V\t350101000000Z\t\t${serial}\tunknown\t/CN=any\n`);
  const keyFile = lab.write('root-key.pem', lab.root.keyPem);
  const [request, response] = [lab.path('request.der'), lab.path('ocsp.der')];
  run('ocsp', '-issuer', lab.rootFile, '-cert', chainFile, '-reqout', request, '-no_nonce');
  // deno-fmt-ignore
  run('ocsp', '-index', index, '-rsigner', lab.rootFile, '-rkey', keyFile, '-CA', lab.rootFile,
    '-reqin', request, '-respout', response, '-ndays', '7');
  return response;
}

/** A list with one timestamp of a log that nobody knows (RFC 6962 §3.2). */
function timestampList(): Uint8Array {
  const timestamp = Buffer.alloc(8);
  timestamp.writeBigUInt64BE(BigInt(Date.now() - 60_000));
  const signature = Buffer.from('3006020101020101', 'hex');
  const body = Buffer.concat([
    Buffer.of(0),
    Buffer.alloc(32, 7),
    timestamp,
    Buffer.of(0, 0, 4, 3, 0, signature.length),
    signature,
  ]);
  return Buffer.concat([Buffer.of(0, body.length + 2, 0, body.length), body]);
}

const stapled: Feature[] = [
  {
    feature: 'OCSP stapling',
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const certificate = lab.issue();
      const server = await lab.serve(['--ocsp', ocspResponse(lab, certificate.chainFile)], certificate);
      const said = await lab.talk('openssl', openssl(lab, server.port, '-status'), { last: 'Q\n' });
      expectText(said, 'OCSP Response Status: successful');
      expectText(said, 'Cert Status: good');
      return 'Cert Status: good';
    },
  },
  {
    feature: 'OCSP stapling',
    peer: 'gnutls-cli',
    missing: OPENSSL ?? GNUTLS,
    async run(lab) {
      const certificate = lab.issue();
      const response = ocspResponse(lab, certificate.chainFile);
      const server = await lab.serve(['--ocsp', response], certificate);
      const saved = lab.path('saved.der');
      await lab.talk('gnutls-cli', gnutls(lab, server.port, '--save-ocsp', saved));
      expectEqual(readFileSync(saved).equals(readFileSync(response)), true, 'the same bytes');
      return 'byte for byte what was stapled';
    },
  },
  {
    feature: 'OCSP stapling',
    peer: 'tstclnt (NSS)',
    missing: OPENSSL ?? NSS,
    async run(lab) {
      const certificate = lab.issue();
      const server = await lab.serve(['--ocsp', ocspResponse(lab, certificate.chainFile)], certificate);
      const said = await lab.talk('tstclnt', nss(lab, server.port, '-T', '-v', '-Q'), { steps: [] });
      expectText(said, 'Received 1 Cert Status items');
      return 'Received 1 Cert Status items';
    },
  },
  {
    feature: 'OCSP stapling, SCTs',
    peer: 'Go crypto/tls',
    missing: OPENSSL ?? GO,
    async run(lab) {
      const certificate = lab.issue();
      const response = ocspResponse(lab, certificate.chainFile);
      const list = timestampList();
      const server = await lab.serve(['--ocsp', response, '--sct', lab.write('sct.list', list)], certificate);
      const { ocsp, timestamps } = await goState(lab, server.port);
      expectEqual(ocsp, readFileSync(response).toString('hex'), 'OCSP response');
      expectEqual(timestamps, [Buffer.from(list.subarray(4)).toString('hex')], 'timestamps');
      return 'byte for byte what was given';
    },
  },
  {
    feature: 'SCTs',
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const server = await lab.serve(['--sct', lab.write('sct.list', timestampList())]);
      const logs = lab.write('logs.cnf', 'enabled_logs =\n');
      const args = openssl(lab, server.port, '-ct', '-ctlogfile', logs).filter((word) =>
        word !== '-verify_return_error'
      );
      expectText(await lab.talk('openssl', args, { last: 'Q\n' }), 'SCTs present (1)');
      return 'SCTs present (1)';
    },
  },
];

const KINDS: readonly (readonly [KeyType, string, RegExp])[] = [
  ['ed25519', 'Ed25519', /Peer signature type: ed25519/i],
  ['ecdsa_p384', 'ECDSA P-384', /Peer signing digest: SHA384\s+Peer signature type: ECDSA/],
  ['rsa', 'RSA (rsae)', /Peer signature type: RSA-PSS/],
  ['rsa_pss', 'RSA-PSS key', /Peer signature type: RSA-PSS/],
];

const kinds: Feature[] = KINDS.flatMap(([type, name, shown]): Feature[] => [
  {
    feature: `certificate: ${name}`,
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const server = await lab.serve([], lab.issue(type));
      const said = await lab.talk('openssl', openssl(lab, server.port), { last: 'Q\n' });
      expectText(said, 'Verify return code: 0 (ok)');
      expectText(said, shown);
      return 'verified';
    },
  },
  {
    feature: `certificate: ${name}`,
    peer: 'gnutls-cli',
    missing: GNUTLS,
    async run(lab) {
      const server = await lab.serve([], lab.issue(type));
      expectText(await lab.talk('gnutls-cli', gnutls(lab, server.port)), 'The certificate is trusted');
      return 'verified';
    },
  },
  // Go knows no RSASSA-PSS keys.
  ...(type === 'rsa_pss' ? [] : [{
    feature: `certificate: ${name}`,
    peer: 'Go crypto/tls',
    missing: GO,
    async run(lab: Lab) {
      const server = await lab.serve([], lab.issue(type));
      expectEqual((await goState(lab, server.port)).answer, 'there and back\n', 'the answer');
      return 'verified';
    },
  }]),
]);

const asked: Feature[] = [
  {
    feature: 'client certificate requested, none given',
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const server = await lab.serve(['--client-ca', lab.rootFile, '--client-auth', 'request']);
      expectText(await lab.talk('openssl', openssl(lab, server.port), { last: 'Q\n' }), /^there and back$/m);
      return 'let in';
    },
  },
  {
    feature: 'client certificate required, none given',
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const server = await lab.serve(['--client-ca', lab.rootFile]);
      const said = await lab.talk('openssl', openssl(lab, server.port));
      expectText(said, /SSL alert number 116|certificate required/i);
      await logged(server, ({ reason }) => reason === 'certificate_required', said);
      return 'alert certificate_required';
    },
  },
  {
    feature: 'certificate_authorities',
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const server = await lab.serve(['--client-ca', lab.rootFile, '--client-auth', 'request']);
      const said = await lab.talk('openssl', openssl(lab, server.port), { last: 'Q\n' });
      expectText(said, /Acceptable client certificate CA names\s+CN ?= ?Test Root/);
      expectText(said, /Requested Signature Algorithms: \S*ECDSA\+SHA256/);
      return 'shown by name';
    },
  },
  {
    feature: 'certificate_authorities',
    peer: 'gnutls-cli',
    missing: GNUTLS,
    async run(lab) {
      const server = await lab.serve(['--client-ca', lab.rootFile, '--client-auth', 'request']);
      expectText(await lab.talk('gnutls-cli', gnutls(lab, server.port, '-d', '3')), 'Peer requested CA: CN=Test Root');
      return 'shown by name';
    },
  },
];

export const CERTIFICATES: readonly Feature[] = [...asked, ...compression, ...stapled, ...kinds];
