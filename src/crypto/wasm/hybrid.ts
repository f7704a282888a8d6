/**
 * Hybrid key exchange (RFC 10024): two key exchanges side by side, whose shares and whose secrets are concatenated in one order.
 * The result is secret as long as one of the two is.
 */
import { NamedGroup } from '../../registry/named_group.ts';
import type { KeyExchange, KeyOffer } from '../provider.ts';
import type { WasmInstance } from './instance.ts';
import { ecdheKeyExchanges } from './key_exchange.ts';
import { mlKem1024KeyExchange, mlKem768KeyExchange } from './mlkem.ts';

/**
 * All groups, by code point, in order of preference: the hybrid that everybody offers first, ML-KEM alone last. RFC 10024 puts ML-KEM
 * before X25519 but after P-256, so that the part that FIPS approves comes first.
 */
export function wasmKeyExchanges(instance: WasmInstance): Map<number, KeyExchange> {
  const ecdhe = ecdheKeyExchanges(instance);
  const mlKem = mlKem768KeyExchange(instance);
  const x25519 = ecdhe.get(NamedGroup.x25519)!;
  const p256 = ecdhe.get(NamedGroup.secp256r1)!;
  const hybrids = [
    hybridKeyExchange('X25519MLKEM768', NamedGroup.X25519MLKEM768, mlKem, x25519),
    hybridKeyExchange('SecP256r1MLKEM768', NamedGroup.SecP256r1MLKEM768, p256, mlKem),
  ] as const;
  const all = [hybrids[0], ...ecdhe.values(), hybrids[1], mlKem1024KeyExchange(instance)];
  return new Map(all.map((exchange) => [exchange.group, exchange]));
}

function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** The concatenation of two secrets, which it wipes; undefined when one is missing. */
function joinSecrets(a: Uint8Array | undefined, b: Uint8Array | undefined): Uint8Array | undefined {
  const both = a && b && concatenate(a, b);
  a?.fill(0);
  b?.fill(0);
  return both;
}

/** `first || second`, as the group `group`. Random bytes are taken in the same order. */
export function hybridKeyExchange(name: string, group: number, first: KeyExchange, second: KeyExchange): KeyExchange {
  const clientShareLength = first.clientShareLength + second.clientShareLength;
  return {
    name,
    group,
    onRequest: first.onRequest === true || second.onRequest === true,
    clientShareLength,
    serverShareLength: first.serverShareLength + second.serverShareLength,
    respondRandomLength: first.respondRandomLength + second.respondRandomLength,
    offerRandomLength: first.offerRandomLength + second.offerRandomLength,
    respond(clientShare, random) {
      if (clientShare.length !== clientShareLength) return undefined;
      const a = first.respond(
        clientShare.subarray(0, first.clientShareLength),
        random.subarray(0, first.respondRandomLength),
      );
      if (a === undefined) return undefined;
      const b = second.respond(
        clientShare.subarray(first.clientShareLength),
        random.subarray(first.respondRandomLength),
      );
      const secret = joinSecrets(a.secret, b?.secret);
      return secret && b && { share: concatenate(a.share, b.share), secret };
    },
    offer(random) {
      const a = first.offer(random.subarray(0, first.offerRandomLength));
      const b = second.offer(random.subarray(first.offerRandomLength));
      return new HybridOffer(a, b, first.serverShareLength, second.serverShareLength);
    },
  };
}

class HybridOffer implements KeyOffer {
  readonly share: Uint8Array;
  #first: KeyOffer;
  #second: KeyOffer;
  #firstLength: number;
  #length: number;

  constructor(first: KeyOffer, second: KeyOffer, firstLength: number, secondLength: number) {
    this.share = concatenate(first.share, second.share);
    this.#first = first;
    this.#second = second;
    this.#firstLength = firstLength;
    this.#length = firstLength + secondLength;
  }

  finish(serverShare: Uint8Array): Uint8Array | undefined {
    try {
      if (serverShare.length !== this.#length) return undefined;
      const a = this.#first.finish(serverShare.subarray(0, this.#firstLength));
      const b = this.#second.finish(serverShare.subarray(this.#firstLength));
      return joinSecrets(a, b);
    } finally {
      this.wipe();
    }
  }

  wipe(): void {
    this.#first.wipe();
    this.#second.wipe();
  }
}
