// A pipe over Deno's own TLS client: deno run deno_client.mjs PORT ROOT_FILE
const [port, rootFile] = Deno.args;
const connection = await Deno.connectTls({
  hostname: 'localhost',
  port: Number(port),
  caCerts: [await Deno.readTextFile(rootFile)],
});

async function copy(from, to) {
  const buffer = new Uint8Array(65536);
  for (let count; (count = await from.read(buffer)) !== null;) {
    for (let written = 0; written < count;) written += await to.write(buffer.subarray(written, count));
  }
}

const up = copy(Deno.stdin, connection).then(() => connection.closeWrite());
await Promise.all([copy(connection, Deno.stdout), up]);
