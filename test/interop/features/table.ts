/** Every feature against peers that have it. */
import { CERTIFICATES } from './certificates.ts';
import { ECH } from './ech.ts';
import type { Feature } from './lab.ts';
import { NEGOTIATION } from './negotiation.ts';
import { RESUMPTION, withEachClient } from './resumption.ts';
import { SECRETS } from './secrets.ts';

export const FEATURES: readonly Feature[] = [
  ...RESUMPTION,
  ...withEachClient('client certificate required', 'client certificate'),
  ...withEachClient('X25519MLKEM768', 'full', 'X25519MLKEM768'),
  ...NEGOTIATION,
  ...CERTIFICATES,
  ...SECRETS,
  ...ECH,
];
