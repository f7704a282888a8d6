// The assembly of the floating-point kernels. It is not committed: each build of the crate makes it anew, and `npm run wasm:check` compares
// the module that comes out. Kernels whose bounds do not hold are not written.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assemblyText } from './assembly.mjs';
import { checkBounds } from './bounds.mjs';
import * as inversion from './inversion.mjs';
import * as p256 from './p256.mjs';
import * as x25519 from './x25519.mjs';

/** Each file: its title, the name of its table of constants, and its programs. Their bounds are checked where `bounded`. */
export const KERNEL_FILES = [
  {
    file: 'fma25519.s',
    title: 'arithmetic modulo 2^255 - 19 and what is made of it',
    table: 'fma25519_constants',
    programs: Object.values(x25519).map((kernel) => kernel()),
    bounded: true,
  },
  {
    file: 'fma_p256.s',
    title: 'points of P-256',
    table: 'fma_p256_constants',
    programs: Object.values(p256).map((kernel) => kernel()),
    bounded: true,
  },
  {
    file: 'inversion.s',
    title: 'division steps of two inversions',
    table: 'inversion_constants',
    programs: Object.values(inversion).map((kernel) => kernel()),
    bounded: false,
  },
];

/** Writes the files to a folder, but for those that are up to date, so that cargo does not build again. */
export function writeKernels(folder) {
  for (const { file, title, table, programs, bounded } of KERNEL_FILES) {
    if (bounded) programs.forEach(checkBounds);
    const path = join(folder, file);
    const text = assemblyText(title, table, programs);
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
  }
}
