/** Self-signed certificates for the bench, made by the openssl command in a folder of their own. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type KeyType = 'ECDSA' | 'RSA';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  /** Certificate and key in one file, as haproxy and hitch want it. */
  readonly both: string;
}

const newKey: Record<KeyType, readonly string[]> = {
  ECDSA: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  RSA: ['-newkey', 'rsa:2048'],
};

export function makeCertificate(
  folder: string,
  type: KeyType,
): CertificateFiles {
  const [cert, key, both] = ['cert', 'key', 'both'].map((name) => join(folder, `${type}.${name}.pem`)) as [
    string,
    string,
    string,
  ];
  execFileSync('openssl', [
    ...[
      'req',
      '-x509',
      '-nodes',
      '-days',
      '30',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
    ],
    ...newKey[type],
    ...['-keyout', key, '-out', cert],
  ], { stdio: ['ignore', 'ignore', 'pipe'] });
  writeFileSync(both, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'), {
    mode: 0o600,
  });
  return { cert, key, both };
}
