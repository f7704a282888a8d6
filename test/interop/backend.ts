import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { chunksOf } from './payload.ts';

/** A plain TCP server behind the terminator that takes and gives payloads. */
export interface Backend {
  readonly port: number;
  /** SHA-256 in hex of what each finished upload brought, by the upload's seed. */
  readonly received: ReadonlyMap<string, string>;
  close(): void;
}

/**
 * Understands one request per connection, as a line or as HTTP, so that pipes and HTTP clients can use it:
 * `MOVE <up> <down> <seed>\n`, or `PUT /<down>/<seed>` with a Content-Length of `<up>`. It reads `up` bytes, then sends the payload of
 * `down` bytes under `seed`, then ends its side.
 */
export async function startBackend(): Promise<Backend> {
  const received = new Map<string, string>();
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    void serve(socket, received).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    received,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function serve(socket: Socket, received: Map<string, string>): Promise<void> {
  const hash = createHash('sha256');
  let head = Buffer.alloc(0);
  let request: Request | undefined;
  let left = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    let body = chunk;
    if (request === undefined) {
      head = Buffer.concat([head, chunk]);
      const parsed = parseHead(head);
      if (parsed === undefined) continue;
      request = parsed;
      left = request.up;
      body = head.subarray(request.headLength);
    }
    hash.update(body);
    left -= body.length;
    if (left <= 0) break;
  }
  if (request === undefined) return void socket.destroy();
  // More than announced is a fault too, and shows as another digest.
  received.set(request.seed, hash.digest('hex'));
  if (request.page) return void socket.end(page(request));
  if (request.http) socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${request.down}\r\nConnection: close\r\n\r\n`);
  for (const chunk of chunksOf({ length: request.down, seed: request.seed })) {
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
  socket.end();
  socket.resume();
}

interface Request {
  readonly up: number;
  readonly down: number;
  readonly seed: string;
  readonly headLength: number;
  readonly http: boolean;
  /** A browser asks for the page that makes the request. */
  readonly page: boolean;
}

function parseHead(head: Buffer): Request | undefined {
  const text = head.toString('latin1');
  const move = /^MOVE (\d+) (\d+) (\S+)\n/.exec(text);
  if (move !== null) {
    return {
      up: Number(move[1]),
      down: Number(move[2]),
      seed: move[3] ?? '',
      headLength: move[0].length,
      http: false,
      page: false,
    };
  }
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const asked = /^GET \/page\/(\d+)\/(\S+) HTTP\/1/.exec(text);
  if (asked !== null) {
    return { up: 0, down: Number(asked[1]), seed: asked[2] ?? '', headLength: end + 4, http: true, page: true };
  }
  const target = /^(?:PUT|POST) \/(\d+)\/(\S+) HTTP\/1/.exec(text);
  const length = /\r\ncontent-length: *(\d+)/i.exec(text);
  if (target === null || length === null) throw new Error(`not a request: ${text.slice(0, 80)}`);
  return {
    up: Number(length[1]),
    down: Number(target[1]),
    seed: target[2] ?? '',
    headLength: end + 4,
    http: true,
    page: false,
  };
}

/** Fetches the upload's payload, sends it up, and says the digest of what comes down. */
function page({ down, seed }: Request): string {
  const html = `<!doctype html><title>payload</title><link rel=icon href=data:,><script type=module>
    const put = async (path, body) => (await fetch(path, { method: 'PUT', body })).arrayBuffer();
    const answer = await put('/${down}/${seed}', await put('/${down}/up-${seed}', ''));
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', answer));
    document.body.textContent = 'SHA-256 ' + Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  </script>`;
  const head =
    `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${html.length}\r\nConnection: close\r\n\r\n`;
  return head + html;
}
