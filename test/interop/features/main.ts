/** `npm run test:features [-- WORDS]`: every feature against every peer that has it, as a table. WORDS must be in a row. */
import { Lab } from './lab.ts';
import { FEATURES } from './table.ts';

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell, index) => cell.padEnd([45, 22, 48][index] ?? 0)).join(' | ')} |`;
}

const words = process.argv.slice(2);
const lab = await Lab.start();
const skipped = new Set<string>();
let failures = 0;
console.log(row(['feature', 'peer', 'seen']));
console.log(row(['---', '---', '---']));
for (const { feature, peer, missing, run } of FEATURES) {
  if (!words.every((word) => `${feature} ${peer}`.includes(word))) continue;
  if (missing !== undefined) {
    skipped.add(`${feature}, ${peer}: ${missing}`);
    continue;
  }
  const seen = await run(lab).catch((error: Error) => `FAILED: ${error.message.replaceAll('\n', ' ')}`);
  if (seen.startsWith('skipped: ')) {
    skipped.add(`${feature}, ${peer}: ${seen.slice('skipped: '.length)}`);
    continue;
  }
  if (seen.startsWith('FAILED')) failures++;
  console.log(row([feature, peer, seen]));
}
await lab.stop();
for (const what of skipped) console.log(`skipped: ${what}`);
if (failures > 0) console.log(`\n${failures} failed`);
process.exit(failures > 0 ? 1 : 0);
