/**
 * What the rooms above ask of a byte transport: one small interface, four implementations (`node.ts`, `deno.ts`, `web.ts`,
 * `memory.ts`). It pushes: what arrives is handed to a `SocketHandler` synchronously, with no promise on the way.
 *
 * A socket never calls its handler from inside a call to the socket, so a handler may call any method of any socket.
 */

/** An IP address (or a host name, for an address to connect to) and a TCP port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Socket {
  readonly remote: Address;
  readonly local: Address;
  /** Whoever is told what happens here. May be replaced. */
  handler: SocketHandler;
  /**
   * Sends `bytes`. True: they have been taken and the array is free again. False: they are still being read from; the array must
   * not change before `drained`, and the caller should write no more until then. Ignored after `end` and on a closed socket.
   */
  write(bytes: Uint8Array): boolean;
  /** Ends our direction (FIN) after everything written. Idempotent. */
  end(): void;
  /** Like `end`, and closes the socket as soon as everything written has left: the peer's end is not waited for. Idempotent. */
  close(): void;
  /** Stops `received`. What the peer sends stays in the kernel. */
  pause(): void;
  /** Starts, or goes on with, `received`. A new socket is paused. */
  resume(): void;
  /** Closes both directions now; what has not left is lost. `closed` follows. Idempotent. */
  destroy(): void;
  /** Like `destroy`, but the peer sees a reset instead of an end, where the runtime can do that. */
  reset(): void;
}

export interface SocketHandler {
  /** A socket made by `Network.connect` has reached its peer. */
  connected(): void;
  /** `bytes` is valid during the call only. */
  received(bytes: Uint8Array): void;
  /** The peer ended its direction (FIN). Ours is still open. */
  receivedEnd(): void;
  /** After a `write` that returned false: everything written has left. */
  drained(): void;
  /** The socket is gone. Exactly once and last. With the error that ended it, if one did. */
  closed(error: Error | undefined): void;
}

export interface Listener {
  readonly address: Address;
  /** Accepts no more. Accepted sockets live on. */
  close(): void;
}

export interface ListenOptions {
  /** Several processes or threads listen on the same port and the kernel spreads connections (SO_REUSEPORT). */
  readonly reusePort?: boolean;
  /** Told when a connection could not be accepted (too many open files, or the peer was gone already). The listener goes on. */
  readonly failed?: (error: Error) => void;
}

/** TCP, as one runtime offers it. */
export interface Network {
  /** Rejects when the address cannot be had. Accepted sockets are paused. */
  listen(address: Address, accepted: (socket: Socket) => void, options?: ListenOptions): Promise<Listener>;
  /** Returns at once; bytes written before `connected` are kept by reference. A failure is reported through `closed`. */
  connect(address: Address, handler: SocketHandler): Socket;
}
