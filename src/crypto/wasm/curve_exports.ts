/**
 * What WebAssembly exports for elliptic curves, see wasm/src/abi.rs. Arguments are addresses, or lengths in bytes where the name says so;
 * the lengths of the other areas are said there. A result of 0 is failure, unless it is a length.
 */
export interface CurveExports {
  x25519_public_key(privateKey: number, share: number): void;
  x25519_shared_secret(privateKey: number, peer: number, secret: number): number;
  x25519_respond(privateKey: number, peer: number, share: number, secret: number): number;

  p256_public_key(random: number, privateKey: number, share: number): void;
  p256_shared_secret(privateKey: number, peer: number, peerLength: number, secret: number): number;
  p256_respond(random: number, peer: number, peerLength: number, share: number, secret: number): number;
  p256_key_length(): number;
  p256_key(privateKey: number, key: number, point: number): number;
  p256_sign(
    key: number,
    message: number,
    length: number,
    random: number,
    randomLength: number,
    signature: number,
  ): number;
  p256_verify(point: number, message: number, length: number, signature: number, signatureLength: number): number;
  p256_is_point(point: number, length: number): number;

  p384_public_key: CurveExports['p256_public_key'];
  p384_shared_secret: CurveExports['p256_shared_secret'];
  p384_respond: CurveExports['p256_respond'];
  p384_key_length: CurveExports['p256_key_length'];
  p384_key: CurveExports['p256_key'];
  p384_sign: CurveExports['p256_sign'];
  p384_verify: CurveExports['p256_verify'];
  p384_is_point: CurveExports['p256_is_point'];

  ed25519_key(seed: number, key: number): void;
  ed25519_sign(key: number, message: number, length: number, signature: number): void;
  ed25519_is_public_key(publicKey: number): number;
  ed25519_verify(publicKey: number, message: number, length: number, signature: number): number;
}
