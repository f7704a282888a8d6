import { expect, test } from 'vitest';
import { proxyHeader } from '../../src/terminator/proxy_protocol.ts';

const nothing = { applicationProtocol: undefined, serverName: undefined, earlyData: false };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const SIGNATURE = '0d0a0d0a000d0a515549540a';

test('version 1', () => {
  const header = proxyHeader('v1', { host: '192.0.2.1', port: 56324 }, { host: '192.0.2.2', port: 443 }, nothing);
  expect(Buffer.from(header).toString()).toBe('PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n');
  const six = proxyHeader('v1', { host: '2001:db8::1', port: 1 }, { host: '::1', port: 2 }, nothing);
  expect(Buffer.from(six).toString()).toBe('PROXY TCP6 2001:db8::1 ::1 1 2\r\n');
});

test('an IPv4 client of a dual-stack listener is IPv4', () => {
  const header = proxyHeader(
    'v1',
    { host: '::ffff:192.0.2.1', port: 1 },
    { host: '::ffff:192.0.2.2', port: 2 },
    nothing,
  );
  expect(Buffer.from(header).toString()).toBe('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n');
});

test('version 2 over IPv4', () => {
  const header = proxyHeader('v2', { host: '192.0.2.1', port: 56324 }, { host: '192.0.2.2', port: 443 }, nothing);
  expect(hex(header)).toBe(SIGNATURE + '2111000c' + 'c0000201' + 'c0000202' + 'dc04' + '01bb');
});

test('version 2 over IPv6 with protocol and name', () => {
  const header = proxyHeader('v2', { host: '2001:db8::5:192.0.2.1', port: 1 }, { host: '::1', port: 2 }, {
    applicationProtocol: 'h2',
    serverName: 'a.b',
    earlyData: false,
  });
  const addresses = '20010db800000000' + '00000005c0000201' + '0000000000000000' + '0000000000000001' + '00010002';
  const extra = '010002' + '6832' + '020003' + '612e62';
  expect(hex(header)).toBe(SIGNATURE + '2121' + '002f' + addresses + extra);
});

test('version 2 tells how much of the first bytes may be early data', () => {
  const early = { ...nothing, earlyData: true };
  const header = proxyHeader('v2', { host: '192.0.2.1', port: 1 }, { host: '192.0.2.2', port: 2 }, early, 0x12345);
  expect(hex(header)).toBe(SIGNATURE + '21110013' + 'c0000201' + 'c0000202' + '00010002' + 'e00004' + '00012345');
});
