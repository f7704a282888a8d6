/** The soft limit of this process, as Linux tells it. Node and Deno raise it to the hard limit when they start. */
export function readOpenFileLimit(readFile: (path: string) => Uint8Array): number | undefined {
  try {
    const text = new TextDecoder().decode(readFile('/proc/self/limits'));
    const limit = Number(/^Max open files +(\d+)/m.exec(text)?.[1]);
    return Number.isNaN(limit) ? undefined : limit;
  } catch {
    return undefined;
  }
}
