import { UsageError } from '../error.ts';
import type { Address } from '../socket/socket.ts';
import type { Runtime } from '../terminator/runtime.ts';

/** The kinds of refusal people can do something about, under the names that Node (codes) and Deno (classes) give them. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  missing: ['ENOENT', 'NotFound'],
  forbidden: ['EACCES', 'EPERM', 'PermissionDenied'],
  notCapable: ['NotCapable'],
  directory: ['EISDIR', 'IsADirectory'],
  busy: ['EADDRINUSE', 'AddrInUse'],
  noSuchAddress: ['EADDRNOTAVAIL', 'AddrNotAvailable', 'EAFNOSUPPORT'],
  unknownName: ['ENOTFOUND', 'EAI_AGAIN'],
};

function kindOf(error: unknown): string | undefined {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return Object.keys(KINDS).find((kind) => KINDS[kind]?.some((known) => known === code || known === name));
}

export function readBytes(runtime: Runtime, path: string): Uint8Array {
  try {
    return runtime.readFile(path);
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${fileProblem(error)}`);
  }
}

export function readText(runtime: Runtime, path: string): string {
  return new TextDecoder().decode(readBytes(runtime, path));
}

/** What is wrong with a file, and how to mend it. */
export function fileProblem(error: unknown): string {
  switch (kindOf(error)) {
    case 'missing':
      return 'no such file; check the name';
    case 'forbidden':
      return 'permission denied; make it accessible to this user';
    case 'notCapable':
      return 'Deno was not given permission; allow it with --allow-read or --allow-write';
    case 'directory':
      return 'it is a directory; name a file';
    default:
      return oneLine(error);
  }
}

/** What is wrong with an address to listen on, and how to mend it. */
export function listenProblem(flag: string, address: Address, error: unknown): string {
  const place = formatAddress(address);
  switch (kindOf(error)) {
    case 'busy':
      return `cannot listen on ${place}: the port is in use; stop what holds it or choose another with ${flag} HOST:PORT`;
    case 'forbidden':
      return `cannot listen on ${place}: permission denied; choose a port from 1024 up with ${flag} HOST:PORT`;
    case 'noSuchAddress':
      return `cannot listen on ${place}: this machine has no such address; give one it has with ${flag} HOST:PORT`;
    case 'unknownName':
      return `cannot listen on ${place}: the name is unknown; give an address with ${flag} HOST:PORT`;
    default:
      return `cannot listen on ${place}: ${oneLine(error)}; choose another with ${flag} HOST:PORT`;
  }
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').trim();
}
