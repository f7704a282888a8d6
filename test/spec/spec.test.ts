import { expect, test } from 'vitest';
import { load, problems, type Trace } from './trace.ts';

const trace = load(new URL('../..', import.meta.url).pathname);

test('every MUST that binds a server or a client has a line and a test, or an exception', () => {
  expect(problems(trace)).toEqual([]);
});

test('the table is complete and well formed', () => {
  const all = [...trace.requirements.values()];
  expect(all.length).toBe(452);
  expect(all.filter(({ level }) => level.startsWith('MUST')).length).toBe(331);
  expect(all.filter(({ level }) => level.startsWith('SHOULD')).length).toBe(72);
  expect(all.filter(({ level }) => level === 'MAY').length).toBe(49);
  for (const { id, binds, summary } of all) {
    expect(id).toMatch(/^9846-[0-9A-G](\.\d+)*-\d+$/);
    expect(binds).toMatch(/^(server|client|both|neither)$/);
    expect(summary).toMatch(/\.$/);
  }
});

test('the checker notices an unknown id, a missing half and a stale exception', () => {
  const one = { id: '9846-1-1', level: 'MUST', binds: 'server', summary: 'x.' } as const;
  const place = new Map([['9846-1-1', ['src/a.ts:1']]]);
  const none = new Map<string, string[]>();
  const base: Trace = {
    requirements: new Map([[one.id, one]]),
    code: none,
    tests: none,
    exceptions: new Map(),
  };
  expect(problems(base)).toEqual([expect.stringContaining('9846-1-1 (MUST, open)')]);
  const client = new Map([[one.id, { ...one, binds: 'client' } as const]]);
  expect(problems({ ...base, requirements: client })).toEqual([expect.stringContaining('9846-1-1 (MUST, open)')]);
  expect(problems({ ...base, code: place })).toEqual([expect.stringContaining('9846-1-1 (MUST, code)')]);
  expect(problems({ ...base, code: place, tests: place })).toEqual([]);
  expect(problems({ ...base, exceptions: new Map([[one.id, 'why']]) })).toEqual([]);
  const both = { ...base, code: place, tests: place };
  expect(problems({ ...both, exceptions: new Map([[one.id, 'why']]) })).toEqual([expect.stringContaining('drop')]);
  expect(problems({ ...both, tests: new Map([...place, ['9846-9.9-9', ['b']]]) })).toEqual([
    expect.stringContaining('9846-9.9-9 is cited at b'),
  ]);
});
