// Deno.listenTls in front of a TCP backend, joined with read and write loops (pipeTo costs much more).
// deno run --allow-net --allow-read deno_listen_tls.js PORT BACKEND_PORT CERT KEY
const [port, backend, cert, key] = Deno.args;
const listener = Deno.listenTls({
  hostname: '127.0.0.1',
  port: Number(port),
  cert: Deno.readTextFileSync(cert),
  key: Deno.readTextFileSync(key),
});

async function copy(from, to) {
  const buffer = new Uint8Array(65536);
  for (;;) {
    const n = await from.read(buffer);
    if (n === null) return;
    for (let at = 0; at < n;) at += await to.write(buffer.subarray(at, n));
  }
}

async function join(client) {
  let upstream;
  try {
    upstream = await Deno.connect({
      hostname: '127.0.0.1',
      port: Number(backend),
    });
    upstream.setNoDelay(true);
    const close = () => {
      try {
        upstream.close();
      } catch { /* closed already */ }
      try {
        client.close();
      } catch { /* closed already */ }
    };
    copy(client, upstream).catch(() => {}).finally(close);
    copy(upstream, client).catch(() => {}).finally(close);
  } catch {
    client.close();
  }
}

for (;;) {
  try {
    join(await listener.accept());
  } catch { /* a client that failed its handshake */ }
}
