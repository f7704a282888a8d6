/** From the runner's JSON, and from what the shim saw, to what is committed. */
import type { ShimResult } from './shim.ts';

interface RunnerOutput {
  readonly tests: Readonly<Record<string, { readonly actual: string; readonly error?: string }>>;
}

export interface BogoResult {
  readonly suite: string;
  readonly revision: string;
  /** All tests that config.json does not exclude. */
  readonly tests: { readonly passed: number; readonly failed: number; readonly unimplemented: number };
  /** Those in which the runner's client offers TLS 1.3 to our server. */
  readonly serverTls13: { readonly run: number; readonly unimplemented: number };
  /** Why the shim did not run tests of serverTls13, with their number. */
  readonly serverTls13Missing: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

export function summarize(
  revision: string,
  output: RunnerOutput,
  runs: readonly ShimResult[],
): { text: string; result: BogoResult } {
  const tests = Object.entries(output.tests);
  const named = (actual: string) => tests.filter(([, test]) => test.actual === actual).map(([name]) => name);
  const failures = named('FAIL');
  const ours = runs.filter(({ role, tls13 }) => role === 'server' && tls13 === true);
  const missing = new Map<string, number>();
  for (const run of ours) if (run.missing !== undefined) missing.set(run.missing, (missing.get(run.missing) ?? 0) + 1);
  const result: BogoResult = {
    suite: 'google/boringssl, ssl/test/runner',
    revision,
    tests: { passed: named('PASS').length, failed: failures.length, unimplemented: named('SKIP').length },
    serverTls13: {
      run: ours.filter((run) => run.missing === undefined).length,
      unimplemented: ours.filter((run) => run.missing !== undefined).length,
    },
    serverTls13Missing: Object.fromEntries([...missing].sort((a, b) => b[1] - a[1])),
    failures,
  };
  const { passed, failed, unimplemented } = result.tests;
  const lines = [
    ...failures.map((name) => `FAILED ${name}\n${output.tests[name]?.error ?? ''}`),
    `${passed} passed, ${failed} failed, ${unimplemented} unimplemented`,
    `TLS 1.3 against our server: ${result.serverTls13.run} run, ${result.serverTls13.unimplemented} unimplemented`,
  ];
  return { text: lines.join('\n'), result };
}
