import { HandleSockets, loadTcpBinding } from './node_handle.ts';
import { NodeReads } from './node_reads.ts';
import type { Address, Socket, SocketHandler } from './socket.ts';

/**
 * Connects by the bare handles that lie beneath Deno's `node:net`: callbacks in place of promises, one shared region to read into, and
 * a real reset. They do not accept: a listening handle of Deno 2.9 falls silent for good once files have run out.
 *
 * The result is undefined when only `Deno.connect` can: names have to be looked up, permissions asked for.
 */
export type ConnectHandle = (address: Address, handler: SocketHandler) => Socket | undefined;

/** Undefined where Deno's internals are not what this file knows. */
export function handleConnector(readRegion: Uint8Array, crowded: () => boolean): ConnectHandle | undefined {
  const binding = loadTcpBinding('deno');
  if (binding === undefined) return undefined;
  const sockets = new HandleSockets(binding, new NodeReads(readRegion, crowded));
  return (address, handler) => {
    if (!sockets.reaches(address.host)) return undefined;
    try {
      return sockets.connect(address, handler);
    } catch {
      // Not permitted: Deno asks, or says so.
      return undefined;
    }
  };
}
