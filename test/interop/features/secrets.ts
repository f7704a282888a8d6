import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { certificateCrypto } from '../../../src/crypto/webcrypto/certificate_crypto.ts';
import { loadCredentials } from '../../../src/pki/credentials.ts';
import { loadTrust } from '../../../src/pki/trust.ts';
import { peerVerifier } from '../../../src/pki/verify_peer.ts';
import { CertificateType } from '../../../src/registry/certificate_type.ts';
import { externalSession } from '../../../src/session/session.ts';
import type { HandshakeInfo } from '../../../src/handshake/result.ts';
import { acceptTls } from '../../../src/stream/tls_stream.ts';
import { createEngine } from '../../../src/terminator/engine.ts';
import { loadRuntime } from '../../../src/terminator/runtime.ts';
import type { ServerConfig } from '../../../src/handshake/config.ts';
import { expectEqual, expectText, type Feature, type Lab } from './lab.ts';
import { GNUTLS, gnutls, GO, goState, NSS, nss, OPENSSL, openssl } from './peers.ts';

const LABEL = 'EXPORTER-sallyport-interop';

/** The library's server in this process; each connection is sent back the first that it says. */
interface Library {
  readonly port: number;
  readonly connections: readonly Connected[];
}

interface Connected {
  readonly info: HandshakeInfo;
  /** Keying material under `LABEL`, in hexadecimal. */
  readonly exported: string;
}

interface RawKeys {
  /** A raw public key in place of the certificate. */
  readonly ours?: true;
  /** DER SubjectPublicKeyInfos of clients that are believed. */
  readonly theirs?: readonly Uint8Array[];
}

async function library(lab: Lab, more: Partial<ServerConfig> = {}, raw: RawKeys = {}): Promise<Library> {
  const engine = await createEngine(await loadRuntime());
  const { leaf } = lab.issue();
  const files = {
    chain: Buffer.from(leaf.chainPem),
    key: Buffer.from(leaf.keyPem),
    labels: { chain: 'chain', key: 'key' },
  };
  const { credentials: loaded } = await loadCredentials(files, engine.signatures, Date.now());
  const spki = new X509Certificate(leaf.chainPem).publicKey.export({ type: 'spki', format: 'der' });
  const credentials = raw.ours
    ? { ...loaded, chain: [new Uint8Array(spki)], certificateType: CertificateType.RawPublicKey }
    : loaded;
  const trust = loadTrust([{ bytes: readFileSync(lab.rootFile), label: 'root' }], [], Date.now());
  const verifier = peerVerifier(
    { trust, rawPublicKeys: raw.theirs ?? [] },
    certificateCrypto(engine.webCrypto.subtle, engine.signatures),
  );
  const config: ServerConfig = { ...engine.environment, ...more };
  const connections: Connected[] = [];
  const listener = await engine.network.listen({ host: '127.0.0.1', port: 0 }, async (socket) => {
    try {
      const stream = await acceptTls(socket, config, {
        selectCredentials: () => credentials,
        verifyPeer: async (question) => {
          const verdict = await verifier.verify(question, Date.now());
          return verdict.ok ? true : verdict;
        },
      });
      const exported = Buffer.from(stream.exportKeyingMaterial(LABEL, new Uint8Array(), 32)).toString('hex');
      connections.push({ info: stream.info, exported });
      // Back, and the end: NSS's client ends when its server does.
      const { value } = await stream.readable.getReader().read();
      const writer = stream.writable.getWriter();
      if (value !== undefined) await writer.write(value);
      await writer.close();
    } catch {
      // The client tells.
    }
  });
  lab.atEnd(() => listener.close());
  return { port: listener.address.port, connections };
}

/** Of the first connection, when its handshake is finished. */
async function connected({ connections }: Library): Promise<Connected> {
  for (const deadline = Date.now() + 5000; Date.now() < deadline;) {
    if (connections[0] !== undefined) return connections[0];
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('no connection');
}

const exporters: Feature[] = [
  {
    feature: 'exporter',
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const server = await library(lab);
      const args = openssl(lab, server.port, '-keymatexport', LABEL, '-keymatexportlen', '32');
      const said = await lab.talk('openssl', args, { last: 'Q\n' });
      expectEqual(
        expectText(said, /Keying material: ([0-9A-F]+)/)[1]?.toLowerCase(),
        (await connected(server)).exported,
        'keying material',
      );
      return 'the same 32 bytes';
    },
  },
  {
    feature: 'exporter',
    peer: 'gnutls-cli',
    missing: GNUTLS,
    async run(lab) {
      const server = await library(lab);
      const said = await lab.talk(
        'gnutls-cli',
        gnutls(lab, server.port, '--keymatexport', LABEL, '--keymatexportsize', '32'),
      );
      expectEqual(
        expectText(said, /Key material: ([0-9a-f]+)/i)[1]?.toLowerCase(),
        (await connected(server)).exported,
        'keying material',
      );
      return 'the same 32 bytes';
    },
  },
  {
    feature: 'exporter',
    peer: 'tstclnt (NSS)',
    missing: NSS,
    async run(lab) {
      const server = await library(lab);
      const said = await lab.talk('tstclnt', nss(lab, server.port, '-f', '-x', `${LABEL}:32`));
      const shown = said.replaceAll(/[^0-9a-f]/gi, '').toLowerCase();
      if (!shown.includes((await connected(server)).exported)) {
        throw new Error(`${(await connected(server)).exported} is not in: ${said.slice(0, 1500)}`);
      }
      return 'the same 32 bytes';
    },
  },
  {
    feature: 'exporter',
    peer: 'Go crypto/tls',
    missing: GO,
    async run(lab) {
      const server = await library(lab);
      expectEqual(
        (await goState(lab, server.port, '-export', LABEL)).exported,
        (await connected(server)).exported,
        'keying material',
      );
      return 'the same 32 bytes';
    },
  },
];

const KEY = '00112233445566778899aabbccddeeff0123456789abcdef';

/** Knows one identity. OpenSSL takes TLS_AES_128_GCM_SHA256 for such keys, and the others SHA-256. */
function withPsk(identity: string): Partial<ServerConfig> {
  return {
    cipherSuites: [0x1301],
    externalPsk: (asked) =>
      Buffer.from(asked).toString() === identity
        ? externalSession(new Uint8Array(Buffer.from(KEY, 'hex')), 0x1301)
        : undefined,
  };
}

async function usesPsk(lab: Lab, identity: string, connectWith: (port: number) => Promise<string>): Promise<string> {
  const server = await library(lab, withPsk(identity));
  await connectWith(server.port);
  const info = (await connected(server)).info;
  expectEqual(Buffer.from(info.pskIdentity ?? []).toString(), identity, 'identity');
  expectEqual(info.signatureScheme, undefined, 'signature');
  return 'no certificate, the identity known';
}

const externalPsks: Feature[] = [
  {
    feature: 'external PSK',
    peer: 'openssl s_client',
    missing: OPENSSL,
    run: (lab) =>
      usesPsk(lab, 'openssl', (port) => {
        const args = openssl(
          lab,
          port,
          '-psk',
          KEY,
          '-psk_identity',
          'openssl',
          '-ciphersuites',
          'TLS_AES_128_GCM_SHA256',
        );
        return lab.talk('openssl', args, { last: 'Q\n' });
      }),
  },
  {
    feature: 'external PSK',
    peer: 'gnutls-cli',
    missing: GNUTLS,
    run: (lab) =>
      usesPsk(lab, 'gnutls', (port) => {
        const priority = 'NORMAL:-VERS-ALL:+VERS-TLS1.3:+DHE-PSK:+ECDHE-PSK:+PSK:-CIPHER-ALL:+AES-128-GCM';
        return lab.talk(
          'gnutls-cli',
          gnutls(lab, port, '--priority', priority, '--pskusername', 'gnutls', '--pskkey', KEY),
        );
      }),
  },
  {
    feature: 'external PSK',
    peer: 'tstclnt (NSS)',
    missing: NSS,
    run: (lab) =>
      usesPsk(lab, 'nss', (port) => lab.talk('tstclnt', nss(lab, port, '-Q', '-z', `0x${KEY}:nss`), { steps: [] })),
  },
];

/** gnutls-cli with a raw public key of its own, which has it take such of a server as well. */
function gnutlsRaw(lab: Lab, types: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyFile = lab.write('raw.key', privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const file = lab.write('raw.pub', publicKey.export({ type: 'spki', format: 'pem' }));
  const args = ['--rawpkkeyfile', keyFile, '--rawpkfile', file, '--priority', `NORMAL:-CTYPE-ALL:${types}`];
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  return { spki, args: (port: number) => gnutls(lab, port, ...args) };
}

const rawPublicKeys: Feature[] = [
  {
    feature: 'raw public key of the server',
    peer: 'gnutls-cli',
    missing: GNUTLS,
    async run(lab) {
      const server = await library(lab, {}, { ours: true });
      const { args } = gnutlsRaw(lab, '+CTYPE-SRV-RAWPK:+CTYPE-CLI-X509');
      const said = await lab.talk('gnutls-cli', [...args(server.port), '--no-ca-verification']);
      expectText(said, /TLS1\.3-X\.509-Raw Public Key/);
      expectText(said, /^there and back$/m);
      return 'Certificate type: Raw Public Key';
    },
  },
  {
    feature: 'raw public key of the client',
    peer: 'gnutls-cli',
    missing: GNUTLS,
    async run(lab) {
      const { spki, args } = gnutlsRaw(lab, '+CTYPE-SRV-X509:+CTYPE-CLI-RAWPK');
      const { X509, RawPublicKey } = CertificateType;
      const clientAuthentication = { mode: 'require' as const, certificateTypes: [RawPublicKey, X509] };
      const server = await library(lab, { clientAuthentication }, { theirs: [spki] });
      await lab.talk('gnutls-cli', args(server.port));
      const { peerCertificates, peerCertificateType } = (await connected(server)).info;
      expectEqual(peerCertificateType, RawPublicKey, 'type');
      expectEqual(Buffer.from(peerCertificates[0] ?? []).equals(spki), true, 'its key');
      return 'the key that it has';
    },
  },
  {
    feature: 'raw public key of a client that is not known',
    peer: 'gnutls-cli',
    missing: GNUTLS,
    async run(lab) {
      const { args } = gnutlsRaw(lab, '+CTYPE-SRV-X509:+CTYPE-CLI-RAWPK');
      const clientAuthentication = { mode: 'require' as const, certificateTypes: [CertificateType.RawPublicKey] };
      const server = await library(lab, { clientAuthentication });
      expectText(await lab.talk('gnutls-cli', args(server.port)), 'Received alert [46]');
      return 'alert certificate_unknown';
    },
  },
];

/** The lines of a key log in an order that does not depend on who wrote first. Comments left out. */
function lines(text: string): string[] {
  return text.split('\n').map((line) => line.trim()).filter((line) => /^[A-Z_0-9]+ /.test(line)).sort();
}

function keyLogOf(
  peer: string,
  missing: string | undefined,
  talk: (lab: Lab, port: number, file: string) => Promise<unknown>,
): Feature {
  return {
    feature: 'SSLKEYLOGFILE',
    peer,
    missing,
    async run(lab) {
      const server = await lab.serve();
      const file = lab.write('client.log', '');
      await talk(lab, server.port, file);
      const [ours, theirs] = [lines(server.keyLog()), lines(readFileSync(file, 'utf8'))];
      if (theirs.length < 4) throw new Error(`it wrote ${theirs.length} lines`);
      // Our log has every secret of the handshake, whatever a client leaves out.
      const strange = theirs.filter((line) => !ours.includes(line));
      expectEqual(strange.map((line) => line.split(' ')[0]), [], 'lines that are not in ours');
      return `${theirs.length} lines, all of them in ours`;
    },
  };
}

// Debian builds NSS without its key log.
const keyLogs: Feature[] = [
  keyLogOf(
    'openssl s_client',
    OPENSSL,
    (lab, port, file) => lab.talk('openssl', openssl(lab, port, '-keylogfile', file), { last: 'Q\n' }),
  ),
  keyLogOf(
    'gnutls-cli',
    GNUTLS,
    (lab, port, file) => lab.talk('gnutls-cli', gnutls(lab, port), { env: { SSLKEYLOGFILE: file } }),
  ),
  keyLogOf('Go crypto/tls', GO, (lab, port, file) => goState(lab, port, '-keylog', file)),
  keyLogOf('node:tls', undefined, (lab, port, file) => {
    const script =
      `const client = require('node:tls').connect({ port: ${port}, servername: 'localhost', ca: require('node:fs')
      .readFileSync(${JSON.stringify(lab.rootFile)}) }); client.on('data', () => client.end()).write('x')`;
    return lab.talk(process.execPath, [`--tls-keylog=${file}`, '-e', script], { steps: [] });
  }),
];

export const SECRETS: readonly Feature[] = [...exporters, ...externalPsks, ...rawPublicKeys, ...keyLogs];
