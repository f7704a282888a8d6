import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

/** A client of node:tls on loopback, handshake finished. Certificates are not checked unless `ca` is given. */
export async function tlsClient(port: number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const given = { host: '127.0.0.1', port, rejectUnauthorized: options.ca !== undefined, ...options };
  // Node hands `allowHalfOpen` on to the socket; its types do not say so.
  const socket = tls.connect({ ...given, allowHalfOpen: true } as tls.ConnectionOptions);
  await once(socket, 'secureConnect');
  socket.on('error', () => {});
  return socket;
}

/** Such a client over a TCP socket of its own, which can end or break off below TLS. */
export async function tlsClientOverTcp(port: number): Promise<{ tls: tls.TLSSocket; tcp: net.Socket }> {
  const tcp = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  tcp.on('error', () => {});
  const socket = tls.connect({ socket: tcp, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  socket.on('error', () => {});
  return { tls: socket, tcp };
}

/** Everything until the end; the other direction stays open. Rejects when the stream breaks off. */
export function readToEnd(socket: net.Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.once('end', () => resolve(Buffer.concat(chunks)));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed without an end')));
    socket.resume();
  });
}

/** Everything a TCP socket brings, however it ends. */
export function readUntilClosed(socket: net.Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  return new Promise((resolve) => socket.once('close', () => resolve(Buffer.concat(chunks))));
}

/** What a TCP socket ended with: 'end' (FIN) or the error's code (ECONNRESET). */
export function endOf(socket: net.Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('end', () => resolve('end'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** Whether nobody listens on that port. */
export async function refused(port: number): Promise<boolean> {
  const socket = net.connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
}
