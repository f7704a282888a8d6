/// <reference lib="deno.ns" />
// Real handshakes on Deno: its own client against the terminator over its own sockets.
import assert from 'node:assert/strict';
import {
  createEngine,
  loadCredentials,
  loadRuntime,
  type Route,
  selfSigned,
  Terminator,
  type TerminatorOptions,
} from '../../src/mod.ts';

const loopback = { host: '127.0.0.1', port: 0 };

/** Sends back what it gets. */
function echoBackend(): Deno.TcpListener {
  const listener = Deno.listen({ hostname: '127.0.0.1', port: 0 });
  (async () => {
    for await (const connection of listener) connection.readable.pipeTo(connection.writable).catch(() => {});
  })();
  return listener;
}

async function withTerminator(
  options: Partial<TerminatorOptions>,
  use: (connect: () => Promise<Deno.TlsConn>, terminator: Terminator) => Promise<void>,
): Promise<void> {
  const engine = await createEngine(await loadRuntime());
  const now = Date.now();
  const made = await selfSigned({ now }, engine.webCrypto, engine.signatures);
  const files = { chain: made.certificate, key: made.privateKey, labels: { chain: 'made in memory' } };
  const backend = echoBackend();
  const { hostname, port } = backend.addr;
  const routes: Route[] = [{ target: { host: hostname, port } }];
  const credentials = [await loadCredentials(files, engine.signatures, now)];
  const terminator = new Terminator(engine, { listen: [loopback], routes, credentials, ...options });
  await terminator.listen();
  const address = terminator.addresses[0];
  assert.ok(address !== undefined);
  try {
    await use(
      () => Deno.connectTls({ hostname: '127.0.0.1', port: address.port, caCerts: [made.certificatePem] }),
      terminator,
    );
  } finally {
    backend.close();
    await terminator.drain(100);
  }
}

async function exchange(connection: Deno.TlsConn, sent: Uint8Array): Promise<Uint8Array> {
  const received = new Uint8Array(sent.length);
  const writing = (async () => {
    for (let offset = 0; offset < sent.length;) offset += await connection.write(sent.subarray(offset));
  })();
  for (let offset = 0; offset < received.length;) {
    const length = await connection.read(received.subarray(offset));
    if (length === null) throw new Error('ended early');
    offset += length;
  }
  await writing;
  return received;
}

for (const cipherSuite of [0x1301, 0x1302, 0x1303]) {
  Deno.test(`a megabyte there and back with suite 0x${cipherSuite.toString(16)}`, async () => {
    await withTerminator({ tls: { cipherSuites: [cipherSuite] } }, async (connect, { metrics }) => {
      const connection = await connect();
      const sent = Uint8Array.from({ length: 1 << 20 }, (_, index) => (index * 2654435761) >>> 11);
      assert.deepEqual(await exchange(connection, sent), sent);
      connection.close();
      assert.equal(metrics.connections, 1);
      assert.equal(metrics.bytesReceived, sent.length);
    });
  });
}

Deno.test('a small message is answered without a stall', async () => {
  await withTerminator({}, async (connect) => {
    const connection = await connect();
    await connection.handshake();
    const begun = performance.now();
    for (let round = 0; round < 10; round++) {
      const sent = Uint8Array.of(round, 1, 2, 3);
      assert.deepEqual(await exchange(connection, sent), sent);
    }
    // Delayed acknowledgements and Nagle's algorithm would make each round 40 ms.
    assert.ok(performance.now() - begun < 300);
    connection.close();
  });
});
