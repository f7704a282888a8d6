// A pipe over node:tls: node node_client.mjs PORT ROOT_FILE SUITE GROUP HANDSHAKE CERTIFICATE_FILE KEY_FILE
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

const [port, rootFile, suite, group, handshake, certificateFile, keyFile] = process.argv.slice(2);
const resume = handshake === 'resumed';
const withCertificate = handshake === 'client certificate';

function connect(session) {
  const socket = tls.connect({
    host: '127.0.0.1',
    port: Number(port),
    servername: 'localhost',
    ca: readFileSync(rootFile),
    minVersion: 'TLSv1.3',
    ciphers: suite,
    ecdhCurve: group,
    allowHalfOpen: true,
    session,
    ...(withCertificate ? { cert: readFileSync(certificateFile), key: readFileSync(keyFile) } : {}),
  });
  socket.on('error', (error) => {
    console.error(String(error));
    process.exit(1);
  });
  return socket;
}

async function warmUp() {
  const socket = connect(undefined);
  let session;
  socket.on('session', (ticket) => session = ticket);
  socket.end('MOVE 0 0 warm-up\n');
  socket.resume();
  await once(socket, 'close');
  return session;
}

const socket = connect(resume ? await warmUp() : undefined);
process.stdin.pipe(socket);
socket.pipe(process.stdout);
await once(socket, 'secureConnect');
if (socket.isSessionReused() !== resume) {
  console.error(`session reused: ${socket.isSessionReused()}`);
  process.exit(1);
}
