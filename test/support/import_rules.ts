/**
 * The house rules of `src/README.md` as data, and a checker that is a pure function of sources: which room may import
 * which, which packages and runtime names may appear where.
 */

interface Room {
  /** Paths below `src/` that belong to the room: folders end in `/`. The longest match decides. */
  readonly paths: readonly string[];
  /** Rooms it may import. Every room may import itself. */
  readonly may: readonly string[];
  /** npm packages it may import. */
  readonly packages?: readonly string[];
}

const CORE = [
  'error',
  'registry',
  'wire',
  'message',
  'provider',
  'schedule',
  'record',
  'session',
  'ech',
  'handshake',
  'connection',
];
const BELOW_STREAM = [...CORE, 'wasm', 'webcrypto', 'pki', 'socket'];

/** From the ground up. The base, `error` and `registry`, is open to all but the two of them and the provider's interfaces. */
export const ROOMS: Readonly<Record<string, Room>> = {
  error: { paths: ['error.ts'], may: ['registry'] },
  registry: { paths: ['registry/'], may: [] },
  version: { paths: ['version.ts'], may: [] },
  wire: { paths: ['wire/'], may: ['error', 'registry'] },
  message: { paths: ['message/'], may: ['error', 'registry', 'wire'] },
  provider: { paths: ['crypto/provider.ts'], may: [] },
  schedule: { paths: ['schedule/'], may: ['error', 'registry', 'wire', 'provider'] },
  record: { paths: ['record/'], may: ['error', 'registry', 'wire', 'provider', 'schedule'] },
  session: { paths: ['session/'], may: ['error', 'registry', 'wire', 'provider'] },
  ech: { paths: ['ech/'], may: ['error', 'registry', 'wire', 'message', 'provider', 'schedule'] },
  handshake: {
    paths: ['handshake/'],
    may: ['error', 'registry', 'wire', 'message', 'provider', 'schedule', 'session', 'ech'],
  },
  connection: { paths: ['connection/'], may: CORE },
  wasm: { paths: ['crypto/wasm/'], may: ['error', 'registry', 'provider'] },
  webcrypto: {
    paths: ['crypto/webcrypto/'],
    may: ['error', 'registry', 'provider'],
    packages: ['@peculiar/webcrypto'],
  },
  pki: {
    paths: ['pki/'],
    may: ['error', 'registry', 'provider', 'wasm', 'webcrypto'],
    packages: ['asn1js', 'pkijs'],
  },
  socket: { paths: ['socket/'], may: [] },
  stream: { paths: ['stream/'], may: [...CORE, 'socket'] },
  observe: { paths: ['observe/'], may: ['version', ...BELOW_STREAM, 'stream'] },
  terminator: { paths: ['terminator/'], may: ['version', ...BELOW_STREAM, 'stream', 'observe'] },
  cli: { paths: ['cli/'], may: ['version', ...BELOW_STREAM, 'stream', 'observe', 'terminator', 'mod'] },
  mod: { paths: ['mod.ts'], may: ['version', ...BELOW_STREAM, 'stream', 'observe', 'terminator'] },
};

/** Names of clocks, randomness and runtimes that the core must not know, beyond what its tsconfig makes unknown. */
const RUNTIME_NAMES = new RegExp(
  String.raw`\b(?:async|await|globalThis|Buffer|Deno|Bun|process|console|performance|queueMicrotask|structuredClone` +
    String
      .raw`|set(?:Timeout|Interval|Immediate)|fetch|WebAssembly)\b(?!\s*[?]?:)|\bMath\.random\b|\bDate\b|\brequire\(`,
  'g',
);

/** `node:` modules and the global `Deno` belong to the rooms at the edge, and to files that say so by name. */
const NODE_ROOMS: readonly string[] = ['terminator', 'cli', 'observe'];
const mayNameNode = (path: string, room: string): boolean =>
  NODE_ROOMS.includes(room) || /(^|[/_])node(_\w+)?\.ts$/.test(path);
const mayNameDeno = (path: string, room: string): boolean =>
  NODE_ROOMS.includes(room) || /(^|[/_])deno(_\w+)?\.ts$/.test(path);

/** The room of a path below `src/`, or undefined when nobody has given it one. */
export function roomOf(path: string): string | undefined {
  let found: { name: string; length: number } | undefined;
  for (const [name, room] of Object.entries(ROOMS)) {
    for (const prefix of room.paths) {
      const matches = prefix.endsWith('/') ? path.startsWith(prefix) : path === prefix;
      if (matches && prefix.length > (found?.length ?? 0)) found = { name, length: prefix.length };
    }
  }
  return found?.name;
}

/** `source` with comments blanked, and with string contents blanked too when `strings` is false. Line breaks stay. */
export function withoutComments(source: string, strings = true): string {
  const token = /\/\/[^\n]*|\/\*[^]*?\*\/|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[^])*`/g;
  return source.replace(token, (text) => {
    if (!text.startsWith('/') && strings) return text;
    return text.replace(/[^\n]/g, ' ');
  });
}

/** The module specifiers a source names: static, dynamic, re-exported, and in `import('...')` types. */
export function importsOf(source: string): string[] {
  const pattern =
    /\b(?:import|export)\b[^'"`;()]*?\bfrom\s*(['"])(.*?)\1|\bimport\s*(['"])(.*?)\3|\bimport\s*\(\s*(['"`])(.*?)\5/g;
  return [...withoutComments(source).matchAll(pattern)].map((match) => match[2] ?? match[4] ?? match[6] ?? '');
}

/** `specifier` as seen from the file `from` (both relative to `src/`); undefined when it leaves `src/`. */
function resolve(from: string, specifier: string): string | undefined {
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

/** Every breach of the rules in `sources` (path below `src/` to text), one line each. */
export function violations(sources: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [path, source] of sources) {
    const roomName = roomOf(path);
    const room = roomName === undefined ? undefined : ROOMS[roomName];
    if (roomName === undefined || room === undefined) {
      found.push(`${path}: belongs to no room`);
      continue;
    }
    for (const specifier of importsOf(source)) {
      const problem = checkImport(path, roomName, room, specifier, sources);
      if (problem !== undefined) found.push(`${path}: ${problem}`);
    }
    const code = withoutComments(source, false);
    if (!mayNameDeno(path, roomName) && /\bDeno\b/.test(code)) found.push(`${path}: names Deno`);
    if (CORE.includes(roomName)) {
      for (const match of code.matchAll(RUNTIME_NAMES)) found.push(`${path}: the core names ${match[0]}`);
    }
  }
  return found;
}

function checkImport(
  path: string,
  roomName: string,
  room: Room,
  specifier: string,
  sources: ReadonlyMap<string, string>,
): string | undefined {
  if (specifier.startsWith('node:')) {
    return mayNameNode(path, roomName) ? undefined : `may not import ${specifier}`;
  }
  if (!specifier.startsWith('.')) {
    return room.packages?.includes(specifier) ? undefined : `may not import the package ${specifier}`;
  }
  const target = resolve(path, specifier);
  if (target === undefined) return `imports ${specifier}, outside of src/`;
  if (!sources.has(target)) return `imports ${specifier}, which does not exist`;
  const targetRoom = roomOf(target);
  if (targetRoom === roomName || (targetRoom !== undefined && room.may.includes(targetRoom))) return undefined;
  return `${roomName} may not import ${targetRoom ?? 'a file without a room'} (${specifier})`;
}

/** The core rooms' paths below `src/`, as `src/tsconfig.json` must list them. */
export const CORE_PATHS: readonly string[] = CORE.flatMap((name) => ROOMS[name]?.paths ?? []);
