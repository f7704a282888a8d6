/// <reference lib="deno.ns" />
// Runs under `deno task test`: what the Node suite cannot show, that the same sources load and work in Deno.
import assert from 'node:assert/strict';
import { hasRelaxedSimd } from '../../src/crypto/wasm/instance.ts';

Deno.test('the committed WebAssembly modules are valid here', async () => {
  for (const name of ['sallyport.wasm', 'sallyport.relaxed.wasm']) {
    const bytes = await Deno.readFile(new URL(`../../wasm/${name}`, import.meta.url));
    assert.ok(WebAssembly.validate(bytes), name);
  }
  assert.equal(hasRelaxedSimd(), true);
});
