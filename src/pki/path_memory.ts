import type { CertificateCrypto } from '../crypto/provider.ts';
import type { Certificate } from './certificate.ts';
import { hex } from './der.ts';

/** A chain is some 40 KiB of parsed objects for each certificate. */
const MOST = 128;

/**
 * Chains that were found good: a client that comes again costs one digest and one signature instead of some 10 ms of parsing and
 * checking (measured: Node 20, P-256, one intermediate, a busy machine). Only good ones are remembered, so that nobody without a certificate
 * of the trusted authorities can fill it; the one used longest ago makes room.
 */
export class PathMemory {
  readonly #crypto: CertificateCrypto;
  readonly #paths = new Map<string, readonly Certificate[]>();

  constructor(crypto: CertificateCrypto) {
    this.#crypto = crypto;
  }

  /** The key of a chain for a purpose: equal exactly for equal certificates in the same order. */
  async keyOf(chain: readonly Uint8Array[], purpose: string): Promise<string> {
    const digests = await Promise.all(chain.map((der) => this.#crypto.digest('SHA-256', der)));
    return `${purpose} ${digests.map(hex).join(' ')}`;
  }

  /** The path that was found for that key, if all of it is valid at `now`. */
  find(key: string, now: number): readonly Certificate[] | undefined {
    const path = this.#paths.get(key);
    if (path === undefined) return undefined;
    this.#paths.delete(key);
    if (path.some(({ notBefore, notAfter }) => now < notBefore || now > notAfter)) return undefined;
    this.#paths.set(key, path);
    return path;
  }

  remember(key: string, path: readonly Certificate[]): void {
    this.#paths.set(key, path);
    for (const oldest of this.#paths.keys()) {
      if (this.#paths.size <= MOST) break;
      this.#paths.delete(oldest);
    }
  }
}
