// The proxy most people write: node:tls in front of a TCP backend, joined with pipe.
// node node_tls.mjs PORT BACKEND_PORT CERT KEY
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createServer } from 'node:tls';

const [port, backend, cert, key] = process.argv.slice(2);
const options = {
  cert: readFileSync(cert),
  key: readFileSync(key),
  minVersion: 'TLSv1.3',
  noDelay: true,
};

createServer(options, (client) => {
  const upstream = connect({
    host: '127.0.0.1',
    port: Number(backend),
    noDelay: true,
  });
  client.on('error', () => upstream.destroy());
  upstream.on('error', () => client.destroy());
  client.on('close', () => upstream.destroy());
  upstream.on('close', () => client.destroy());
  client.pipe(upstream);
  upstream.pipe(client);
}).on('tlsClientError', () => {}).listen({
  host: '127.0.0.1',
  port: Number(port),
  backlog: 4096,
});
