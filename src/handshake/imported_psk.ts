import type { CryptoProvider, Hash } from '../crypto/provider.ts';
import { UsageError } from '../error.ts';
import { CipherSuite } from '../registry/cipher_suite.ts';
import { ProtocolVersion } from '../registry/protocol_version.ts';
import { hkdfExpandLabel } from '../schedule/key_schedule.ts';
import { externalSession, type Session } from '../session/session.ts';
import { Writer } from '../wire/writer.ts';

/** An external PSK that both sides were given (RFC 9258 §2), to be imported for TLS 1.3. */
export interface ExternalPsk {
  /** external_identity, 1 to 2^16-1 bytes. */
  readonly identity: Uint8Array;
  /** Secret. At least 128 bits of entropy (RFC 9257 §6). */
  readonly key: Uint8Array;
  /** What the PSK is bound to besides, such as the names of both sides (RFC 9258 §5.1). Default: nothing. */
  readonly context?: Uint8Array;
  /** The hash the PSK was provisioned for. Default SHA-256. */
  readonly hash?: Hash['name'];
}

/** What a client offers and a server looks up: one for each hash of TLS 1.3. */
export interface ImportedPsk {
  /** The ImportedIdentity, which stands for the PSK on the wire. */
  readonly identity: Uint8Array;
  /** Secret. */
  readonly session: Session;
}

/** KDF identifiers of RFC 9258 §10. */
const TARGETS = [
  { kdf: 1, cipherSuite: CipherSuite.TLS_AES_128_GCM_SHA256, hash: 'sha256' },
  { kdf: 2, cipherSuite: CipherSuite.TLS_AES_256_GCM_SHA384, hash: 'sha384' },
] as const;

/**
 * Imports `psk` for TLS 1.3 with each of its hashes (RFC 9258 §5). A PSK imported is of no use under another version, hash or
 * context, and cannot be taken for one that was not imported.
 */
export function importPsk(psk: ExternalPsk, crypto: CryptoProvider): ImportedPsk[] {
  const { identity, key, context = new Uint8Array(0), hash = 'SHA-256' } = psk;
  if (identity.length < 1 || identity.length > 0xffff) throw new UsageError('identity: 1 to 65535 bytes');
  if (context.length > 0xffff) throw new UsageError('context: at most 65535 bytes');
  if (key.length < 16) throw new UsageError('key: at least 16 bytes');
  const own = hash === 'SHA-256' ? crypto.sha256 : crypto.sha384;
  // epskx = HKDF-Extract(0, epsk)
  const salt = own.secret(new Uint8Array(own.digestLength));
  const extracted = salt.extract(key);
  salt.wipe();
  const imported = TARGETS.map((target) => {
    const importedIdentity = encodeImportedIdentity(identity, context, target.kdf);
    if (importedIdentity.length > 0xffff) throw new UsageError('identity and context: at most 65527 bytes together');
    const { digestLength } = crypto[target.hash];
    // ipskx = HKDF-Expand-Label(epskx, "derived psk", Hash(ImportedIdentity), L)
    const secret = hkdfExpandLabel(extracted, 'derived psk', own.digest(importedIdentity), digestLength);
    return { identity: importedIdentity, session: externalSession(secret, target.cipherSuite, 'imported') };
  });
  extracted.wipe();
  return imported;
}

/** struct { opaque external_identity<1..2^16-1>; opaque context<0..2^16-1>; uint16 target_protocol; uint16 target_kdf; } */
function encodeImportedIdentity(identity: Uint8Array, context: Uint8Array, kdf: number): Uint8Array {
  const writer = new Writer(identity.length + context.length + 8);
  return writer.opaqueVector(2, identity).opaqueVector(2, context).uint16(ProtocolVersion.tls13).uint16(kdf).finish();
}
