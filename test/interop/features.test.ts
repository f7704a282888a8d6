import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lab } from './features/lab.ts';
import { FEATURES } from './features/table.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.start();
});
afterAll(() => lab.stop());

for (const { feature, peer, missing, run } of FEATURES) {
  const name = `${feature}, ${peer}`;
  test.skipIf(missing !== undefined)(missing === undefined ? name : `${name} (${missing})`, async (context) => {
    const seen = await run(lab);
    if (seen.startsWith('skipped: ')) context.skip(seen);
    expect(seen).not.toBe('');
  });
}
