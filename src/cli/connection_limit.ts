import type { Runtime } from '../terminator/runtime.ts';
import type { Settings } from './settings.ts';

/** For each worker. What so many stalled connections hold is bounded by 2 GB (see engine.ts). */
const DEFAULT_MAX_CONNECTIONS = 20_000;
/** A connection has two sockets. */
const FILES_PER_CONNECTION = 2;
/** What a process has open besides: listeners, its log, what the runtime needs, resolvers. */
const OTHER_FILES = 64;

export interface ConnectionLimit {
  readonly maxConnections: number;
  /** What the user should know. */
  readonly warning: string | undefined;
}

/**
 * Below what the open files of this process allow, so that a connection too many is closed at once and with a word in the log,
 * instead of failing at its backend.
 */
export function connectionLimit({ maxConnections }: Settings, runtime: Runtime): ConnectionLimit {
  const files = runtime.openFileLimit() ?? Infinity;
  const allowed = Math.max(1, Math.floor((files - OTHER_FILES) / FILES_PER_CONNECTION));
  const wanted = maxConnections ?? DEFAULT_MAX_CONNECTIONS;
  const warning = maxConnections !== undefined && maxConnections > allowed
    ? `the limit of ${files} open files allows ${allowed} connections, not ${maxConnections}: raise it (ulimit -n)`
    : undefined;
  return { maxConnections: Math.min(wanted, allowed), warning };
}
