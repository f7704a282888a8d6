import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issue, makeRoot } from '../support/certificates.ts';
import { type Backend, startBackend } from './backend.ts';
import { type Client, type Connect, type Group, GROUPS, type Handshake, type Suite } from './clients.ts';
import { copiesOf, move } from './move.ts';
import type { ConnectionLine, Host, Server } from './servers.ts';

/** One row of the table: who, in front of what, with which suite and group. */
export interface Scenario {
  readonly host: Host;
  readonly client: Client;
  readonly suite: Suite;
  readonly group: Group;
  readonly handshake: Handshake;
}

/** A root, a certificate for localhost, a backend, and one running terminator for each host that a scenario has asked for. */
export class Fixture {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sallyport-interop-'));
  readonly #backend: Backend;
  readonly #servers = new Map<string, Promise<Server>>();

  private constructor(backend: Backend) {
    this.#backend = backend;
    // The clients read the machine's clock.
    const now = Date.now();
    const validity = { notBefore: now - 86_400_000, notAfter: now + 30 * 86_400_000 };
    const root = makeRoot(validity);
    const leaf = issue(root, validity);
    writeFileSync(this.#file('root.pem'), root.pem);
    writeFileSync(this.#file('chain.pem'), leaf.chainPem);
    writeFileSync(this.#file('key.pem'), leaf.keyPem);
    const client = issue(root, { ...validity, subject: 'client', names: ['client.test'] });
    writeFileSync(this.#file('client.pem'), client.chainPem);
    writeFileSync(this.#file('client-key.pem'), client.keyPem);
  }

  static async start(): Promise<Fixture> {
    return new Fixture(await startBackend());
  }

  /** Moves `length` bytes each way. Resolves with seconds; throws with what was wrong. */
  async run(scenario: Scenario, length: number): Promise<number> {
    const { client, suite, group, handshake } = scenario;
    const own = client.choosesSuite ? undefined : await this.#start(scenario, { suite, group });
    const server = own ?? await this.#shared(scenario);
    const connect = {
      port: server.port,
      suite,
      group,
      handshake,
      folder: this.#folderOf(client),
      rootFile: this.#file('root.pem'),
      certificateFile: this.#file('client.pem'),
      keyFile: this.#file('client-key.pem'),
    };
    try {
      const before = server.connections?.length;
      const seconds = await move(client, connect, this.#backend, length);
      if (server.connections !== undefined) {
        const carriers = (): ConnectionLine[] =>
          server.connections?.slice(before).filter(({ received }) => received >= length) ?? [];
        await checkLog(carriers, connect, copiesOf(client, handshake));
      }
      return seconds;
    } finally {
      await own?.stop();
    }
  }

  async stop(): Promise<void> {
    const servers = await Promise.all(this.#servers.values());
    await Promise.all(servers.map((server) => server.stop()));
    this.#backend.close();
    rmSync(this.#folder, { recursive: true });
  }

  #shared(scenario: Scenario): Promise<Server> {
    const key = `${scenario.host.name} ${scenario.handshake === 'client certificate'}`;
    const running = this.#servers.get(key) ?? this.#start(scenario, undefined);
    this.#servers.set(key, running);
    return running;
  }

  #start({ host, handshake }: Scenario, only: { suite: Suite; group: Group } | undefined): Promise<Server> {
    return host.start({
      certificateFile: this.#file('chain.pem'),
      keyFile: this.#file('key.pem'),
      backendPort: this.#backend.port,
      flags: [
        ...(handshake === 'client certificate' ? ['--client-ca', this.#file('root.pem')] : []),
        // All of them: some are for requests only.
        ...(only === undefined ? ['--groups', GROUPS.join(',')] : []),
      ],
      ...(only === undefined ? {} : { only }),
    });
  }

  #folderOf(client: Client): string {
    const folder = this.#file(client.name.replace(/\W+/g, '_'));
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }
}

/** The terminator has seen what the client was told to do. Its line comes a little after the client has ended. */
async function checkLog(carriers: () => ConnectionLine[], connect: Connect, copies: number): Promise<void> {
  const deadline = Date.now() + 5000;
  let line: ConnectionLine | undefined;
  while (line === undefined) {
    line = carriers()[copies - 1];
    if (Date.now() > deadline) throw new Error('the terminator has not logged the connection');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { suite, group, resumed = false } = line;
  const expected = connect.handshake === 'any' ? resumed : connect.handshake === 'resumed';
  if (suite !== connect.suite || group !== connect.group || resumed !== expected) {
    throw new Error(`the terminator saw ${suite}, ${group}${resumed ? ', resumed' : ''}`);
  }
}
