/**
 * `npm run test:interop`: every client with every suite and group it has, on every host, 100 MiB each way, as a table. Options: a number of
 * MiB, and words that a row must contain: `npm run test:interop -- 10 gnutls`.
 */
import { CLIENTS, SUITES } from './clients.ts';
import { Fixture, type Scenario } from './fixture.ts';
import { HOSTS, STOCK_HOST } from './servers.ts';

const MIB = 1 << 20;

function scenarios(words: readonly string[]): Scenario[] {
  const hosts = words.includes('stock') ? [STOCK_HOST] : HOSTS;
  const all: Scenario[] = [];
  for (const [index, host] of hosts.entries()) {
    for (const client of CLIENTS) {
      for (const suite of SUITES) all.push({ host, client, suite, group: 'x25519', handshake: client.handshakes[0] });
      const others = host === STOCK_HOST ? [] : client.handshakes.slice(1);
      for (const handshake of others) all.push({ host, client, suite: SUITES[0], group: 'x25519', handshake });
      // The groups do not depend on what moves the bytes.
      if (index > 0) continue;
      for (const group of client.groups.slice(1)) {
        all.push({ host, client, suite: SUITES[0], group, handshake: client.handshakes[0] });
      }
    }
  }
  return all.filter((scenario) =>
    words.every((word) => word === 'stock' || columns(scenario).join(' ').includes(word))
  );
}

function columns({ host, client, suite, group, handshake }: Scenario): string[] {
  return [host.name, client.name, suite, group, handshake];
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell, index) => cell.padEnd([14, 16, 28, 17, 18, 16][index] ?? 0)).join(' | ')} |`;
}

async function run(args: readonly string[]): Promise<number> {
  const mebibytes = Number(args.find((arg) => /^\d+$/.test(arg)) ?? 100);
  const length = mebibytes * MIB;
  const words = args.filter((arg) => !/^\d+$/.test(arg));
  const fixture = await Fixture.start();
  const versions = new Map(CLIENTS.map((client) => [client, client.version()]));
  console.log(`Clients: ${[...versions.values()].filter((version) => version !== undefined).join(', ')}`);
  console.log(`${mebibytes} MiB up, then ${mebibytes} MiB down, both compared by SHA-256.\n`);
  console.log(row(['terminator on', 'client', 'suite', 'group', 'handshake', 'result']));
  console.log(row(Array.from({ length: 6 }, () => '---')));
  let failures = 0;
  const skipped = new Set<string>();
  for (const scenario of scenarios(words)) {
    const { host, client } = scenario;
    if (host.missing !== undefined) skipped.add(`the terminator on ${host.name}: ${host.missing}`);
    else if (versions.get(client) === undefined) skipped.add(`${client.name}: ${client.missing}`);
    if (host.missing !== undefined || versions.get(client) === undefined) continue;
    const result = await attempt(fixture, scenario, length);
    if (result.startsWith('FAILED')) failures++;
    console.log(row([...columns(scenario), result]));
  }
  await fixture.stop();
  for (const what of skipped) console.log(`skipped: ${what}`);
  return failures;
}

async function attempt(fixture: Fixture, scenario: Scenario, length: number): Promise<string> {
  try {
    const seconds = await fixture.run(scenario, length);
    return `intact, ${seconds.toFixed(1)} s`;
  } catch (error) {
    return `FAILED: ${(error as Error).message.replaceAll('\n', ' ')}`;
  }
}

const failures = await run(process.argv.slice(2));
if (failures > 0) {
  console.log(`\n${failures} failed`);
  process.exitCode = 1;
}
