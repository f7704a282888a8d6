/**
 * The runtime's WebCrypto. Node, Deno and browsers have it as `globalThis.crypto`; where a runtime lacks it, the
 * implementation of `@peculiar/webcrypto` is loaded instead.
 */
export async function webCrypto(): Promise<Crypto> {
  const runtime = (globalThis as { crypto?: Crypto }).crypto;
  if (runtime?.subtle !== undefined) return runtime;
  const { Crypto } = await import('@peculiar/webcrypto');
  return new Crypto() as unknown as Crypto;
}

/**
 * WebCrypto's types refuse views of shared memory. Ours never are: WebAssembly memory of one thread is an ordinary ArrayBuffer,
 * and WebCrypto copies its arguments before it returns.
 */
export function source(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}
