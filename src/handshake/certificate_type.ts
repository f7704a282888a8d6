import { fail } from '../error.ts';
import type { ClientHello } from '../message/client_hello.ts';
import type { EncryptedExtensions } from '../message/encrypted_extensions.ts';
import { CertificateType } from '../registry/certificate_type.ts';
import type { ClientAuthentication, ClientConfig, Credentials, HostConfig } from './config.ts';

/** The negotiation of RFC 7250: X.509 certificates or raw public keys, for each side by itself. */

const X509_ONLY: readonly number[] = [CertificateType.X509];

/** Whose certificates are of what type, where the client's extensions are to be answered. */
export interface CertificateTypes {
  readonly server: number | undefined;
  readonly client: number | undefined;
}

/**
 * What a server answers a client that speaks of certificate types (§4.2): the type of its own credentials, and with `clients`, when it
 * asks for a certificate, the first it accepts of those the client has. Under a PSK no certificate is due: then nothing of this fails,
 * and the client's types are not spoken of.
 */
export function chooseCertificateTypes(
  { extensions }: ClientHello,
  host: HostConfig,
  clients: ClientAuthentication | undefined,
  underPsk: boolean,
): CertificateTypes {
  const { serverCertificateTypes, clientCertificateTypes } = extensions;
  const own = host.certificateType ?? CertificateType.X509;
  const ownServes = (serverCertificateTypes ?? X509_ONLY).includes(own);
  if (underPsk) {
    const says = ownServes && host.chain.length > 0;
    return { server: says ? serverCertificateTypes && own : undefined, client: undefined };
  }
  if (!ownServes) {
    fail('no_common_certificate_type', 'the client does not take the type of our certificate');
  }
  const accepted = acceptedTypes(clients);
  const ofClient = accepted.find((type) => (clientCertificateTypes ?? X509_ONLY).includes(type));
  if (clients !== undefined && ofClient === undefined) {
    fail('no_common_certificate_type', "the client's certificates are of no type that is accepted");
  }
  return {
    server: serverCertificateTypes && own,
    // §4.2: only by a server that asks for a certificate.
    client: clients && clientCertificateTypes && ofClient,
  };
}

/** Types of clients' certificates, in order of preference. */
export function acceptedTypes(clients: ClientAuthentication | undefined): readonly number[] {
  return clients?.certificateTypes ?? X509_ONLY;
}

/** What a client offers for itself: undefined where X.509 is all, for then the extension is omitted (§4.1). */
export function offeredTypes(types: readonly number[] | undefined): readonly number[] | undefined {
  return types?.some((type) => type !== CertificateType.X509) ? types : undefined;
}

/** The types a server selected, which must be among those offered; without its word it is X.509 (§4.2). */
export function checkSelectedTypes(
  config: ClientConfig,
  { serverCertificateType, clientCertificateType }: EncryptedExtensions,
): { readonly server: number; readonly client: number } {
  const server = serverCertificateType ?? CertificateType.X509;
  if (!(config.serverCertificateTypes ?? X509_ONLY).includes(server)) {
    fail('no_common_certificate_type', `the server's certificate is of type ${server}`);
  }
  if (clientCertificateType !== undefined && clientCertificateType !== typeOf(config.credentials)) {
    fail('no_common_certificate_type', `the server wants a certificate of type ${clientCertificateType}`);
  }
  return { server, client: clientCertificateType ?? CertificateType.X509 };
}

export function typeOf(credentials: Credentials | undefined): number {
  return credentials?.certificateType ?? CertificateType.X509;
}
