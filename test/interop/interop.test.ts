import { afterAll, beforeAll, describe, test } from 'vitest';
import { CLIENTS, SUITES } from './clients.ts';
import { Fixture, type Scenario } from './fixture.ts';
import { type Host, HOSTS, STOCK_HOST } from './servers.ts';

/** Bytes each way, several records. `npm run test:interop` moves 100 MiB. */
const LENGTH = 100_000;

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture.stop());

/** Every suite with X25519, and with one suite every other group and kind of handshake. */
function describeMatrix(host: Host): void {
  for (const client of CLIENTS) {
    const version = client.version();
    const skip = host.missing ?? (version === undefined ? client.missing : undefined);
    const basis: Scenario = { host, client, suite: SUITES[0], group: 'x25519', handshake: client.handshakes[0] };
    const scenarios = [
      ...SUITES.map((suite) => ({ ...basis, suite })),
      ...client.groups.slice(1).map((group) => ({ ...basis, group })),
      ...client.handshakes.slice(1).map((handshake) => ({ ...basis, handshake })),
    ];
    for (const scenario of scenarios) {
      const name = `${client.name}, ${scenario.suite}, ${scenario.group}, ${scenario.handshake}`;
      test.skipIf(skip !== undefined)(skip === undefined ? name : `${name} (${skip})`, async () => {
        await fixture.run(scenario, LENGTH);
      });
    }
  }
}

/** One handshake and the way there and back for each client. */
function describeClients(host: Host): void {
  for (const client of CLIENTS) {
    const skip = host.missing ?? (client.version() === undefined ? client.missing : undefined);
    test.skipIf(skip !== undefined)(skip === undefined ? client.name : `${client.name} (${skip})`, async () => {
      await fixture.run({ host, client, suite: SUITES[0], group: 'x25519', handshake: client.handshakes[0] }, LENGTH);
    });
  }
}

const [primary, ...others] = HOSTS;
describe(`on ${primary?.name}`, () => describeMatrix(primary as Host));
for (const host of others) describe(`on ${host.name}`, () => describeClients(host));
describe(`the harness itself, against ${STOCK_HOST.name}`, () => describeClients(STOCK_HOST));
