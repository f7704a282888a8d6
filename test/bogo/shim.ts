/**
 * The shim of BoringSSL's test runner (ssl/test/PORTING.md there): for each connection it connects to the runner, says its
 * id, and speaks TLS as the flags say.
 */
import { randomBytes } from 'node:crypto';
import { ClientConnection } from '../../src/connection/client.ts';
import { ServerConnection } from '../../src/connection/server.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { TlsError, UsageError } from '../../src/error.ts';
import type { CommonConfig } from '../../src/handshake/config.ts';
import { TicketKeyRing } from '../../src/session/ticket_key_ring.ts';
import { TcpLink } from '../support/raw_link.ts';
import { concat } from '../support/raw_wire.ts';
import { Exchange, type Received, shimReason } from './exchange.ts';
import { ExpectationError, parseFlags, type ShimConfig, UNIMPLEMENTED, Unimplemented } from './flags.ts';
import { speaksTls13 } from './hello.ts';
import { loadCredentials, PskChoice } from './credentials.ts';
import { clientConfig, serverConfig } from './setup.ts';

const TLS13 = 0x0304;

/** What the shim's process gives the runner. */
export interface ShimResult {
  /** 0: as expected; 1: the reason is in `stderr`; 89: not implemented. */
  readonly code: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** For the summary. */
  readonly role: 'server' | 'client';
  /** Whether the runner's side spoke TLS 1.3; undefined when it never came to that. */
  readonly tls13: boolean | undefined;
  /** With code 89: what is not implemented. */
  readonly missing?: string;
}

/** What one run has seen, for the summary. */
interface Seen {
  tls13: boolean | undefined;
}

export async function runShim(argv: readonly string[], crypto: CryptoProvider): Promise<ShimResult> {
  const role = argv.includes('-server') ? 'server' : 'client';
  const seen: Seen = { tls13: undefined };
  const result = (code: number, rest: { stderr?: string; missing?: string } = {}): ShimResult => {
    return { code, role, tls13: seen.tls13, ...rest };
  };
  if (argv.includes('-is-handshaker-supported')) return { ...result(0), stdout: 'No\n' };
  try {
    await connectAll(argv, crypto, seen);
    return result(0);
  } catch (error) {
    // A UsageError: a group or a cipher suite that this library has not.
    if (error instanceof Unimplemented || error instanceof UsageError) {
      if (role === 'server') await probe(argv, seen);
      return result(UNIMPLEMENTED, { stderr: `${error.message}\n`, missing: error.message });
    }
    if (error instanceof ExpectationError) return result(1, { stderr: `${error.message}\n` });
    if (!(error instanceof TlsError)) return result(1, { stderr: `${(error as Error).stack}\n` });
    return result(1, { stderr: `${shimReason(error)}\n${error.message}\n` });
  }
}

/** In place of `runShim`: only what the runner's client offers. */
export async function lookAt(argv: readonly string[]): Promise<ShimResult> {
  const role = argv.includes('-server') ? 'server' : 'client';
  if (argv.includes('-is-handshaker-supported')) return { code: 0, role, tls13: undefined, stdout: 'No\n' };
  const seen: Seen = { tls13: undefined };
  if (role === 'server') await probe(argv, seen);
  return { code: UNIMPLEMENTED, role, tls13: seen.tls13, stderr: 'only looked at\n' };
}

/** Reads the runner's ClientHello of a test that is not run, to count it rightly. */
async function probe(argv: readonly string[], seen: Seen): Promise<void> {
  const flag = (name: string) => argv[argv.indexOf(name) + 1]!;
  if (seen.tls13 !== undefined) return;
  const link = new TcpLink(Number(flag('-port')), argv.includes('-ipv6') ? '::1' : '127.0.0.1');
  link.send(littleEndian(BigInt(flag('-shim-id'))));
  let received: Uint8Array = new Uint8Array();
  while (seen.tls13 === undefined && received.length < 100_000) {
    const bytes = await link.receive();
    if (bytes.length === 0) break;
    received = concat(received, bytes);
    seen.tls13 = speaksTls13(received);
  }
  link.close();
}

async function connectAll(argv: readonly string[], crypto: CryptoProvider, seen: Seen): Promise<void> {
  const { initial, resume } = parseFlags(argv);
  // Time stands still but for -resumption-delay: the runner looks at ticket ages to the millisecond.
  const start = Date.now();
  let delay = 0;
  const common: CommonConfig = {
    crypto,
    random: (length) => new Uint8Array(randomBytes(length)),
    now: () => start + delay,
  };
  const store = new TicketKeyRing(crypto, common.random);
  let ticket: Received | undefined;
  for (let i = 0; i <= initial.numbers.get('resume-count')!; i++) {
    const config = i === 0 ? initial : resume;
    checkVersions(config);
    const credentials = loadCredentials(config, crypto);
    const psks = new PskChoice(credentials);
    const isServer = config.switches.has('server');
    if (!isServer && i > 0 && ticket === undefined) throw new ExpectationError('No session to offer.');
    const offer = i > 0 ? ticket : undefined;
    const connection = isServer
      ? new ServerConnection(serverConfig(config, common, store, psks.lookUp))
      : new ClientConnection(clientConfig(config, common, credentials, offer));
    const link = new TcpLink(config.numbers.get('port')!, config.switches.has('ipv6') ? '::1' : '127.0.0.1');
    link.send(littleEndian(BigInt(config.strings.get('shim-id')!)));
    const exchange = new Exchange(config, connection, link, credentials, psks, i > 0);
    try {
      ticket = (await exchange.run()).ticket ?? ticket;
    } catch (error) {
      // Said by us to a client of another version, or by such a server to us.
      const isVersion = error instanceof TlsError && error.alert === 'protocol_version';
      const isOlder = isVersion && exchange.peerSpeaksTls13 !== true && config.numbers.get('min-version') !== TLS13;
      throw isOlder ? new Unimplemented('older versions') : error;
    } finally {
      seen.tls13 ??= exchange.peerSpeaksTls13;
      connection.dispose();
    }
    delay += 1000 * (config.numbers.get('resumption-delay') ?? 0);
  }
}

function checkVersions({ numbers }: ShimConfig): void {
  if ((numbers.get('max-version') ?? TLS13) < TLS13) throw new Unimplemented('older versions');
  if ((numbers.get('min-version') ?? 0) > TLS13) throw new Unimplemented('newer versions');
  if ((numbers.get('expect-version') ?? TLS13) !== TLS13) throw new Unimplemented('older versions');
}

function littleEndian(id: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, id, true);
  return bytes;
}
