/** Random bytes that are the same in every run. */
import { createCipheriv, createHash } from 'node:crypto';

/** A generator of random bytes, one sequence for each seed. */
export function seededBytes(seed: string): (length: number) => Uint8Array {
  const cipher = createCipheriv(
    'aes-128-ctr',
    createHash('sha256').update(seed).digest().subarray(0, 16),
    Buffer.alloc(16),
  );
  return (length) => new Uint8Array(cipher.update(Buffer.alloc(length)));
}
