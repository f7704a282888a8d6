/** The part of Deno's API that is used here and in `cli/`, so that the sources check without Deno's own types. */
export interface DenoApi {
  readonly args: readonly string[];
  readonly env: { get(name: string): string | undefined };
  readonly permissions: {
    querySync(
      descriptor: { name: string; path?: string; variable?: string },
    ): { state: 'granted' | 'denied' | 'prompt' };
  };
  listen(options: { hostname: string; port: number; reusePort?: boolean }): DenoListener;
  connect(options: { hostname: string; port: number }): Promise<DenoConnection>;
  readFileSync(path: string | URL): Uint8Array;
  statSync(path: string): { mode: number | null };
  writeTextFileSync(path: string, text: string, options?: { append?: boolean; mode?: number }): void;
  makeTempFileSync(options: { prefix?: string; suffix?: string }): string;
  removeSync(path: string): void;
  addSignalListener(signal: string, listener: () => void): void;
  exit(code: number): never;
  readonly stdout: { writeSync(bytes: Uint8Array): number };
  readonly stderr: { writeSync(bytes: Uint8Array): number };
}

export interface DenoListener {
  readonly addr: { hostname: string; port: number };
  accept(): Promise<DenoConnection>;
  close(): void;
}

export interface DenoConnection {
  readonly localAddr: { hostname: string; port: number };
  readonly remoteAddr: { hostname: string; port: number };
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  setNoDelay(noDelay: boolean): void;
}

export function denoApi(): DenoApi | undefined {
  return (globalThis as unknown as { Deno?: DenoApi }).Deno;
}
