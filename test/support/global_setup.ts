import { execFileSync } from 'node:child_process';
import { ROOT } from './root.ts';

/** Builds the command once, before any test file runs: tests that start it run what users run. */
export function setup(): void {
  execFileSync('npm', ['run', '--silent', 'build', '--', '--log-level=warning'], { cwd: ROOT, stdio: 'inherit' });
}
