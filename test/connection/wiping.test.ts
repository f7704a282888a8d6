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
