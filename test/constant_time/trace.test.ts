/** What `npm run ct:trace` checks, with fewer secrets: branches, addresses and divisions of the shipped modules. */
import { expect, test } from 'vitest';
import { WASM_BUILDS } from '../support/wasm_builds.ts';
import { traceTargets } from './trace_check.ts';

const FILES = {
  strict: new URL('../../wasm/sallyport.wasm', import.meta.url),
  relaxed: new URL('../../wasm/sallyport.relaxed.wasm', import.meta.url),
};

test.each(WASM_BUILDS)(
  '%s build: one trace for all secrets, and leaky controls are caught',
  { timeout: 60_000 },
  (build) => {
    const traced = traceTargets(build, FILES[build], 8);
    const leaks = traced.filter(({ same }) => !same).map(({ target }) => target.name);
    const controls = traced.filter(({ target }) => target.leaky).map(({ target }) => target.name);
    expect(controls.length).toBe(5);
    expect(leaks).toEqual(controls);
  },
);
