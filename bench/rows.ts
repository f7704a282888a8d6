/** Everything that is measured, in the order of the table. */
import { costRows } from './cost_rows.ts';
import { idleRows } from './idle_rows.ts';
import { latencyRows } from './latency_rows.ts';
import type { Row } from './row.ts';
import { workerRows } from './worker_rows.ts';

export const rows: readonly Row[] = [...costRows, ...latencyRows, ...idleRows, ...workerRows];
