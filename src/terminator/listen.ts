import type { Address, Listener, ListenOptions, Network, Socket } from '../socket/socket.ts';

/** Could not listen on `address`; `cause` is the runtime's error. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly address: Address;

  constructor(address: Address, cause: unknown) {
    super(`cannot listen on ${address.host}:${address.port}`, { cause });
    this.address = address;
  }
}

/** Opens all listeners or none. `localhost` means 127.0.0.1 and, where the machine has it, ::1, on the same port. */
export async function listenAll(
  network: Network,
  addresses: readonly Address[],
  accepted: (socket: Socket) => void,
  options: ListenOptions,
): Promise<Listener[]> {
  const opened: Listener[] = [];
  const open = async (address: Address): Promise<Listener> => {
    try {
      const listener = await network.listen(address, accepted, options);
      opened.push(listener);
      return listener;
    } catch (error) {
      throw new ListenError(address, error);
    }
  };
  try {
    for (const address of addresses) {
      if (address.host !== 'localhost') {
        await open(address);
        continue;
      }
      const { address: { port } } = await open({ host: '127.0.0.1', port: address.port });
      try {
        await open({ host: '::1', port });
      } catch (error) {
        if (!isMissingFamily(error)) throw error;
      }
    }
  } catch (error) {
    for (const listener of opened) listener.close();
    throw error;
  }
  return opened;
}

/** Many containers have no IPv6. */
function isMissingFamily(error: unknown): boolean {
  const { code, name } = (error as ListenError).cause as { code?: unknown; name?: unknown };
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'AddrNotAvailable'].some((known) => known === code || known === name);
}
