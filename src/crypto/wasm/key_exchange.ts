/**
 * ECDHE in WebAssembly: X25519 (RFC 7748), P-256 and P-384 with uncompressed points (RFC 9846 §4.3.8.2). The server's side is one call:
 * random bytes and the client's share in, share and secret out.
 */
import { UsageError } from '../../error.ts';
import { NamedGroup } from '../../registry/named_group.ts';
import type { KeyExchange, KeyOffer } from '../provider.ts';
import type { WasmInstance } from './instance.ts';

/** Lengths in bytes, and the exports of one group. */
interface Group {
  readonly name: string;
  readonly group: number;
  readonly onRequest?: boolean;
  readonly shareLength: number;
  readonly secretLength: number;
  /** Random bytes for a private key. */
  readonly randomLength: number;
  /** Bytes of a private key. */
  readonly privateLength: number;
  /** 0 when the peer's share is not valid. */
  respond(random: number, peer: number, share: number, secret: number): number;
  offer(random: number, privateKey: number, share: number): void;
  /** 0 when the peer's share is not valid. */
  finish(privateKey: number, peer: number, secret: number): number;
}

/** The groups of elliptic curves, by code point. */
export function ecdheKeyExchanges(instance: WasmInstance): Map<number, KeyExchange> {
  const groups = [x25519Group(instance), p256Group(instance), p384Group(instance)];
  return new Map(groups.map((group) => [group.group, keyExchange(instance, group)]));
}

function x25519Group({ bytes, exports }: WasmInstance): Group {
  return {
    name: 'x25519',
    group: NamedGroup.x25519,
    shareLength: 32,
    secretLength: 32,
    randomLength: 32,
    privateLength: 32,
    respond: (random, peer, share, secret) => exports.x25519_respond(random, peer, share, secret),
    offer(random, privateKey, share) {
      bytes.copyWithin(privateKey, random, random + 32);
      exports.x25519_public_key(privateKey, share);
    },
    finish: (privateKey, peer, secret) => exports.x25519_shared_secret(privateKey, peer, secret),
  };
}

function p256Group({ exports }: WasmInstance): Group {
  return {
    name: 'secp256r1',
    group: NamedGroup.secp256r1,
    shareLength: 65,
    secretLength: 32,
    randomLength: 40,
    privateLength: 32,
    respond: (random, peer, share, secret) => exports.p256_respond(random, peer, 65, share, secret),
    offer: (random, privateKey, share) => exports.p256_public_key(random, privateKey, share),
    finish: (privateKey, peer, secret) => exports.p256_shared_secret(privateKey, peer, 65, secret),
  };
}

function p384Group({ exports }: WasmInstance): Group {
  return {
    name: 'secp384r1',
    group: NamedGroup.secp384r1,
    // Above 1 ms for a server, some fifty times X25519 (`npm run bench:kernels -- --only P-384`).
    onRequest: true,
    shareLength: 97,
    secretLength: 48,
    randomLength: 56,
    privateLength: 48,
    respond: (random, peer, share, secret) => exports.p384_respond(random, peer, 97, share, secret),
    offer: (random, privateKey, share) => exports.p384_public_key(random, privateKey, share),
    finish: (privateKey, peer, secret) => exports.p384_shared_secret(privateKey, peer, 97, secret),
  };
}

/** Room for the longest share, private key or secret. */
const AREA = 128;

function keyExchange(instance: WasmInstance, group: Group): KeyExchange {
  const { bytes, scratch } = instance;
  const [random, peer, share, secret] = [scratch, scratch + AREA, scratch + 2 * AREA, scratch + 3 * AREA];
  const { shareLength, secretLength, randomLength, privateLength } = group;
  // `random` becomes a private key; of the rest only the secret is one.
  const wipe = () => {
    bytes.fill(0, random, random + randomLength);
    bytes.fill(0, secret, secret + secretLength);
  };
  const putRandom = (from: Uint8Array) => {
    if (from.length !== randomLength) {
      throw new UsageError(`${group.name} takes ${randomLength} random bytes, not ${from.length}`);
    }
    bytes.set(from, random);
  };

  return {
    name: group.name,
    group: group.group,
    onRequest: group.onRequest ?? false,
    clientShareLength: shareLength,
    serverShareLength: shareLength,
    respondRandomLength: randomLength,
    offerRandomLength: randomLength,
    respond(clientShare, randomBytes) {
      if (clientShare.length !== shareLength) return undefined;
      putRandom(randomBytes);
      bytes.set(clientShare, peer);
      const valid = group.respond(random, peer, share, secret) !== 0;
      const result = valid
        ? { share: bytes.slice(share, share + shareLength), secret: bytes.slice(secret, secret + secretLength) }
        : undefined;
      wipe();
      return result;
    },
    offer(randomBytes) {
      putRandom(randomBytes);
      group.offer(random, secret, share);
      const offered = bytes.slice(share, share + shareLength);
      const privateKey = bytes.slice(secret, secret + privateLength);
      wipe();
      return keyOffer(offered, privateKey, (serverShare) => {
        if (serverShare.length !== shareLength) return undefined;
        bytes.set(privateKey, random);
        bytes.set(serverShare, peer);
        const result = group.finish(random, peer, secret) !== 0
          ? bytes.slice(secret, secret + secretLength)
          : undefined;
        wipe();
        return result;
      });
    },
  };
}

/** An offer that can be finished once. */
function keyOffer(
  share: Uint8Array,
  privateKey: Uint8Array,
  agree: (serverShare: Uint8Array) => Uint8Array | undefined,
): KeyOffer {
  let live = true;
  const wipe = () => {
    live = false;
    privateKey.fill(0);
  };
  return {
    share,
    finish(serverShare) {
      if (!live) throw new UsageError('this key offer has been finished or wiped');
      const secret = agree(serverShare);
      wipe();
      return secret;
    },
    wipe,
  };
}
