import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    // Deno's own smoke suite is `test/deno/*_test.ts`, run by `deno task test`.
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global_setup.ts',
    pool: 'threads',
    // Two cores are the promise (`npm test` in under three minutes), and the interop tests measure nothing.
    maxWorkers: 2,
    // Generous: a busy machine is not a failure. What must be quick says so itself.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
