/** The backend: does what the header of each connection tells it, and keeps what it saw for the client's side to compare. */
import { createServer, type Server, type Socket } from 'node:net';
import { pause, Receiver, sendStream } from './flow.ts';
import { Random } from './random.ts';

export const headerLength = 24;

/** How the backend behaves on one connection. */
export const Manner = {
  /** Both directions at once; ends when the client has ended and all is sent. */
  duplex: 0,
  /** Sends only when the client has ended. */
  answer: 1,
  /** Sends, ends, and goes on reading. */
  endsFirst: 2,
  /** Closes in the middle. */
  dies: 3,
  /** Resets in the middle. */
  resets: 4,
} as const;
export type Manner = (typeof Manner)[keyof typeof Manner];

export interface Plan {
  /** The client's stream is `2 * id`, the backend's `2 * id + 1`. */
  readonly id: number;
  readonly manner: Manner;
  readonly up: number;
  readonly down: number;
  readonly seed: number;
}

export function encodeHeader({ id, manner, up, down, seed }: Plan): Buffer {
  const header = Buffer.alloc(headerLength);
  header.write('soak', 0, 'latin1');
  [id, up, down, seed >>> 0].forEach((value, index) => header.writeUInt32BE(value, 4 + 4 * index));
  header[20] = manner;
  return header;
}

function decodeHeader(header: Buffer): Plan {
  if (header.toString('latin1', 0, 4) !== 'soak') throw new Error('the backend got a header that was never sent');
  const [id, up, down, seed] = [4, 8, 12, 16].map((at) => header.readUInt32BE(at)) as [number, number, number, number];
  return { id, up, down, seed, manner: header[20] as Manner };
}

export class Backend {
  readonly #server: Server;
  port = 0;
  /** What it received, by plan id. */
  readonly seen: Map<number, Receiver> = new Map();
  readonly sockets: Set<Socket> = new Set();
  /** Anything that must not happen. */
  readonly faults: string[] = [];
  /** Told the plan's id whenever something arrives. */
  moved: (id: number) => void = () => {};

  constructor() {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => {});
      this.#begin(socket);
    });
  }

  /** On a free port, unless it is told one. */
  listen(port = 0): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(port, '127.0.0.1', () => {
        const address = this.#server.address();
        this.port = typeof address === 'object' && address !== null ? address.port : 0;
        resolve();
      });
    });
  }

  /** No new connections; those that are open go on. */
  refuse(): void {
    this.#server.close();
  }

  #begin(socket: Socket): void {
    let head: Buffer = Buffer.alloc(0);
    const collect = (bytes: Buffer): void => {
      head = Buffer.concat([head, bytes]);
      if (head.length < headerLength) return;
      socket.off('data', collect);
      try {
        this.#serve(socket, decodeHeader(head), head.subarray(headerLength)).catch((error: Error) => {
          this.faults.push(`backend: ${error.message}`);
        });
      } catch (error) {
        this.faults.push((error as Error).message);
        socket.destroy();
      }
    };
    socket.on('data', collect);
    socket.once('end', () => {
      if (head.length < headerLength) socket.end();
    });
  }

  async #serve(socket: Socket, plan: Plan, first: Buffer): Promise<void> {
    const random = new Random(plan.seed);
    const receiver = new Receiver(socket, 2 * plan.id, random, 0.02, () => this.moved(plan.id), first);
    this.seen.set(plan.id, receiver);
    const send = (size: number): Promise<number> => sendStream(socket, 2 * plan.id + 1, size, random);
    switch (plan.manner) {
      case Manner.answer:
        await receiver.over;
        await send(plan.down);
        break;
      case Manner.endsFirst:
        await send(plan.down);
        socket.end();
        break;
      case Manner.duplex:
        await send(plan.down);
        break;
      default:
        await send(random.below(plan.down + 1));
        await pause(random.below(30));
        if (plan.manner === Manner.dies) socket.destroy();
        else socket.resetAndDestroy();
        return;
    }
    await receiver.over;
    socket.end();
  }
}
