import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issue, makeRoot } from '../support/certificates.ts';
import { type Backend, startBackend } from './backend.ts';
import type { Client, Group, Suite } from './clients.ts';
import { move } from './move.ts';
import type { Host, Server } from './servers.ts';

/** One row of the table: who, in front of what, with which suite and group. */
export interface Scenario {
  readonly host: Host;
  readonly client: Client;
  readonly suite: Suite;
  readonly group: Group;
}

/** A root, a certificate for localhost, a backend, and one running terminator for each host that a scenario has asked for. */
export class Fixture {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sallyport-interop-'));
  readonly #backend: Backend;
  readonly #servers = new Map<Host, Promise<Server>>();

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
  }

  static async start(): Promise<Fixture> {
    return new Fixture(await startBackend());
  }

  /** Moves `length` bytes each way. Resolves with seconds; throws with what was wrong. */
  async run({ host, client, suite, group }: Scenario, length: number): Promise<number> {
    const own = client.choosesSuite ? undefined : await this.#start(host, { suite, group });
    const { port } = own ?? await this.#shared(host);
    const folder = this.#file(client.name.replace(/\W+/g, '_'));
    try {
      return await move(
        client,
        { port, suite, group, rootFile: this.#file('root.pem'), folder },
        this.#backend,
        length,
      );
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

  #shared(host: Host): Promise<Server> {
    const running = this.#servers.get(host) ?? this.#start(host, undefined);
    this.#servers.set(host, running);
    return running;
  }

  #start(host: Host, only: { suite: Suite; group: Group } | undefined): Promise<Server> {
    return host.start({
      certificateFile: this.#file('chain.pem'),
      keyFile: this.#file('key.pem'),
      backendPort: this.#backend.port,
      ...(only === undefined ? {} : { only }),
    });
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }
}
