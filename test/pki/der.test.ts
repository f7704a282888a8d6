import { describe, expect, it } from 'vitest';
import { CertificateError, checkDer, splitDer } from '../../src/pki/der.ts';
import { makeRoot } from '../support/certificates.ts';

const LIMITS = { bytes: 1000, elements: 100, depth: 5 };
const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

describe('checkDer', () => {
  it.each<[string, Uint8Array]>([
    ['an empty sequence', bytes(0x30, 0)],
    ['nested ones', bytes(0x30, 4, 0x30, 0, 0x30, 0)],
    ['a value in them', bytes(0x30, 3, 2, 1, 5)],
    ['a length of two bytes', bytes(4, 0x81, 0x80, ...new Uint8Array(0x80))],
  ])('accepts %s', (_, value) => {
    expect(() => checkDer(value, LIMITS)).not.toThrow();
  });

  // 9846-4.3.3-11: what is not DER is refused wherever it stands in a certificate, RSASSA-PSS parameters included.
  it.each<[string, Uint8Array]>([
    ['nothing', bytes()],
    ['a tag alone', bytes(0x30)],
    ['an indefinite length', bytes(0x30, 0x80, 0, 0)],
    ['a long form for a short length', bytes(0x30, 0x81, 2, 5, 0)],
    ['a length with a leading zero', bytes(4, 0x82, 0, 0x80, ...new Uint8Array(0x80))],
    ['an absurd length', bytes(0x30, 0x84, 0xff, 0xff, 0xff, 0xff)],
    ['a high tag number', bytes(0x3f, 0x81, 1, 0)],
    ['a byte too many', bytes(0x30, 0, 0)],
    ['a byte too few', bytes(0x30, 2, 5)],
    ['an inner value beyond its end', bytes(0x30, 2, 4, 1)],
    ['an inner value beyond the end of its parent alone', bytes(0x30, 5, 0x30, 2, 4, 1, 0)],
    ['an inner header cut off', bytes(0x30, 1, 4)],
    ['an inner long form', bytes(0x30, 3, 4, 0x81, 0)],
    ['an octet string in pieces', bytes(0x24, 2, 4, 0)],
    ['a sequence in one piece', bytes(0x10, 0)],
    ['a boolean of 1', bytes(1, 1, 1)],
    ['an empty boolean', bytes(1, 0)],
    ['an empty integer', bytes(2, 0)],
    ['a padded integer', bytes(2, 2, 0, 0x7f)],
    ['a padded negative integer', bytes(2, 2, 0xff, 0x80)],
  ])('refuses %s', (_, value) => {
    expect(() => checkDer(value, LIMITS)).toThrow(CertificateError);
  });

  it('refuses what is larger, deeper or has more elements than allowed', () => {
    expect(() => checkDer(bytes(4, 0x82, 3, 0xe5, ...new Uint8Array(997)), LIMITS)).toThrow(/longer than 1000 bytes/);
    let nested = bytes();
    for (let depth = 0; depth < 6; depth++) nested = bytes(0x30, nested.length, ...nested);
    expect(() => checkDer(nested, LIMITS)).toThrow(/deeper than 5/);
    expect(() => checkDer(nested, { ...LIMITS, depth: 6 })).not.toThrow();
    const wide = bytes(0x30, 0x81, 200, ...Array.from({ length: 100 }, () => [5, 0]).flat());
    expect(() => checkDer(wide, LIMITS)).toThrow(/more than 100 elements/);
    expect(() => checkDer(wide, { ...LIMITS, elements: 101 })).not.toThrow();
  });

  it('refuses each strict prefix of a certificate', () => {
    const { der } = makeRoot();
    const limits = { bytes: 4096, elements: 1000, depth: 24 };
    expect(() => checkDer(der, limits)).not.toThrow();
    for (let length = 0; length < der.length; length++) {
      expect(() => checkDer(der.subarray(0, length), limits)).toThrow(CertificateError);
    }
  });
});

it('splitDer: values in a row', () => {
  expect(splitDer(bytes(5, 0, 0x30, 2, 5, 0))).toEqual([bytes(5, 0), bytes(0x30, 2, 5, 0)]);
  expect(() => splitDer(bytes(5, 0, 0x30))).toThrow(CertificateError);
});
