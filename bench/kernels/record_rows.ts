/** Record protection: whole TLS records, header, nonce, content type and tag included, on both sides. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { CipherSuite } from '../../src/registry/cipher_suite.ts';
import type { KernelRow, Rows } from './row.ts';

const SUITES = [
  { name: 'ChaCha20-Poly1305', code: CipherSuite.TLS_CHACHA20_POLY1305_SHA256, keyLength: 32 },
  { name: 'AES-128-GCM', code: CipherSuite.TLS_AES_128_GCM_SHA256, keyLength: 16 },
  { name: 'AES-256-GCM', code: CipherSuite.TLS_AES_256_GCM_SHA384, keyLength: 32 },
] as const;

const LIMIT = 16384;

export const recordRows: Rows = (provider) =>
  SUITES.flatMap((suite): KernelRow[] => {
    const key = randomBytes(suite.keyLength);
    const iv = randomBytes(12);
    const recordKey = provider.aeads.get(suite.code)!.installKey(key, iv);
    const node = suite.name.toLowerCase() as 'aes-128-gcm';
    const rows: KernelRow[] = [];
    for (
      const { length, records } of [{ length: 16384, records: 1 }, { length: 1024, records: 1 }, {
        length: 64,
        records: 1,
      }, { length: 64, records: 16 }]
    ) {
      const total = length * records;
      const content = provider.memory.allocateRegion(total);
      const sealed = provider.memory.allocateRegion(total + 22 * records);
      const opened = provider.memory.allocateRegion(sealed.length);
      const seal = () => void recordKey.seal(0, 23, content, sealed, Math.ceil(total / records), 1);
      const open = () => {
        if (recordKey.open(0, sealed, opened, LIMIT).produced !== total) throw new Error('did not open');
      };
      seal();
      const inner = new Uint8Array(length + 1);
      const header = sealed.slice(0, 5);
      const body = sealed.slice(5, 5 + length + 1);
      const tag = sealed.slice(5 + length + 1, 5 + length + 17);
      const nodeSeal = () => {
        const cipher = createCipheriv(node, key, iv, { authTagLength: 16 });
        cipher.setAAD(header, { plaintextLength: inner.length });
        cipher.update(inner);
        cipher.final();
        cipher.getAuthTag();
      };
      const nodeOpen = () => {
        const decipher = createDecipheriv(node, key, iv, { authTagLength: 16 });
        decipher.setAAD(header, { plaintextLength: body.length });
        decipher.setAuthTag(tag);
        decipher.update(body);
        decipher.final();
      };
      const size = length >= 1024 ? `${length / 1024} KiB` : `${length} B`;
      const label = `${suite.name} ${size}${records > 1 ? ` × ${records} in one call` : ''}`;
      const openssl = {
        args: ['-evp', node, '-bytes', String(length)],
        column: 0,
        unit: 'bytes/s' as const,
        amount: length,
      };
      rows.push(
        { name: `${label}, seal`, bytes: length, times: records, ours: seal, node: nodeSeal, openssl },
        { name: `${label}, open`, bytes: length, times: records, ours: open, node: nodeOpen, openssl },
      );
    }
    return rows;
  });
