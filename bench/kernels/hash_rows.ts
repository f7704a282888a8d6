/** Hashing and the key schedule's steps: JavaScript to JavaScript, copies and allocation of the result included. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { KernelRow, Rows } from './row.ts';

export const hashRows: Rows = ({ sha256, sha384 }) =>
  [{ hash: sha256, node: 'sha256' }, { hash: sha384, node: 'sha384' }].flatMap(({ hash, node }): KernelRow[] => {
    const key = randomBytes(hash.digestLength);
    // HkdfLabel of the longest label with a context: what Derive-Secret expands.
    const info = randomBytes(4 + 6 + 12 + hash.digestLength);
    const one = Buffer.of(1);
    const digests = [32, 1024, 16384].map((length): KernelRow => {
      const message = randomBytes(length);
      return {
        name: `${hash.name} ${length} B`,
        bytes: length,
        ours: () => void hash.digest(message),
        node: () => void createHash(node).update(message).digest(),
        openssl: { args: ['-evp', node, '-bytes', String(length)], column: 0, unit: 'bytes/s', amount: length },
      };
    });
    return [
      ...digests,
      {
        name: `HKDF-Expand-Label, ${hash.name}`,
        ours: () => void hash.expand(key, info, hash.digestLength),
        node: () => void createHmac(node, key).update(info).update(one).digest(),
      },
      {
        name: `HMAC, ${hash.name}`,
        ours: () => void hash.hmac(key, info),
        node: () => void createHmac(node, key).update(info).digest(),
        openssl: {
          args: ['-hmac', node, '-bytes', String(info.length)],
          column: 0,
          unit: 'bytes/s',
          amount: info.length,
        },
      },
    ];
  });
