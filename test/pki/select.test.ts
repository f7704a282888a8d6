import { describe, expect, it } from 'vitest';
import type { CredentialInfo } from '../../src/pki/credentials.ts';
import { matchesWildcard } from '../../src/pki/identity.ts';
import { selectByAbility } from '../../src/pki/select.ts';

function candidate(dnsNames: string[], schemes: number[], chainSchemes: number[][] = []): { info: CredentialInfo } {
  const info: CredentialInfo = {
    subject: '',
    issuer: '',
    dnsNames,
    ipAddresses: [],
    notBefore: 0,
    notAfter: 0,
    keyType: 'rsa',
    schemes,
    chainSchemes,
  };
  return { info };
}

describe('selectByAbility', () => {
  const rsa = candidate(['a.test'], [0x0804], [[0x0401]]);
  const ecdsaUnderRsa = candidate(['a.test'], [0x0403], [[0x0401]]);
  const ecdsa = candidate(['a.test'], [0x0403], [[0x0403]]);
  const pss = candidate(['a.test'], [0x0403], [[0x0804, 0x0809]]);

  // 9846-4.5.1.2-2, 9846-4.5.1.2-7
  it('takes the first whose key and chain the client can verify', () => {
    expect(selectByAbility([rsa, ecdsa], { signatureSchemes: [0x0403] })).toBe(ecdsa);
    expect(selectByAbility([ecdsaUnderRsa, ecdsa], { signatureSchemes: [0x0403] })).toBe(ecdsa);
    expect(selectByAbility([pss], { signatureSchemes: [0x0403, 0x0809] })).toBe(pss);
  });

  it('judges the chain by signature_algorithms_cert where there is one', () => {
    const wish = { signatureSchemes: [0x0403], certificateSignatureSchemes: [0x0401] };
    expect(selectByAbility([ecdsa, ecdsaUnderRsa], wish)).toBe(ecdsaUnderRsa);
  });

  // 9846-4.5.1.2-9
  it('sends a chain the client may not know rather than none', () => {
    expect(selectByAbility([rsa, ecdsaUnderRsa], { signatureSchemes: [0x0403] })).toBe(
      ecdsaUnderRsa,
    );
    expect(selectByAbility([rsa], { signatureSchemes: [0x0807] })).toBe(rsa);
  });
});

it('matchesWildcard: one whole leftmost label', () => {
  expect(matchesWildcard('*.a.test', 'x.a.test')).toBe(true);
  for (
    const [pattern, name] of [
      ['*.a.test', 'a.test'],
      ['*.a.test', 'x.y.a.test'],
      ['*.a.test', '.a.test'],
      ['x*.a.test', 'xy.a.test'],
      ['x.*.test', 'x.a.test'],
      ['*', 'localhost'],
      ['*.test', 'a.test'],
      ['*.a.test', 'xa.test'],
    ] as const
  ) expect(matchesWildcard(pattern, name), `${pattern} ${name}`).toBe(false);
});
