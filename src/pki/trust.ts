import { UsageError } from '../error.ts';
import type { Certificate } from './certificate.ts';
import { readCertificates } from './credentials.ts';
import { CertificateError } from './der.ts';
import { type Crl, readCrls } from './crl.ts';
import type { TrustAnchors } from './path.ts';

export interface LabeledFile {
  readonly bytes: Uint8Array;
  /** The file's name, for errors. */
  readonly label: string;
}

/** Whom peers' certificates may come from. */
export interface Trust {
  readonly anchors: TrustAnchors;
  /** DER DistinguishedNames for CertificateRequest's certificate_authorities (RFC 9846 §4.3.4). */
  readonly authorities: readonly Uint8Array[];
  readonly crls: readonly Crl[];
  /** One line each, beginning with the file's label. */
  readonly warnings: readonly string[];
}

/** Reads trusted certificates and CRLs. `now`: milliseconds since the epoch, for warnings. Throws `UsageError`. */
export function loadTrust(roots: readonly LabeledFile[], crlFiles: readonly LabeledFile[], now: number): Trust {
  const anchors = new Map<string, Certificate[]>();
  const warnings: string[] = [];
  for (const { bytes, label } of roots) {
    const certificates = readCertificates(bytes, label);
    if (certificates.length === 0) {
      throw new UsageError(`${label}: no certificate in this file: give one that has a "BEGIN CERTIFICATE" block`);
    }
    for (const certificate of certificates) {
      warnings.push(...findWarnings(certificate, label, now));
      anchors.set(certificate.subjectName, [...anchors.get(certificate.subjectName) ?? [], certificate]);
    }
  }
  const crls = crlFiles.flatMap(({ bytes, label }) => readCrls(bytes, label));
  for (const { label, issuerName, nextUpdate } of crls) {
    if (nextUpdate !== undefined && nextUpdate < now) {
      warnings.push(
        `${label}: this CRL was to be replaced on ${new Date(nextUpdate).toISOString().slice(0, 10)}: fetch it again`,
      );
    }
    if (!anchors.has(issuerName)) {
      warnings.push(
        `${label}: this CRL is by none of the trusted authorities: it counts for an intermediate of that name alone`,
      );
    }
  }
  const authorities = [...anchors.values()].flatMap((same) =>
    same.slice(0, 1).map(({ x509 }) => new Uint8Array(x509.subject.toSchema().toBER(false)))
  );
  return { anchors, authorities, crls, warnings };
}

function findWarnings({ subject, notBefore, notAfter, publicKey }: Certificate, label: string, now: number): string[] {
  const warnings: string[] = [];
  if (now > notAfter) warnings.push(`${label}: the certificate of "${subject}" has expired: what it issued is refused`);
  if (now < notBefore) warnings.push(`${label}: the certificate of "${subject}" is not valid yet`);
  if (publicKey instanceof CertificateError) {
    warnings.push(`${label}: the certificate of "${subject}" has ${publicKey.message}: what it issued is refused`);
  }
  return warnings;
}
