/** How each client is told to connect, check the certificate, and let itself be talked to. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DENO } from '../../support/deno.ts';
import { goProgram } from '../go_program.ts';
import { type Lab, missingProgram } from './lab.ts';

export const OPENSSL: string | undefined = missingProgram('openssl', 'openssl');
export const GNUTLS: string | undefined = missingProgram('gnutls-cli', 'gnutls-bin');
export const NSS: string | undefined = missingProgram('tstclnt', 'libnss3-tools');
export const CURL: string | undefined = missingProgram('curl', 'curl');
export const CHROMIUM: string | undefined = missingProgram('chromium-headless-shell', 'chromium-headless-shell');
export const GO: string | undefined = spawnSync('go', ['version']).error === undefined
  ? undefined
  : 'no go on PATH (https://go.dev)';
export const DENO_MISSING: string | undefined = DENO === undefined
  ? 'the npm package deno has no binary for this machine'
  : undefined;

export function openssl(lab: Lab, port: number, ...more: string[]): string[] {
  // deno-fmt-ignore
  return [
    's_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-tls1_3',
    '-CAfile', lab.rootFile, '-verify_hostname', 'localhost', '-verify_return_error', ...more,
  ];
}

export function gnutls(lab: Lab, port: number, ...more: string[]): string[] {
  // deno-fmt-ignore
  return [
    '--x509cafile', lab.rootFile, '--sni-hostname', 'localhost', '--verify-hostname', 'localhost',
    '--port', String(port), '127.0.0.1', ...more,
  ];
}

export function nss(lab: Lab, port: number, ...more: string[]): string[] {
  const database = join(lab.folder, 'nss');
  if (!existsSync(database)) {
    mkdirSync(database);
    for (const args of [['-N', '--empty-password'], ['-A', '-n', 'root', '-t', 'C,,', '-i', lab.rootFile]]) {
      const { status, stderr } = spawnSync('certutil', ['-d', `sql:${database}`, ...args]);
      if (status !== 0) throw new Error(`certutil ${args[0]}: ${stderr}`);
    }
  }
  // deno-fmt-ignore
  return [
    '-h', '127.0.0.1', '-a', 'localhost', '-p', String(port), '-d', `sql:${database}`, '-V', 'tls1.3:tls1.3', ...more,
  ];
}

/** What Go's crypto/tls knows of a connection (peers/go_state). */
export interface GoState {
  readonly resumed: boolean;
  readonly retried: boolean;
  readonly protocol: string;
  readonly ocsp: string;
  readonly timestamps: readonly string[];
  readonly exported: string;
  readonly answer: string;
  readonly ech: boolean;
  readonly echRetry: string;
}

/** One connection of Go's client. Options as in its source. */
export async function goState(lab: Lab, port: number, ...more: string[]): Promise<GoState> {
  const program = await goProgram(lab.folder, 'go_state');
  const said = await lab.talk(program, ['-port', String(port), '-root', lab.rootFile, ...more], { steps: [] });
  try {
    return JSON.parse(said) as GoState;
  } catch {
    throw new Error(`Go: ${said}`);
  }
}
