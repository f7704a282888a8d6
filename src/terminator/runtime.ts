import type { CertificateCompression } from '../handshake/config.ts';
import type { Network } from '../socket/socket.ts';

/** What a terminator needs of the runtime it is on. */
export interface Runtime {
  readonly name: 'node' | 'deno';
  /** Throws the runtime's own error. */
  readFile(path: string | URL): Uint8Array;
  /** The permission bits of a file, such as 0o600. Throws the runtime's own error. */
  fileMode(path: string): number;
  /** For files that hold secrets: made readable by their owner only. */
  appendFile(path: string, text: string): void;
  /** Where reads are synchronous, one read region serves all sockets; where they are promises, each busy socket takes one. */
  readonly readRegions: number;
  /**
   * All sockets of the network read into `region`, `readRegions` times the size of one; while `crowded` says that memory is short, no
   * more than 32 KiB at a time.
   */
  createNetwork(region: Uint8Array, crowded: () => boolean): Network;
  /** Whether several listeners can share a port (SO_REUSEPORT). */
  readonly sharesPorts: boolean;
  /** How many files this process may have open; undefined where that cannot be known. */
  openFileLimit(): number | undefined;
  readonly certificateCompression: CertificateCompression;
}

export async function loadRuntime(): Promise<Runtime> {
  // Each adapter names APIs that the other runtime may lack, so only one is loaded.
  return 'Deno' in globalThis
    ? (await import('./runtime_deno.ts')).denoRuntime()
    : (await import('./runtime_node.ts')).nodeRuntime();
}
