import { expect, test } from 'vitest';
import { wasmProvider } from '../support/wasm.ts';

test('the provider passes its own known answers', () => {
  expect(wasmProvider().aeads.size).toBe(3);
});
