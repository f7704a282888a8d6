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

/** PEM. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
  /** The file of the authority that issued it. */
  readonly authorityFile: string;
}

/** A client's certificate with an authority of its own. */
export function makeClientCertificate(folder: string): ClientCertificate {
  const path = (name: string): string => join(folder, `client.${name}.pem`);
  const make = (subject: string, name: string, ...more: string[]): void => {
    execFileSync('openssl', [
      ...['req', '-x509', '-nodes', '-days', '30', '-subj', `/CN=${subject}`, ...newKey.ECDSA],
      ...['-keyout', path(`${name}.key`), '-out', path(name), ...more],
    ], { stdio: ['ignore', 'ignore', 'pipe'] });
  };
  make('an authority', 'authority');
  const issuer = ['-CA', path('authority'), '-CAkey', path('authority.key')];
  const extensions = ['basicConstraints=critical,CA:FALSE', 'extendedKeyUsage=clientAuth'];
  make('a client', 'leaf', ...issuer, ...extensions.flatMap((extension) => ['-addext', extension]));
  const read = (name: string): string => readFileSync(path(name), 'utf8');
  return { cert: read('leaf'), key: read('leaf.key'), authorityFile: path('authority') };
}
