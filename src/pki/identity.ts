import { equalBytes } from './der.ts';
import type { AlternativeNames } from './extension_values.ts';

/** IPv4 or IPv6 text → 4 or 16 bytes; undefined for anything else (a DNS name, say). RFC 4291 §2.2, RFC 3986 §3.2.2. */
export function parseAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [index, part] of parts.entries()) {
    // No leading zeros: some read them as octal.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[index] = Number(part);
  }
  return bytes;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  if (halves.length === 2 && halves[0]?.includes('.')) return undefined;
  const [head, tail] = [groups(halves[0] ?? ''), groups(halves[1] ?? '')];
  if (head === undefined || tail === undefined) return undefined;
  const length = head.length + tail.length;
  if (halves.length === 1 ? length !== 16 : length > 14) return undefined;
  const bytes = new Uint8Array(16);
  bytes.set(head);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

/** Bytes of a colon-separated part, whose last group may be an IPv4 address. */
function groups(text: string): Uint8Array | undefined {
  if (text === '') return new Uint8Array();
  const bytes: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      const group = Number.parseInt(part, 16);
      bytes.push(group >> 8, group & 0xff);
      continue;
    }
    const address = index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (address === undefined) return undefined;
    bytes.push(...address);
  }
  return bytes.length > 16 ? undefined : new Uint8Array(bytes);
}

/** RFC 9525 §6.3: the wildcard is the whole leftmost label and stands for exactly one. Both names in lower case. */
export function matchesWildcard(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*.') || pattern.indexOf('.', 2) === -1) return false;
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot) === pattern.slice(1);
}

/**
 * Whether a server's alternative names are for the name or IP address the client wanted (RFC 9525 §6). The subject's common name is
 * never looked at (§2.1).
 */
export function isServerNamed(names: Pick<AlternativeNames, 'dns' | 'ip'>, wanted: string): boolean {
  const address = parseAddress(wanted);
  if (address !== undefined) return names.ip.some((one) => equalBytes(one, address));
  const name = wanted.toLowerCase().replace(/\.$/, '');
  return names.dns.some((one) => one === name || matchesWildcard(one, name));
}
