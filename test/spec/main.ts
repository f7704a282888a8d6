/** `npm run spec [-- --all]`: prints how far RFC 9846 is traced. With `--all`, every requirement with its places. */
import { isDue, load, problems, type Requirement, type State, stateOf, type Trace } from './trace.ts';

const trace = load(process.cwd());
const all = process.argv.includes('--all');

const groups: readonly (readonly [string, (requirement: Requirement) => boolean])[] = [
  ['MUST and MUST NOT, server or both', (r) => isDue(r) && r.binds !== 'client'],
  ['MUST and MUST NOT, client', (r) => isDue(r) && r.binds === 'client'],
  ['SHOULD and SHOULD NOT, server or both', (r) => r.level.startsWith('SHOULD') && /server|both/.test(r.binds)],
  ['SHOULD and SHOULD NOT, client', (r) => r.level.startsWith('SHOULD') && r.binds === 'client'],
  ['MAY', (r) => r.level === 'MAY' && r.binds !== 'neither'],
  ['binding neither peer', (r) => r.binds === 'neither'],
];

console.log('RFC 9846, requirements traced\n');
console.log(`${'group'.padEnd(40)}  total  traced  exception  code only  test only  open`);
for (const [name, belongs] of groups) {
  const members = [...trace.requirements.values()].filter(belongs);
  const count = (state: State) => members.filter(({ id }) => stateOf(trace, id) === state).length;
  const cells = [
    String(members.length).padStart(5),
    String(count('traced')).padStart(6),
    String(count('exception')).padStart(9),
    String(count('code')).padStart(9),
    String(count('test')).padStart(9),
    String(count('open')).padStart(4),
  ];
  console.log(`${name.padEnd(40)}  ${cells.join('  ')}`);
}

if (all) {
  for (const requirement of trace.requirements.values()) printRequirement(trace, requirement);
} else {
  const open = [...trace.requirements.values()].filter(({ id, level, binds }) =>
    level.startsWith('SHOULD') && binds !== 'neither' && !['traced', 'exception'].includes(stateOf(trace, id))
  );
  console.log('\nSHOULD and SHOULD NOT that no line and test of ours cite:');
  for (const { id, binds, summary } of open) console.log(`  ${id}  ${binds}  ${summary}`);
}

const wrong = problems(trace);
for (const problem of wrong) console.log(`problem: ${problem}`);
process.exitCode = wrong.length === 0 ? 0 : 1;

function printRequirement(from: Trace, { id, level, binds, summary }: Requirement): void {
  console.log(`\n${id}  ${level}  ${binds}  ${stateOf(from, id)}\n  ${summary}`);
  for (const place of from.code.get(id) ?? []) console.log(`  code  ${place}`);
  for (const place of from.tests.get(id) ?? []) console.log(`  test  ${place}`);
  const reason = from.exceptions.get(id);
  if (reason !== undefined) console.log(`  exception: ${reason}`);
}
