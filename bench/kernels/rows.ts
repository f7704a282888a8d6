/** All rows of the kernel bench, in the order of the table. */
import { curveRows } from './curve_rows.ts';
import { hashRows } from './hash_rows.ts';
import { mlkemRows } from './mlkem_rows.ts';
import { recordRows } from './record_rows.ts';
import type { Rows } from './row.ts';

export const ROWS: readonly Rows[] = [recordRows, hashRows, curveRows, mlkemRows];
