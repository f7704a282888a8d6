/** A provider whose keys seal something else than they are told: what a peer would send that holds the keys and means harm. */
import type { Aead, CryptoProvider, RecordKey } from '../../src/crypto/provider.ts';

export interface Sealed {
  readonly contentType: number;
  readonly content: Uint8Array;
}

/** `change` sees what is about to be sealed and gives what is sealed instead: not longer than it was. */
export function meddling(base: CryptoProvider, change: (sealed: Sealed) => Sealed): CryptoProvider {
  const aeads = new Map([...base.aeads].map(([suite, aead]): [number, Aead] => [suite, {
    ...aead,
    deriveKey: (...rest) => meddlingKey(aead.deriveKey(...rest), change),
  }]));
  return { ...base, aeads };
}

function meddlingKey(key: RecordKey, change: (sealed: Sealed) => Sealed): RecordKey {
  return {
    open: (sequence, input, output, contentLimit) => key.open(sequence, input, output, contentLimit),
    seal: (sequence, contentType, content, output, fragmentLimit, paddingMultiple) => {
      const instead = change({ contentType, content });
      if (instead.content.length > content.length) throw new Error('longer than the space for it');
      return key.seal(sequence, instead.contentType, instead.content, output, fragmentLimit, paddingMultiple);
    },
    wipe: () => key.wipe(),
  };
}
