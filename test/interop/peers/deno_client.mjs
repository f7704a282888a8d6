// A pipe over Deno's own TLS client: deno run deno_client.mjs PORT ROOT_FILE HANDSHAKE CERTIFICATE_FILE KEY_FILE
const [port, rootFile, handshake, certificateFile, keyFile] = Deno.args;
const identity = handshake === 'client certificate'
  ? { cert: await Deno.readTextFile(certificateFile), key: await Deno.readTextFile(keyFile) }
  : {};
const connection = await Deno.connectTls({
  hostname: 'localhost',
  port: Number(port),
  caCerts: [await Deno.readTextFile(rootFile)],
  ...identity,
});

async function copy(from, to) {
  const buffer = new Uint8Array(65536);
  for (let count; (count = await from.read(buffer)) !== null;) {
    for (let written = 0; written < count;) written += await to.write(buffer.subarray(written, count));
  }
}

const up = copy(Deno.stdin, connection).then(() => connection.closeWrite());
await Promise.all([copy(connection, Deno.stdout), up]);
