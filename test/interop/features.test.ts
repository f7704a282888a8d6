import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from './features/lab.ts';
import { FEATURES } from './features/table.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.start();
});
afterAll(() => lab.stop());

// They mostly wait for each other.
describe.concurrent('with a peer', () => {
  for (const { feature, peer, missing, repeated, run } of FEATURES) {
    if (repeated) continue;
    const name = `${feature}, ${peer}`;
    test.skipIf(missing !== undefined)(missing === undefined ? name : `${name} (${missing})`, async (context) => {
      const seen = await run(lab);
      if (seen.startsWith('skipped: ')) context.skip(seen);
      expect(seen).not.toBe('');
    });
  }
});
