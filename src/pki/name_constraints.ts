import type { Certificate } from './certificate.ts';
import { CertificateError } from './der.ts';
import {
  directoryNameOf,
  type GeneralName,
  generalNameOf,
  NameTag as Tag,
  parseValue,
  sequenceOf,
} from './extension_values.ts';

/** One constraint, ready to be compared. */
type Subtree =
  | { readonly tag: typeof Tag.dns | typeof Tag.email | typeof Tag.uri; readonly base: string }
  | { readonly tag: typeof Tag.ip; readonly address: Uint8Array; readonly mask: Uint8Array }
  | { readonly tag: typeof Tag.directory; readonly attributes: readonly string[] };

/** nameConstraints (RFC 5280 §4.2.1.10), read. */
export interface NameConstraints {
  readonly permitted: readonly Subtree[];
  readonly excluded: readonly Subtree[];
  /** Whether there are constraints on kinds of names that are not read: names of those kinds are refused. */
  readonly hasUnknown: boolean;
}

/**
 * How many comparisons of a name with a constraint one chain may cost. Names times constraints grows with the square of what the
 * peer sends (CVE-2025-58187): real chains need a few hundred.
 */
export class WorkBudget {
  #left: number;

  constructor(comparisons: number) {
    this.#left = comparisons;
  }

  /** Throws `CertificateError('bad_certificate')` when it is used up. */
  spend(comparisons: number): void {
    this.#left -= comparisons;
    if (this.#left < 0) throw new CertificateError('bad_certificate', 'name constraints that cost too much to check');
  }
}

/**
 * NameConstraints ::= SEQUENCE { permittedSubtrees [0], excludedSubtrees [1] }, each SEQUENCE OF GeneralSubtree ::= SEQUENCE { base
 * GeneralName, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }, of which RFC 5280 allows the base alone. Throws `CertificateError`.
 */
export function readNameConstraints(der: Uint8Array): NameConstraints {
  const permitted: Subtree[] = [];
  const excluded: Subtree[] = [];
  let hasUnknown = false;
  for (const side of sequenceOf(parseValue(der)).map(generalNameOf)) {
    if (side.tag > 1) throw new CertificateError('bad_certificate', 'name constraints that cannot be read');
    for (const part of side.parts) {
      const [base, ...bounds] = sequenceOf(part);
      if (base === undefined || bounds.length > 0) {
        throw new CertificateError('bad_certificate', 'a name constraint with a minimum or maximum');
      }
      const subtree = readSubtree(generalNameOf(base));
      if (subtree === undefined) hasUnknown = true;
      else (side.tag === 0 ? permitted : excluded).push(subtree);
    }
  }
  return { permitted, excluded, hasUnknown };
}

function readSubtree(name: GeneralName): Subtree | undefined {
  const { tag, bytes } = name;
  switch (tag) {
    case Tag.dns:
    case Tag.email:
    case Tag.uri:
      if (bytes.some((byte) => byte <= 0x20 || byte >= 0x7f)) {
        throw new CertificateError('bad_certificate', 'a name constraint that is not printable ASCII');
      }
      return { tag, base: lowerCaseHost(String.fromCharCode(...bytes)) };
    case Tag.directory:
      return { tag, attributes: directoryNameOf(name) };
    case Tag.ip:
      if (bytes.length !== 8 && bytes.length !== 32) {
        throw new CertificateError('bad_certificate', 'a name constraint on IP addresses that has not 8 or 32 bytes');
      }
      return { tag, address: bytes.subarray(0, bytes.length / 2), mask: bytes.subarray(bytes.length / 2) };
    default:
      return undefined;
  }
}

/**
 * Checks all names of `certificate` against the constraints of one authority above it (RFC 5280 §6.1.3 b, c): each name must be in a
 * permitted subtree of its kind, if there are any of that kind, and in no excluded one. Throws `CertificateError`.
 */
export function checkNameConstraints(certificate: Certificate, constraints: NameConstraints, budget: WorkBudget): void {
  const { names, subjectAttributes } = certificate;
  if (constraints.hasUnknown && names.others > 0) {
    throw new CertificateError('bad_certificate', 'a name of a kind whose constraints cannot be checked');
  }
  const check = (tag: number, name: string, matches: (subtree: Subtree, isExcluded: boolean) => boolean): void => {
    const permitted = constraints.permitted.filter((subtree) => subtree.tag === tag);
    const excluded = constraints.excluded.filter((subtree) => subtree.tag === tag);
    if (excluded.some((subtree) => matches(subtree, true))) {
      throw new CertificateError('bad_certificate', `${name} is excluded by its authority's name constraints`);
    }
    if (permitted.length > 0 && !permitted.some((subtree) => matches(subtree, false))) {
      throw new CertificateError('bad_certificate', `${name} is outside of its authority's name constraints`);
    }
  };
  const count = names.dns.length + names.email.length + names.uri.length + names.ip.length + names.directory.length + 1;
  budget.spend(count * (constraints.permitted.length + constraints.excluded.length));

  for (const name of names.dns) check(Tag.dns, name, (subtree, isExcluded) => dnsIn(name, subtree, isExcluded));
  for (const name of names.email) check(Tag.email, name, (subtree) => emailIn(name, subtree));
  for (const name of names.uri) check(Tag.uri, name, (subtree) => uriIn(name, subtree));
  for (const address of names.ip) check(Tag.ip, address.join('.'), (subtree) => ipIn(address, subtree));
  for (const attributes of [subjectAttributes, ...names.directory]) {
    // RFC 5280 §4.2.1.10: an empty subject is no name.
    if (attributes.length > 0) check(Tag.directory, 'its subject', (subtree) => directoryIn(attributes, subtree));
  }
}

/** "host.example.com" and everything below it; a leading dot, which some write, is as good as none. */
function dnsIn(name: string, subtree: Subtree, isExcluded: boolean): boolean {
  if (subtree.tag !== Tag.dns) return false;
  const base = subtree.base.startsWith('.') ? subtree.base.slice(1) : subtree.base;
  if (base === '' || name === base || name.endsWith(`.${base}`)) return true;
  // What *.example.com could stand for is excluded with foo.example.com (CVE-2025-61727).
  return isExcluded && name.startsWith('*.') && base.slice(base.indexOf('.') + 1) === name.slice(2);
}

/** A mailbox, all mailboxes of a host, or (leading dot) of all hosts below a domain. */
function emailIn(name: string, subtree: Subtree): boolean {
  if (subtree.tag !== Tag.email) return false;
  const mailbox = lowerCaseHost(name);
  if (subtree.base.includes('@')) return mailbox === subtree.base;
  return hostIn(mailbox.slice(mailbox.lastIndexOf('@') + 1), subtree.base);
}

/** RFC 5280 §7.5: of a mailbox, only what follows the @ ignores case. */
function lowerCaseHost(name: string): string {
  const host = name.lastIndexOf('@') + 1;
  return name.slice(0, host) + name.slice(host).toLowerCase();
}

function uriIn(name: string, subtree: Subtree): boolean {
  if (subtree.tag !== Tag.uri) return false;
  const host = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:@[\]]+)(?::\d*)?(?:[/?#]|$)/i.exec(name)?.[1];
  if (host === undefined || /^[\d.]+$/.test(host)) {
    // RFC 5280 §4.2.1.10: a URI without a host name cannot be judged, and is refused.
    throw new CertificateError('bad_certificate', 'a URI without a host name under name constraints on URIs');
  }
  return hostIn(host.toLowerCase(), subtree.base);
}

/** RFC 5280 §4.2.1.10: "host" is that host alone, ".domain" everything below it. */
function hostIn(host: string, base: string): boolean {
  if (base === '') return true;
  return base.startsWith('.') ? host.length > base.length && host.endsWith(base) : host === base;
}

function ipIn(address: Uint8Array, subtree: Subtree): boolean {
  if (subtree.tag !== Tag.ip || subtree.address.length !== address.length) return false;
  return address.every((byte, index) => {
    const mask = subtree.mask[index] ?? 0;
    return (byte & mask) === ((subtree.address[index] ?? 0) & mask);
  });
}

/** The constraint is a prefix of the name. */
function directoryIn(attributes: readonly string[], subtree: Subtree): boolean {
  if (subtree.tag !== Tag.directory) return false;
  return subtree.attributes.every((attribute, index) => attribute === attributes[index]);
}
