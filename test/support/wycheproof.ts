/** Wycheproof's test vectors, from the folder that the environment variable SALLYPORT_WYCHEPROOF names. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const WYCHEPROOF: string | undefined = process.env['SALLYPORT_WYCHEPROOF'];

/** Whether the folder is given and has that file. */
export function hasWycheproof(file: string): boolean {
  return WYCHEPROOF !== undefined && existsSync(join(WYCHEPROOF, file));
}

/** The tests of a file's groups, each with the fields of its group. */
export function wycheproof<Test>(file: string): Test[] {
  if (WYCHEPROOF === undefined) throw new Error('SALLYPORT_WYCHEPROOF is not set');
  const { testGroups } = JSON.parse(readFileSync(join(WYCHEPROOF, file), 'utf8')) as {
    testGroups: { tests: object[] }[];
  };
  return testGroups.flatMap(({ tests, ...group }) => tests.map((test) => ({ ...group, ...test }) as Test));
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}
