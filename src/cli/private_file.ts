import { UsageError } from '../error.ts';
import type { Runtime } from '../terminator/runtime.ts';
import { fileProblem, readBytes } from './system_error.ts';

/** A file of secrets that everything depends on. Throws `UsageError` that names it, also when others than its owner may use it. */
export function readPrivateBytes(runtime: Runtime, file: string): Uint8Array {
  let mode: number;
  try {
    mode = runtime.fileMode(file);
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${fileProblem(error)}`);
  }
  if ((mode & 0o077) !== 0) throw new UsageError(`${file}: others may use it; make it yours alone with chmod 600`);
  return readBytes(runtime, file);
}
