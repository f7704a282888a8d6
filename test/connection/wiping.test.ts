/** What a connection over the WebAssembly provider leaves in that memory when it is over: none of its secrets. */
import { expect, test } from 'vitest';
import { Pair } from '../support/pair.ts';
import { wasmProvider } from '../support/wasm.ts';

test.each(['disposed of', 'failed'])('a connection that is %s leaves no secret', (how) => {
  const provider = wasmProvider();
  const region = provider.memory.allocateRegion(64);
  const holds = (secret: Uint8Array) => Buffer.from(region.buffer as ArrayBuffer).includes(Buffer.from(secret));
  const secrets = new Map<string, Uint8Array>();
  const pair = new Pair({
    crypto: provider,
    server: { keyLog: (label, _random, secret) => void secrets.set(label, secret.slice()) },
  }).run();
  expect(secrets.size).toBe(5);
  // While it lives, what is still of use is there, and nothing else.
  const kept = ['CLIENT_TRAFFIC_SECRET_0', 'SERVER_TRAFFIC_SECRET_0', 'EXPORTER_SECRET'];
  for (const [label, secret] of secrets) expect(holds(secret), label).toBe(kept.includes(label));

  for (const connection of [pair.client, pair.server]) {
    if (how === 'failed') connection.receive(new Uint8Array(20));
    else connection.dispose();
  }
  for (const [label, secret] of secrets) expect(holds(secret), label).toBe(false);
});

test.each([1, 2, 3, 4, 5])('a key log that throws at its call %i leaves no secret', (last) => {
  const provider = wasmProvider();
  const region = provider.memory.allocateRegion(64);
  const holds = (secret: Uint8Array) => Buffer.from(region.buffer as ArrayBuffer).includes(Buffer.from(secret));
  const secrets: Uint8Array[] = [];
  const keyLog = (_label: string, _random: Uint8Array, secret: Uint8Array): void => {
    secrets.push(secret.slice());
    if (secrets.length === last) throw new Error('the disk is full');
  };
  const pair = new Pair({ crypto: provider, server: { keyLog } }).run();
  pair.client.dispose();
  expect(pair.server.error?.reason).toBe('internal_error');
  expect(secrets.length).toBe(last);
  for (const secret of secrets) expect(holds(secret)).toBe(false);
});
