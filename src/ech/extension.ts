import { fail } from '../error.ts';
import { Reader } from '../wire/reader.ts';
import type { HpkeSuite } from './hpke.ts';

/** ECHClientHello of type `outer`, RFC 9849 §5. */
export interface OuterEch {
  readonly type: 'outer';
  readonly cipherSuite: HpkeSuite;
  readonly configId: number;
  readonly enc: Uint8Array;
  readonly payload: Uint8Array;
}

/** encrypted_client_hello in a ClientHello. */
export type EchClientHello = OuterEch | { readonly type: 'inner' };

/** ECHClientHelloType */
const ECH_OUTER = 0;
export const ECH_INNER = 1;

export function decodeEchClientHello(data: Uint8Array): EchClientHello {
  const reader = new Reader(data, 'ECHClientHello');
  const type = reader.uint8('type');
  if (type === ECH_INNER) {
    reader.end();
    return { type: 'inner' };
  }
  // §7
  if (type !== ECH_OUTER) fail('illegal_parameter', `ECHClientHello.type is ${type}`);
  const cipherSuite = { kdf: reader.uint16('kdf_id'), aead: reader.uint16('aead_id') };
  const configId = reader.uint8('config_id');
  const enc = reader.vector(0, 0xffff, 'enc');
  const payload = reader.vector(1, 0xffff, 'payload');
  reader.end();
  return { type: 'outer', cipherSuite, configId, enc, payload };
}
