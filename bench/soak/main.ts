/**
 * `npm run soak`: clients and backends that behave in every way they may, for a while, against one terminator. It ends with a
 * verdict: no byte lost or altered, nothing left open, memory flat, nothing unhandled. Seeded.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeCertificate, makeClientCertificate } from '../certificates.ts';
import { Backend } from './backend.ts';
import { Random } from './random.ts';
import { scenarios } from './scenario.ts';
import { findDeno, Server } from './server.ts';
import { Soak } from './soak.ts';

const usage = `npm run soak -- [options]
  --seconds N       default 60; the long one is 1800
  --seed N          default: the clock's; printed
  --clients N       at the same time; default 24
  --runtime PATH    what the terminator runs on: a binary of Node or of Deno, or 'deno' for the one of the development
                    dependencies; default: this Node
  --workers N       default 1
  --only NAME       one scenario: ${Object.keys(scenarios).join(', ')}
  --command TEXT    another server: {port}, {backend}, {cert} and {key} are filled in
`;

async function main(): Promise<boolean> {
  const { values: options } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
      clients: { type: 'string', default: '24' },
      runtime: { type: 'string', default: process.execPath },
      workers: { type: 'string', default: '1' },
      only: { type: 'string' },
      command: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (options.help) {
    process.stdout.write(usage);
    return true;
  }
  const number = (name: 'seconds' | 'seed' | 'clients' | 'workers', least: number): number => {
    const value = Number(options[name]);
    if (!(value >= least)) throw new Error(`--${name} wants a number from ${least}`);
    return value;
  };
  const [seconds, seed, clients] = [number('seconds', 1), number('seed', 0), number('clients', 1)];
  const { only, command } = options;
  if (only !== undefined && !(only in scenarios)) throw new Error(`no scenario ${only}`);
  const runtime = options.runtime === 'deno' ? findDeno() : options.runtime;

  const folder = mkdtempSync(join(tmpdir(), 'sallyport-soak-'));
  const backend = new Backend();
  let server: Server | undefined;
  // An error here is a fault of the soak itself or of the server's bytes: it must not pass unseen.
  process.on('unhandledRejection', (error) => {
    throw error;
  });
  try {
    const certificate = makeCertificate(folder, 'ECDSA');
    const client = makeClientCertificate(folder);
    await backend.listen();
    server = await Server.start({
      runtime,
      workers: number('workers', 1),
      backendPort: backend.port,
      certificate,
      clientAuthority: client.authorityFile,
      command,
    });
    process.stdout.write(`seed ${seed}, ${seconds} s, ${clients} clients at a time\n`);
    const soak = new Soak(server, backend, readFileSync(certificate.cert, 'utf8'), client);
    const faults = await soak.run(seconds, clients, new Random(seed), only);
    process.stdout.write(soak.report());
    for (const fault of faults) process.stdout.write(`FAULT ${fault}\n`);
    const sound = faults.length === 0;
    process.stdout.write(sound ? 'sound: nothing lost, altered, leaked or unhandled\n' : `${faults.length} faults\n`);
    return sound;
  } finally {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

main().then((sound) => process.exit(sound ? 0 : 1), (error: Error) => {
  process.stderr.write(`soak: ${error.message}\n`);
  process.exit(2);
});
