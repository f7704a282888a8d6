import type { PrivateKey, PublicKey, SignatureProvider, Signer, Verifier } from '../provider.ts';

/** Asks several providers in turn: the first that can do a type of key does it. */
export function firstProvider(...providers: readonly SignatureProvider[]): SignatureProvider {
  return {
    async signer(key: PrivateKey): Promise<Signer | undefined> {
      for (const provider of providers) {
        const signer = await provider.signer(key);
        if (signer !== undefined) return signer;
      }
      return undefined;
    },
    async verifier(key: PublicKey): Promise<Verifier | undefined> {
      for (const provider of providers) {
        const verifier = await provider.verifier(key);
        if (verifier !== undefined) return verifier;
      }
      return undefined;
    },
  };
}
