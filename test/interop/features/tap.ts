/** A wire between a client and the terminator that keeps what passes, and reads it with the key log's secrets. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type ClientHello, decodeClientHello } from '../../../src/message/client_hello.ts';
import { SUITES, TrafficKey } from '../../support/raw_keys.ts';

export interface WireRecord {
  /** ContentType on the wire. */
  readonly type: number;
  /** Header included. */
  readonly bytes: Uint8Array;
}

export interface HandshakeBytes {
  readonly type: number;
  readonly body: Uint8Array;
}

/** What passed on one connection. */
export class Passed {
  fromClient: Buffer = Buffer.alloc(0);
  fromServer: Buffer = Buffer.alloc(0);

  /** The handshake messages that the client sent in the clear: its ClientHellos. */
  get clientHellos(): ClientHello[] {
    const fragments = records(this.fromClient).filter(({ type }) => type === 22).map(({ bytes }) => bytes.subarray(5));
    return messages(Buffer.concat(fragments)).filter(({ type }) => type === 1).map(({ body }) =>
      decodeClientHello(body, 64)
    );
  }

  /** Types of the extensions in the client's last hello, in its order. */
  get clientExtensions(): number[] {
    const hello = records(this.fromClient).filter(({ type }) => type === 22).at(-1)?.bytes ?? new Uint8Array();
    const view = Buffer.from(hello);
    let at = 5 + 4 + 2 + 32;
    at += 1 + view.readUInt8(at);
    at += 2 + view.readUInt16BE(at);
    at += 1 + view.readUInt8(at);
    const end = at + 2 + view.readUInt16BE(at);
    const types: number[] = [];
    for (at += 2; at < end; at += 4 + view.readUInt16BE(at + 2)) types.push(view.readUInt16BE(at));
    return types;
  }

  get serverRecords(): WireRecord[] {
    return records(this.fromServer);
  }

  /** The handshake messages that the server sent under its handshake key, read with the secret of a key log. */
  serverFlight(keyLog: string): HandshakeBytes[] {
    const hello = this.clientHellos[0];
    if (hello === undefined) throw new Error('no ClientHello has passed');
    const random = Buffer.from(hello.random).toString('hex');
    const line = new RegExp(`^SERVER_HANDSHAKE_TRAFFIC_SECRET ${random} ([0-9a-f]+)$`, 'm').exec(keyLog);
    if (line === null) throw new Error(`the key log has no secret of ${random}`);
    const clear = messages(
      Buffer.concat(this.serverRecords.filter(({ type }) => type === 22).map(({ bytes }) => bytes.subarray(5))),
    );
    const serverHello = clear.at(-1)?.body as Uint8Array;
    const suite = SUITES.get(Buffer.from(serverHello).readUInt16BE(35 + (serverHello[34] as number)));
    if (suite === undefined) throw new Error('unknown suite');
    const key = new TrafficKey(suite, Buffer.from(line[1] as string, 'hex'));
    const fragments: Uint8Array[] = [];
    for (const { bytes } of this.serverRecords.filter(({ type }) => type === 23)) {
      const inner = key.open(bytes);
      const last = inner.findLastIndex((byte) => byte !== 0);
      fragments.push(inner.subarray(0, last));
      if (messages(Buffer.concat(fragments)).at(-1)?.type === 20) break;
    }
    return messages(Buffer.concat(fragments));
  }
}

export interface Tap {
  readonly port: number;
  readonly connections: readonly Passed[];
  close(): void;
}

export async function tap(port: number): Promise<Tap> {
  const connections: Passed[] = [];
  const sockets: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const passed = new Passed();
    connections.push(passed);
    const upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    sockets.push(client, upstream);
    client.on('data', (chunk: Buffer) => passed.fromClient = Buffer.concat([passed.fromClient, chunk]));
    upstream.on('data', (chunk: Buffer) => passed.fromServer = Buffer.concat([passed.fromServer, chunk]));
    for (const [one, other] of [[client, upstream], [upstream, client]] as const) {
      one.on('error', () => other.destroy());
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function records(bytes: Buffer): WireRecord[] {
  const found: WireRecord[] = [];
  for (let at = 0; at + 5 <= bytes.length;) {
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    if (end > bytes.length) break;
    found.push({ type: bytes[at] as number, bytes: bytes.subarray(at, end) });
    at = end;
  }
  return found;
}

function messages(bytes: Buffer): HandshakeBytes[] {
  const found: HandshakeBytes[] = [];
  for (let at = 0; at + 4 <= bytes.length;) {
    const end = at + 4 + bytes.readUIntBE(at + 1, 3);
    if (end > bytes.length) break;
    found.push({ type: bytes[at] as number, body: bytes.subarray(at + 4, end) });
    at = end;
  }
  return found;
}
