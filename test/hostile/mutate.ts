/**
 * `npm run test:mutants [-- WORDS]`: takes out each defence of `mutants.ts` in a copy of the sources, and runs the tests that must notice.
 * A test that passes without the defence shows nothing.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MUTANTS } from './mutants.ts';

const words = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'sallyport-mutants-'));
for (const name of ['src', 'test', 'package.json', 'tsconfig.json', 'deno.json', 'README.md']) {
  cpSync(name, join(folder, name), { recursive: true });
}
for (const name of ['node_modules', 'wasm', 'bench']) symlinkSync(join(process.cwd(), name), join(folder, name));

function passes(tests: readonly string[]): boolean {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.ts', '--bail', '1', ...tests];
  return spawnSync(process.execPath, args, { cwd: folder, stdio: 'ignore' }).status === 0;
}

let survivors = 0;
const chosen = MUTANTS.filter((mutant) => words.every((word) => JSON.stringify(mutant).includes(word)));
if (!passes([...new Set(chosen.flatMap(({ tests }) => tests))])) {
  console.log('the tests do not pass as they are');
  survivors++;
} else {
  for (const { attack, file, find, replace, tests } of chosen) {
    const path = join(folder, file);
    const source = readFileSync(path, 'utf8');
    writeFileSync(path, source.replace(find, () => replace));
    const survives = passes(tests);
    writeFileSync(path, source);
    if (survives) survivors++;
    console.log(`${survives ? 'SURVIVES' : 'noticed '}  ${attack}: ${file}, without ${find}`);
  }
}
rmSync(folder, { recursive: true });
console.log(`${chosen.length} defences taken out, ${survivors} of them not missed`);
process.exitCode = survivors === 0 ? 0 : 1;
