// A pipe over node:tls: node node_client.mjs PORT ROOT_FILE SUITE GROUP
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

const [port, rootFile, suite, group] = process.argv.slice(2);
const socket = tls.connect({
  host: '127.0.0.1',
  port: Number(port),
  servername: 'localhost',
  ca: readFileSync(rootFile),
  minVersion: 'TLSv1.3',
  ciphers: suite,
  ecdhCurve: group,
  allowHalfOpen: true,
});
socket.on('error', (error) => {
  console.error(String(error));
  process.exit(1);
});
process.stdin.pipe(socket);
socket.pipe(process.stdout);
