import type { Address } from '../socket/socket.ts';

export type ProxyProtocol = 'off' | 'v1' | 'v2';

const SIGNATURE_V2 = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const VERSION_2_COMMAND_PROXY = 0x21;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;
const TYPE_ALPN = 0x01;
const TYPE_AUTHORITY = 0x02;
/** Of the range for applications' own use (§2.2.8). A uint32: so many of the first bytes may be early data (0-RTT). */
const TYPE_EARLY_DATA = 0xe0;

/** What a backend is told about the client's connection beside its addresses; version 2 only. */
export interface ProxiedHandshake {
  readonly applicationProtocol: string | undefined;
  readonly serverName: string | undefined;
  /** The first bytes come as early data and may be a replay. */
  readonly earlyData: boolean;
}

/** The header of HAProxy's PROXY protocol (version 1: §2.1, version 2: §2.2), which goes before the first byte to the backend. */
export function proxyHeader(
  version: 'v1' | 'v2',
  client: Address,
  server: Address,
  handshake: ProxiedHandshake,
  maxEarlyDataSize = 0,
): Uint8Array {
  const from = unmapped(client);
  const to = unmapped(server);
  if (version === 'v1') {
    const family = isIPv6(from.host) ? 'TCP6' : 'TCP4';
    return new TextEncoder().encode(`PROXY ${family} ${from.host} ${to.host} ${from.port} ${to.port}\r\n`);
  }
  const addresses = [...addressBytes(from.host), ...addressBytes(to.host), ...uint16(from.port), ...uint16(to.port)];
  const extra = [
    ...textTlv(TYPE_ALPN, handshake.applicationProtocol),
    ...textTlv(TYPE_AUTHORITY, handshake.serverName),
    ...(handshake.earlyData ? tlv(TYPE_EARLY_DATA, uint32(maxEarlyDataSize)) : []),
  ];
  return Uint8Array.from([
    ...SIGNATURE_V2,
    VERSION_2_COMMAND_PROXY,
    isIPv6(from.host) ? TCP_OVER_IPV6 : TCP_OVER_IPV4,
    ...uint16(addresses.length + extra.length),
    ...addresses,
    ...extra,
  ]);
}

/** A dual-stack listener shows IPv4 clients as ::ffff:a.b.c.d. */
function unmapped(address: Address): Address {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address.host);
  return mapped === null ? address : { host: mapped[1] as string, port: address.port };
}

function isIPv6(host: string): boolean {
  return host.includes(':');
}

function addressBytes(host: string): number[] {
  if (!isIPv6(host)) return host.split('.').map(Number);
  const withoutZone = host.split('%')[0] as string;
  const [head = '', tail] = withoutZone.split('::');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const missing = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...new Array<number>(missing).fill(0), ...after].flatMap(uint16);
}

/** The 16-bit groups of one side of an IPv6 address; the last may be an IPv4 address. */
function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

function uint16(value: number): number[] {
  return [value >> 8, value & 0xff];
}

function uint32(value: number): number[] {
  return [...uint16(value >>> 16), ...uint16(value & 0xffff)];
}

function textTlv(type: number, text: string | undefined): number[] {
  return text === undefined ? [] : tlv(type, [...new TextEncoder().encode(text)]);
}

function tlv(type: number, value: readonly number[]): number[] {
  return [type, ...uint16(value.length), ...value];
}
