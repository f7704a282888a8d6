import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { CORE_PATHS, importsOf, roomOf, ROOMS, violations } from './support/import_rules.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function readSources(): Map<string, string> {
  const paths = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => path.replaceAll('\\', '/'));
  return new Map(paths.map((path) => [path, readFileSync(join(root, 'src', path), 'utf8')]));
}

/** One file checked in the company of the files it imports. */
function check(path: string, source: string, ...others: string[]): string[] {
  return violations(new Map([[path, source], ...others.map((other): [string, string] => [other, ''])]));
}

describe('the sources', () => {
  const sources = readSources();

  test('import only what their room may, and the core names no runtime', () => {
    expect(sources.size).toBeGreaterThan(10);
    expect(violations(sources)).toEqual([]);
  });

  test('of the core are compiled without the types of any runtime', () => {
    const text = readFileSync(join(root, 'src/tsconfig.json'), 'utf8').replace(/^\s*\/\/.*$/gm, '');
    const config = JSON.parse(text) as {
      compilerOptions: { lib: string[]; types: string[] };
      include: string[];
    };
    expect(config.compilerOptions.types).toEqual([]);
    expect(config.compilerOptions.lib).toEqual(['ES2023']);
    expect(config.include.toSorted()).toEqual(CORE_PATHS.map((path) => path.replace(/\/$/, '')).toSorted());
  });

  test('the table of rooms has no cycle', () => {
    const done = new Set<string>();
    const visit = (name: string, path: readonly string[]): void => {
      if (path.includes(name)) throw new Error(`cycle: ${[...path, name].join(' -> ')}`);
      if (done.has(name)) return;
      for (const below of ROOMS[name]?.may ?? []) if (below !== name) visit(below, [...path, name]);
      done.add(name);
    };
    for (const name of Object.keys(ROOMS)) visit(name, []);
    expect(done.size).toBe(Object.keys(ROOMS).length);
  });
});

describe('the checker', () => {
  test('finds every kind of import', () => {
    const source = `
      import { a } from './a.ts';
      import type { b } from "./b.ts";
      import './c.ts';
      export * from './d.ts';
      export {
        e,
      } from './e.ts';
      // import { no } from './comment.ts';
      /* import './comment.ts'; */
      const text = 'not a // comment';
      type F = import('./f.ts').F;
      const g = await import('./g.ts');
    `;
    expect(importsOf(source)).toEqual(['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts', './f.ts', './g.ts']);
  });

  test('knows the rooms, the longest path deciding', () => {
    expect(roomOf('connection/connection.ts')).toBe('connection');
    expect(roomOf('crypto/provider.ts')).toBe('provider');
    expect(roomOf('crypto/wasm/provider.ts')).toBe('wasm');
    expect(roomOf('crypto/other.ts')).toBeUndefined();
  });

  test.each<[string, string, string, string[]]>([
    ['an import upwards', 'wire/reader.ts', `import '../message/finished.ts';`, ['message/finished.ts']],
    ['a type import upwards', 'record/open.ts', `import type { A } from '../connection/a.ts';`, ['connection/a.ts']],
    ['an indirect name for it', 'record/open.ts', `type A = import('../handshake/server.ts').A;`, [
      'handshake/server.ts',
    ]],
    ['a re-export upwards', 'registry/alert.ts', `export * from '../wire/reader.ts';`, ['wire/reader.ts']],
    ['TLS in the sockets', 'socket/node.ts', `import '../record/a.ts';`, ['record/a.ts']],
    ['pkijs outside of pki', 'stream/stream.ts', `import * as pkijs from 'pkijs';`, []],
    ['asn1js outside of pki', 'crypto/webcrypto/rsa.ts', `import 'asn1js';`, []],
    ['a package in the core', 'wire/reader.ts', `import 'left-pad';`, []],
    ['node: in the core', 'wire/reader.ts', `import * as net from 'node:net';`, []],
    ['node: in an all-runtime socket', 'socket/web.ts', `import 'node:net';`, []],
    ['Deno in an all-runtime socket', 'socket/web.ts', `Deno.listen({ port: 0 });`, []],
    ['a file that is not there', 'wire/reader.ts', `import './riter.ts';`, []],
    ['an import that leaves src', 'wire/reader.ts', `import '../../test/support/a.ts';`, []],
    ['a file of no room', 'util/helpers.ts', ``, []],
    ['async in the core', 'handshake/server.ts', `export async function f() {}`, []],
    ['a clock in the core', 'session/ticket.ts', `const now = Date.now();`, []],
    ['randomness in the core', 'message/client_hello.ts', `const r = Math.random();`, []],
    ['Buffer in the core', 'wire/reader.ts', `const b = Buffer.from([]);`, []],
    ['the console in the core', 'connection/connection.ts', `console.log(1);`, []],
    ['a timer in the core', 'connection/connection.ts', `setTimeout(() => {}, 1);`, []],
  ])('reports %s', (_what, path, source, others) => {
    expect(check(path, source, ...others)).toHaveLength(1);
  });

  test.each<[string, string, string, string[]]>([
    ['an import downwards', 'message/finished.ts', `import '../wire/reader.ts';`, ['wire/reader.ts']],
    ['pkijs in pki', 'pki/chain.ts', `import { Certificate } from 'pkijs';`, []],
    ['node: where the name says so', 'socket/node.ts', `import * as net from 'node:net';`, []],
    ['Deno where the name says so', 'socket/deno.ts', `Deno.listen({ port: 0 });`, []],
    ['runtime names in comments and strings', 'wire/reader.ts', `// Buffer, Date\nconst s = 'console';`, []],
    ['a field called fetch', 'connection/config.ts', `export interface A { fetch: number; process?: string }`, []],
  ])('accepts %s', (_what, path, source, others) => {
    expect(check(path, source, ...others)).toEqual([]);
  });
});
