import { once } from 'node:events';
import net from 'node:net';
import { afterEach } from 'vitest';

const backends = new Set<Backend>();

afterEach(() => {
  for (const backend of [...backends]) backend.close();
});

/** A TCP server on loopback whose connections the test takes one by one. Closed after the test. */
export class Backend {
  readonly #server: net.Server;
  readonly #waiting: ((socket: net.Socket) => void)[] = [];
  readonly #accepted: net.Socket[] = [];
  readonly #all: net.Socket[] = [];

  private constructor(server: net.Server) {
    this.#server = server;
    backends.add(this);
    server.on('connection', (socket) => {
      socket.on('error', () => {});
      this.#all.push(socket);
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#accepted.push(socket);
      else waiting(socket);
    });
  }

  static async start(onSocket: (socket: net.Socket) => void = () => {}): Promise<Backend> {
    const server = net.createServer({ allowHalfOpen: true }, onSocket);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Backend(server);
  }

  /** Sends back what it gets, and ends when the other side does. */
  static echo(): Promise<Backend> {
    return Backend.start((socket) => void socket.pipe(socket));
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** `--target` for the command. */
  get args(): readonly string[] {
    return ['--target', `127.0.0.1:${this.port}`];
  }

  /** How many connections there have been. */
  get connections(): number {
    return this.#all.length;
  }

  /** The next connection, now or when it comes. */
  accept(): Promise<net.Socket> {
    const socket = this.#accepted.shift();
    if (socket !== undefined) return Promise.resolve(socket);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    backends.delete(this);
    this.#server.close();
    for (const socket of this.#all) socket.destroy();
  }
}
