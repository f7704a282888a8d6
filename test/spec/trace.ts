/**
 * Requirements traced: which sentence of RFC 9846 is enforced at which line of src/, and provoked by which test.
 *
 * An id such as `9846-4.3-7` stands in a comment above the enforcement, and in the test that provokes it. The table
 * (`rfc9846.tsv`) says what each id asks, in our own words, and whom it binds.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export type Level = 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'MAY';
export type Binds = 'server' | 'client' | 'both' | 'neither';

export interface Requirement {
  readonly id: string;
  readonly level: Level;
  readonly binds: Binds;
  readonly summary: string;
}

export interface Trace {
  readonly requirements: ReadonlyMap<string, Requirement>;
  /** Id → places (`path:line`) in src/ and wasm/. */
  readonly code: ReadonlyMap<string, readonly string[]>;
  /** Id → places in test/. */
  readonly tests: ReadonlyMap<string, readonly string[]>;
  /** Id → why no line of ours and no test can stand for it. */
  readonly exceptions: ReadonlyMap<string, string>;
}

/**
 * - `traced`: a line and a test.
 * - `exception`: neither is possible or sensible, for a stated reason.
 * - `code`, `test`: only one half is there.
 * - `open`: nothing yet.
 */
export type State = 'traced' | 'exception' | 'code' | 'test' | 'open';

const CITATION = /\b9846-[0-9A-G](?:\.[0-9]+)*-[0-9]+\b/g;

export function load(root: string): Trace {
  const requirements = new Map<string, Requirement>();
  for (const [id, level, binds, summary] of rows(join(root, 'test/spec/rfc9846.tsv'), 4)) {
    requirements.set(id!, { id: id!, level: level as Level, binds: binds as Binds, summary: summary! });
  }
  return {
    requirements,
    code: citations(root, ['src', 'wasm']),
    tests: citations(root, ['test']),
    exceptions: new Map(rows(join(root, 'test/spec/exceptions.tsv'), 2).map(([id, reason]) => [id!, reason!])),
  };
}

/** The lines of a TSV file with a header row, each with `columns` fields. */
function rows(path: string, columns: number): string[][] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(1).filter((line) => line !== '');
  return lines.map((line) => {
    const fields = line.split('\t');
    if (fields.length !== columns || fields.includes('')) throw new Error(`${path}: not ${columns} fields: ${line}`);
    return fields;
  });
}

function citations(root: string, folders: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const folder of folders.filter((name) => existsSync(join(root, name)))) {
    for (const path of sources(join(root, folder))) {
      const lines = readFileSync(path, 'utf8').split('\n');
      lines.forEach((line, index) => {
        for (const [id] of line.matchAll(CITATION)) {
          found.set(id, [...(found.get(id) ?? []), `${relative(root, path)}:${index + 1}`]);
        }
      });
    }
  }
  return found;
}

function sources(folder: string): string[] {
  const files: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      // The table and its checker cite everything by nature.
      if (entry.name !== 'target' && !path.endsWith(join('test', 'spec'))) files.push(...sources(path));
    } else if (/\.(ts|rs)$/.test(entry.name)) {
      files.push(path);
    }
  }
  return files.sort();
}

export function stateOf(trace: Trace, id: string): State {
  const code = trace.code.has(id);
  const test = trace.tests.has(id);
  if (code && test) return 'traced';
  if (trace.exceptions.has(id)) return 'exception';
  return code ? 'code' : test ? 'test' : 'open';
}

/** Whether the requirement has to be traced: a MUST or MUST NOT that binds a server or a client of TLS 1.3. */
export function isDue({ level, binds }: Requirement): boolean {
  return level.startsWith('MUST') && binds !== 'neither';
}

/** Everything wrong with the tracing, one sentence each. Empty when all is well. */
export function problems(trace: Trace): string[] {
  const found: string[] = [];
  for (const [id, places] of [...trace.code, ...trace.tests]) {
    if (!trace.requirements.has(id)) found.push(`${id} is cited at ${places.join(', ')} and is not in the table`);
  }
  for (const id of trace.exceptions.keys()) {
    if (!trace.requirements.has(id)) found.push(`${id} is an exception and is not in the table`);
  }
  for (const requirement of trace.requirements.values()) {
    const { id } = requirement;
    const state = stateOf(trace, id);
    const settled = state === 'traced' || state === 'exception';
    if (state === 'traced' && trace.exceptions.has(id)) found.push(`${id} is traced: drop its exception`);
    if (!settled && isDue(requirement)) {
      found.push(`${id} (${requirement.level}, ${state}) has neither line and test nor an exception`);
    }
  }
  return found;
}
