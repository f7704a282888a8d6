/** From the runner's JSON, and from what the shim saw, to what is committed. */
import type { ShimResult } from './shim.ts';

interface RunnerOutput {
  readonly tests: Readonly<Record<string, { readonly actual: string; readonly error?: string }>>;
}

/** What config.json says beside what the runner reads of it. */
export interface BogoConfig {
  readonly DisabledTests: Readonly<Record<string, string>>;
  readonly NotStandard: {
    /** By what the shim says is missing: why the tests that need it test no standard feature of TLS 1.3. */
    readonly missing: Readonly<Record<string, string>>;
    /** Patterns of excluded tests of the same kind. */
    readonly excluded: readonly string[];
  };
}

/** A set of tests in which the runner's client offers TLS 1.3 over TCP to our server. */
export interface ServerTests {
  /** Run and passed. */
  readonly run: number;
  /** The shim did not know what they ask for. */
  readonly unimplemented: number;
  /** Named in config.json. */
  readonly excluded: number;
  /** Unimplemented and excluded, in per cent of all. */
  readonly notRun: number;
}

export interface BogoResult {
  readonly suite: string;
  readonly revision: string;
  /** All tests that config.json does not exclude, of both roles. */
  readonly tests: { readonly passed: number; readonly failed: number; readonly unimplemented: number };
  readonly serverTls13: ServerTests;
  /** The same without what `NotStandard` in config.json names. */
  readonly serverTls13Standard: ServerTests;
  /** Why the shim did not run tests of serverTls13, with their number. */
  readonly serverTls13Missing: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

/** How many of the excluded tests offer TLS 1.3 to our server. */
export interface Excluded {
  readonly standard: number;
  readonly notStandard: number;
}

export function isServerTls13({ role, tls13 }: ShimResult): boolean {
  return role === 'server' && tls13 === true;
}

export function summarize(
  revision: string,
  output: RunnerOutput,
  runs: readonly ShimResult[],
  excluded: Excluded,
  { NotStandard }: BogoConfig,
): { text: string; result: BogoResult } {
  const tests = Object.entries(output.tests);
  const named = (actual: string) => tests.filter(([, test]) => test.actual === actual).map(([name]) => name);
  const failures = named('FAIL');
  const ours = runs.filter(isServerTls13);
  const missing = new Map<string, number>();
  for (const run of ours) if (run.missing !== undefined) missing.set(run.missing, (missing.get(run.missing) ?? 0) + 1);
  const unimplemented = [...missing].reduce((sum, [, number]) => sum + number, 0);
  const odd = [...missing].reduce((sum, [what, number]) => sum + (what in NotStandard.missing ? number : 0), 0);
  const result: BogoResult = {
    suite: 'google/boringssl, ssl/test/runner',
    revision,
    tests: { passed: named('PASS').length, failed: failures.length, unimplemented: named('SKIP').length },
    serverTls13: counted(ours.length - unimplemented, unimplemented, excluded.standard + excluded.notStandard),
    serverTls13Standard: counted(ours.length - unimplemented, unimplemented - odd, excluded.standard),
    serverTls13Missing: Object.fromEntries([...missing].sort((a, b) => b[1] - a[1])),
    failures,
  };
  const { passed, failed } = result.tests;
  const lines = [
    ...failures.map((name) => `FAILED ${name}\n${output.tests[name]?.error ?? ''}`),
    `${passed} passed, ${failed} failed, ${result.tests.unimplemented} unimplemented`,
    `TLS 1.3 against our server: ${line(result.serverTls13)}`,
    `of these, of a standard feature: ${line(result.serverTls13Standard)}`,
  ];
  return { text: lines.join('\n'), result };
}

function counted(run: number, unimplemented: number, excluded: number): ServerTests {
  const missing = unimplemented + excluded;
  return { run, unimplemented, excluded, notRun: Math.round(1000 * missing / (run + missing)) / 10 };
}

function line({ run, unimplemented, excluded, notRun }: ServerTests): string {
  return `${run} run, ${unimplemented} unimplemented, ${excluded} excluded (${notRun} % not run)`;
}
