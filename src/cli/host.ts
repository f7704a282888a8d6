/** What the command needs of the process it runs in. */
export interface Host {
  readonly args: readonly string[];
  environment(name: string): string | undefined;
  print(text: string): void;
  /** To standard error. */
  printError(text: string): void;
  onSignal(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP', listener: () => void): void;
  exit(code: number): void;
  /** Writes a file in the temporary directory and says its name; undefined where that is not allowed. */
  writeTemporary(name: string, text: string): string | undefined;
  /** Removes what `writeTemporary` wrote. */
  removeTemporary(path: string): void;
}

export async function loadHost(): Promise<Host> {
  return 'Deno' in globalThis
    ? (await import('./host_deno.ts')).denoHost()
    : (await import('./host_node.ts')).nodeHost();
}
