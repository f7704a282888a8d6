import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { CertificateCrypto, CertificateHash, CertificateSignature } from '../crypto/provider.ts';
import { type Certificate, isIssuedBy, PEER_CERTIFICATE_LIMITS, readCertificate } from './certificate.ts';
import { CertificateError, checkDer, equalBytes, hex } from './der.ts';
import { HashOid, PurposeOid } from './oid.ts';
import { isSignedBy } from './path.ts';
import { hashOfOid } from './public_key.ts';
import { readSignatureAlgorithm } from './signature_algorithm.ts';

/** A successful OCSP response (RFC 6960 §4.2), read and not yet believed. */
export interface OcspResponse {
  readonly answers: readonly OcspAnswer[];
  /** Certificates the responder sent to be identified with. */
  readonly certificates: readonly Certificate[];
  readonly signedWith: CertificateSignature;
  readonly toBeSigned: Uint8Array;
  readonly signature: Uint8Array;
}

export interface OcspAnswer {
  readonly status: 'good' | 'revoked' | 'unknown';
  readonly hash: 'SHA-1' | CertificateHash;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** Hexadecimal, as `Certificate.serialNumber`. */
  readonly serialNumber: string;
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
}

const LIMITS = { bytes: 32768, elements: 8192, depth: 32 };
/** Responder's certificates that are looked at, and answers. */
const MOST_CERTIFICATES = 4;
const MOST_ANSWERS = 64;
/** RFC 5019 §4: clocks differ. */
const SKEW = 5 * 60_000;
/** An answer that does not say until when it holds is believed for a day. */
const WITHOUT_NEXT_UPDATE = 24 * 3_600_000;

function bad(detail: string): CertificateError {
  return new CertificateError('bad_certificate_status_response', detail);
}

/** Throws `CertificateError('bad_certificate_status_response')`. */
export function readOcspResponse(der: Uint8Array): OcspResponse {
  try {
    checkDer(der, LIMITS);
    const { result } = asn1js.fromBER(new Uint8Array(der), { maxNodes: LIMITS.elements });
    return describe(new pkijs.OCSPResponse({ schema: result }));
  } catch (error) {
    if (error instanceof CertificateError) throw bad(error.message);
    throw bad('not an OCSP response');
  }
}

const STATUS_NAMES = ['successful', 'malformedRequest', 'internalError', '', 'tryLater', 'sigRequired', 'unauthorized'];

function describe(response: pkijs.OCSPResponse): OcspResponse {
  const status = response.responseStatus.valueBlock.valueDec;
  if (status !== 0) throw bad(`the responder did not answer: ${STATUS_NAMES[status] || `status ${status}`}`);
  const { responseBytes } = response;
  if (responseBytes === undefined || responseBytes.responseType !== pkijs.id_PKIX_OCSP_Basic) {
    throw bad('a response that is not of the basic type');
  }
  const inner = new Uint8Array(responseBytes.response.valueBlock.valueHexView);
  checkDer(inner, LIMITS);
  const basic = new pkijs.BasicOCSPResponse({ schema: asn1js.fromBER(inner, { maxNodes: LIMITS.elements }).result });
  const { responses, tbsView, responseExtensions } = basic.tbsResponseData;
  if (responses.length > MOST_ANSWERS) throw bad(`${responses.length} answers in one response`);
  if (responseExtensions?.some((extension) => extension.critical)) throw bad('an unknown critical extension');
  return {
    answers: responses.map(readAnswer),
    certificates: (basic.certs ?? []).slice(0, MOST_CERTIFICATES).map((certificate) =>
      readCertificate(new Uint8Array(certificate.toSchema().toBER(false)), PEER_CERTIFICATE_LIMITS)
    ),
    signedWith: readSignatureAlgorithm(basic.signatureAlgorithm),
    toBeSigned: tbsView,
    signature: new Uint8Array(basic.signature.valueBlock.valueHexView),
  };
}

function readAnswer(answer: pkijs.SingleResponse): OcspAnswer {
  const { certID } = answer;
  const hash = certID.hashAlgorithm.algorithmId === HashOid.sha1
    ? 'SHA-1'
    : hashOfOid(certID.hashAlgorithm.algorithmId);
  if (hash === undefined) throw bad("an unknown hash in a certificate's identifier");
  if (answer.singleExtensions?.some((extension) => extension.critical)) throw bad('an unknown critical extension');
  // CertStatus ::= CHOICE { good [0], revoked [1], unknown [2] }
  const { tagNumber } = (answer.certStatus as asn1js.BaseBlock).idBlock;
  return {
    status: tagNumber === 0 ? 'good' : tagNumber === 1 ? 'revoked' : 'unknown',
    hash,
    issuerNameHash: new Uint8Array(certID.issuerNameHash.valueBlock.valueHexView),
    issuerKeyHash: new Uint8Array(certID.issuerKeyHash.valueBlock.valueHexView),
    serialNumber: hex(certID.serialNumber.valueBlock.valueHexView),
    thisUpdate: answer.thisUpdate.getTime(),
    nextUpdate: answer.nextUpdate?.getTime(),
  };
}

/**
 * The answer that is about `certificate` (RFC 6960 §3.2), undefined when there is none. Without `issuer`, only the hash of its name is compared.
 */
export async function answerFor(
  response: OcspResponse,
  certificate: Certificate,
  issuer: Certificate | undefined,
  crypto: CertificateCrypto,
): Promise<OcspAnswer | undefined> {
  const issuerName = new Uint8Array(certificate.x509.issuer.toSchema().toBER(false));
  const issuerKey = issuer?.x509.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView;
  for (const answer of response.answers) {
    if (answer.serialNumber !== certificate.serialNumber) continue;
    if (!equalBytes(await crypto.digest(answer.hash, issuerName), answer.issuerNameHash)) continue;
    if (issuerKey === undefined || equalBytes(await crypto.digest(answer.hash, issuerKey), answer.issuerKeyHash)) {
      return answer;
    }
  }
  return undefined;
}

/** Whether the answer holds now. */
export function isCurrent({ thisUpdate, nextUpdate }: OcspAnswer, now: number): boolean {
  return thisUpdate <= now + SKEW && now <= (nextUpdate ?? thisUpdate + WITHOUT_NEXT_UPDATE) + SKEW;
}

/**
 * Whether the response is signed by the issuer of the certificates in question, or by someone the issuer has given a certificate for
 * just that (RFC 6960 §4.2.2.2).
 */
export async function isSignedFor(
  response: OcspResponse,
  issuer: Certificate,
  crypto: CertificateCrypto,
  now: number,
): Promise<boolean> {
  if (await isResponseSignedBy(response, issuer, crypto)) return true;
  for (const delegate of response.certificates) {
    const isAppointed = delegate.purposes?.includes(PurposeOid.ocspSigning) === true && isIssuedBy(delegate, issuer) &&
      delegate.notBefore <= now + SKEW && now <= delegate.notAfter + SKEW && delegate.unknownCritical.length === 0;
    if (!isAppointed || !(await isResponseSignedBy(response, delegate, crypto))) continue;
    if (await isSignedBy(delegate, issuer, crypto)) return true;
  }
  return false;
}

async function isResponseSignedBy(
  response: OcspResponse,
  signer: Certificate,
  crypto: CertificateCrypto,
): Promise<boolean> {
  const { publicKey } = signer;
  if (publicKey instanceof CertificateError) return false;
  try {
    return await crypto.verify(publicKey, response.signedWith, response.toBeSigned, response.signature);
  } catch {
    return false;
  }
}

/** What the response says of `certificate`. Throws `CertificateError` when it cannot be believed. */
export async function ocspStatus(
  response: OcspResponse,
  certificate: Certificate,
  issuer: Certificate,
  crypto: CertificateCrypto,
  now: number,
): Promise<'good' | 'revoked' | 'unknown'> {
  const answer = await answerFor(response, certificate, issuer, crypto);
  if (answer === undefined) throw bad('a response about another certificate');
  if (!(await isSignedFor(response, issuer, crypto, now))) throw bad('a response signed by someone not entitled to');
  // Revoked stays revoked, however old the response.
  if (answer.status !== 'revoked' && !isCurrent(answer, now)) throw bad('a response that is out of date');
  return answer.status;
}
