// The assembly of the generated kernels. It is not committed: each build of the crate makes it anew, and `npm run wasm:check` compares
// the module that comes out. Kernels whose bounds do not hold are not written.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as aes from './aes.mjs';
import { assemblyText } from './assembly.mjs';
import { checkBounds } from './bounds.mjs';
import { Field25519 } from './field25519.mjs';
import { FieldP256 } from './field_p256.mjs';
import * as ghash from './ghash.mjs';
import { Integer25519 } from './integer25519.mjs';
import { IntegerP256 } from './integer_p256.mjs';
import { IntegerP384 } from './integer_p384.mjs';
import * as inversion from './inversion.mjs';
import * as p256 from './p256.mjs';
import * as p384 from './p384.mjs';
import * as x25519 from './x25519.mjs';

const kernels = (module, Field) => Object.values(module).map((kernel) => kernel(Field));

/** Each file: its title, the name of its table of constants, and its programs. Their bounds are checked where `bounded`. */
export const KERNEL_FILES = [
  {
    file: 'fma25519.s',
    title: 'arithmetic modulo 2^255 - 19 and what is made of it, by fused multiply-add',
    table: 'fma25519_constants',
    programs: kernels(x25519, Field25519),
    bounded: true,
  },
  {
    file: 'integer25519.s',
    title: 'the same in integers',
    table: 'integer25519_constants',
    programs: kernels(x25519, Integer25519),
    bounded: true,
  },
  {
    file: 'fma_p256.s',
    title: 'points of P-256, by fused multiply-add',
    table: 'fma_p256_constants',
    programs: kernels(p256, FieldP256),
    bounded: true,
  },
  {
    file: 'integer_p256.s',
    title: 'the same in integers',
    table: 'integer_p256_constants',
    programs: kernels(p256, IntegerP256),
    bounded: true,
  },
  {
    file: 'integer_p384.s',
    title: 'arithmetic modulo the prime of P-384',
    table: 'integer_p384_constants',
    programs: kernels(p384, IntegerP384),
    bounded: true,
  },
  {
    file: 'inversion.s',
    title: 'division steps of two inversions',
    table: 'inversion_constants',
    programs: kernels(inversion),
    bounded: false,
  },
  ...[['relaxed', 'i8x16.relaxed_swizzle'], ['strict', 'i8x16.swizzle']].map(([build, lookUp]) => ({
    file: `aes_gcm_${build}.s`,
    title: `AES and GHASH, ${build} SIMD`,
    table: 'aes_gcm_constants',
    programs: [...kernels(aes, lookUp), ...kernels(ghash, lookUp)],
    bounded: false,
  })),
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
