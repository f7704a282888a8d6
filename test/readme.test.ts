import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { issue, makeRoot } from './support/certificates.ts';
import { ROOT } from './support/root.ts';

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const DOCUMENTS = [
  'README.md',
  'src/README.md',
  'test/README.md',
  'test/spec/README.md',
  'wasm/README.md',
  'bench/README.md',
];

test.each(DOCUMENTS)('the links of %s lead somewhere', (document) => {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(([, link = '']) =>
    join(ROOT, document, '..', link)
  );
  expect(links.filter((path) => !existsSync(path))).toEqual([]);
});

test('the scripts and tasks that documents name exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const { tasks } = JSON.parse(readFileSync(join(ROOT, 'deno.json'), 'utf8')) as { tasks: Record<string, string> };
  const text = DOCUMENTS.map((document) => readFileSync(join(ROOT, document), 'utf8')).join('\n');
  const named = [...text.matchAll(/npm run ([\w:-]+)|npm (start|test)\b|deno task ([\w:-]+)/g)];
  expect(named.length).toBeGreaterThan(10);
  for (const [command, script = '', short = '', task = ''] of named) {
    expect.soft(command.startsWith('deno') ? tasks[task] : scripts[script || short], command).toBeDefined();
  }
});

test('the flags of the README are flags of the command', () => {
  const help = execFileSync(process.execPath, [join(ROOT, 'dist/cli/main.js'), '--help'], { encoding: 'utf8' });
  const section = README.slice(README.indexOf('## Flags'), README.indexOf('## As a library'));
  const flags = [...section.matchAll(/`(--[\w-]+)/g)].map(([, flag = '']) => flag);
  expect(flags.length).toBeGreaterThan(8);
  expect(flags.filter((flag) => !help.includes(`  ${flag} `))).toEqual([]);
});

test('the library example runs as it stands', () => {
  const [, example] = /```js\n([^]*?)```/.exec(README) ?? [];
  // Inside of the package, so that its own name resolves.
  const folder = mkdtempSync(join(ROOT, 'dist/readme-'));
  try {
    const now = Date.now();
    const leaf = issue(makeRoot({ notBefore: now - 86_400_000 }), { notBefore: now - 86_400_000 });
    writeFileSync(join(folder, 'fullchain.pem'), leaf.chainPem);
    writeFileSync(join(folder, 'key.pem'), leaf.keyPem);
    const source = (example ?? '').replace('port: 8443', 'port: 0') + '\nprocess.exit(0);\n';
    expect(source).toContain('port: 0');
    writeFileSync(join(folder, 'example.mjs'), source);
    const run = spawnSync(process.execPath, ['example.mjs'], { cwd: folder, encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.stdout).toMatch(/^listening on .*127\.0\.0\.1.* port: [1-9]/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
