/** A process or thread that serves beside others, seen from the one that started it. */
export interface WorkerHandle {
  /** Structured data; lost when the worker is gone. */
  send(message: unknown): void;
  kill(): void;
}

/** The process that started this one, seen from a worker. */
export interface ParentPort {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
}

/** What the command needs of the process it runs in. */
export interface Host {
  readonly args: readonly string[];
  environment(name: string): string | undefined;
  print(text: string): void;
  /** To standard error. */
  printError(text: string): void;
  onSignal(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP', listener: () => void): void;
  exit(code: number): void;
  /** Runs when the process, or the worker, is about to end. */
  onExit(listener: () => void): void;
  /** Writes a file in the temporary directory and says its name; undefined where that is not allowed. */
  writeTemporary(name: string, text: string): string | undefined;
  /** Removes what `writeTemporary` wrote. */
  removeTemporary(path: string): void;
  readonly processors: number;
  /** Undefined unless this is a worker. */
  readonly parent: ParentPort | undefined;
  /** Starts this same program as a worker. `onExit` is told why it is gone. */
  spawnWorker(onMessage: (message: unknown) => void, onExit: (reason: string) => void): WorkerHandle;
}

export async function loadHost(): Promise<Host> {
  return 'Deno' in globalThis
    ? (await import('./host_deno.ts')).denoHost()
    : (await import('./host_node.ts')).nodeHost();
}
