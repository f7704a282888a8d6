import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../support/root.ts';
import { MUTANTS } from './mutants.ts';

test.each(MUTANTS)('the defence against $attack stands in $file: $find', ({ attack, file, find, tests }) => {
  expect(readFileSync(join(ROOT, file), 'utf8').split(find).length).toBe(2);
  expect(readFileSync(join(ROOT, 'test/hostile/README.md'), 'utf8')).toContain(`| ${attack} `);
  for (const path of tests) expect(readFileSync(join(ROOT, path), 'utf8')).not.toBe('');
});
