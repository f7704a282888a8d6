/** Links of the raw client: TCP. (`memory_server.ts` has the one in memory.) */
import { connect, type Socket } from 'node:net';
import { type Bytes, concat } from './raw_wire.ts';
import type { Link } from './raw_client.ts';

/** A link over TCP to a port of this machine. */
export class TcpLink implements Link {
  readonly socket: Socket;
  readonly #chunks: Bytes[] = [];
  #wake: () => void = () => {};
  #closed: boolean = false;

  constructor(port: number, host: string = '127.0.0.1') {
    this.socket = connect({ port, host, noDelay: true, allowHalfOpen: true });
    this.socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    for (const event of ['end', 'close', 'error'] as const) {
      this.socket.on(event, () => {
        this.#closed = true;
        this.#wake();
      });
    }
  }

  send(bytes: Bytes): void {
    this.socket.write(bytes);
  }

  async receive(): Promise<Bytes> {
    while (this.#chunks.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return concat(...this.#chunks.splice(0));
  }

  end(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.destroy();
  }
}
