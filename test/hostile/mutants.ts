/** Defences against published attacks, each with a way to take it out, and the tests that must then fail. */
export interface Mutant {
  /** As in README.md. */
  readonly attack: string;
  readonly file: string;
  /** Occurs once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Files of tests, of which one at least fails. */
  readonly tests: readonly string[];
}

const HANDSHAKE = ['test/hostile/handshake_attacks.test.ts'];
const FLOODS = ['test/hostile/flood_attacks.test.ts'];
const RESUMPTION = ['test/hostile/resumption_attacks.test.ts'];
const KEYS = ['test/hostile/ticket_keys.test.ts'];
const CHAINS = ['test/pki/verify_peer.test.ts'];

function mutant(
  attack: string,
  file: string,
  find: string,
  replace: string,
  tests: readonly string[],
): Mutant {
  return { attack, file: `src/${file}`, find, replace, tests };
}

const HANDSHAKE_BUFFER = 'connection/handshake_buffer.ts';
const READER = 'record/record_reader.ts';
const RESUME = 'handshake/resumption.ts';
const NEGOTIATE = 'handshake/negotiate.ts';
const PEER = 'handshake/peer_certificate.ts';
const RING = 'session/ticket_key_ring.ts';
const STORE = 'session/memory_store.ts';
const PATH = 'pki/path.ts';

export const MUTANTS: readonly Mutant[] = [
  mutant(
    'CVE-2022-25640',
    PEER,
    'yield* receive(HandshakeType.certificate_verify)',
    'yield* receive(HandshakeType.certificate_verify, HandshakeType.finished)',
    HANDSHAKE,
  ),
  mutant('CVE-2022-25640', PEER, "if (!expectation.optional) fail('certificate_required');", '', HANDSHAKE),
  mutant(
    'CVE-2025-61730',
    HANDSHAKE_BUFFER,
    "if (!this.isEmpty) fail('key_change_not_on_boundary');",
    '',
    HANDSHAKE,
  ),
  mutant(
    'CVE-2024-11738',
    HANDSHAKE_BUFFER,
    'if (this.#end < end) return undefined;',
    "if (this.#end < end) fail('decode_error');",
    HANDSHAKE,
  ),
  mutant('CVE-2025-6395', NEGOTIATE, "if (!same) fail('second_hello_changed');", '', HANDSHAKE),
  mutant('CVE-2025-6395', NEGOTIATE, 'if (MAY_CHANGE.has(type)) continue;', 'continue;', HANDSHAKE),
  mutant(
    'CVE-2025-11936',
    NEGOTIATE,
    "if (index === previous) fail('duplicate_key_share', `group ${group}`);",
    '',
    HANDSHAKE,
  ),
  mutant('CVE-2022-41724', HANDSHAKE_BUFFER, 'this.#checkLength(type, length);', '', HANDSHAKE),
  mutant(
    'invalid curve points, ML-KEM keys',
    'handshake/server.ts',
    "if (response === undefined) fail('invalid_key_share', keyExchange.name);",
    "if (response === undefined) fail('internal_error', keyExchange.name);",
    HANDSHAKE,
  ),
  mutant(
    'CVE-2025-58189',
    'observe/log.ts',
    'return bare.test(text) ? text : escapeLine(JSON.stringify(text));',
    'return text;',
    ['test/observe/log.test.ts'],
  ),
  mutant(
    'CVE-2024-32650',
    'connection/connection.ts',
    "if (this.#established === undefined) fail('truncated', 'the peer closed during the handshake');",
    '',
    [...FLOODS, 'test/hostile/matrix.test.ts'],
  ),
  mutant(
    'CVE-2026-32283, CVE-2026-56862',
    'connection/connection.ts',
    "if (++this.#keyUpdates > this.limits.keyUpdates) fail('too_many_key_updates', 'without data between them');",
    '',
    FLOODS,
  ),
  mutant(
    'CVE-2026-32283, CVE-2026-56862',
    'connection/connection.ts',
    "if (++this.#recentKeyUpdates > this.limits.keyUpdatesPerSecond) fail('too_many_key_updates', 'within a second');",
    '',
    FLOODS,
  ),
  mutant(
    'CVE-2026-32283, CVE-2026-56862',
    'connection/connection.ts',
    'if (replyRequested) this.#owesKeyUpdate = true;',
    'if (replyRequested) this.#sendKeyUpdate(false);',
    FLOODS,
  ),
  mutant(
    'CVE-2020-25648',
    READER,
    "if (++this.#changeCipherSpecs > this.#limits.changeCipherSpecs) fail('too_many_change_cipher_specs');",
    '',
    FLOODS,
  ),
  mutant(
    'CVE-2016-8610 and its like',
    READER,
    "if (++this.#emptyRecords > this.#limits.emptyRecords) fail('too_many_empty_records');",
    '',
    FLOODS,
  ),
  mutant(
    'CVE-2016-8610 and its like',
    'connection/connection.ts',
    "if (++this.#warningAlerts > this.limits.warningAlerts) fail('too_many_warning_alerts');",
    '',
    FLOODS,
  ),
  mutant(
    'certificate decompression bombs',
    PEER,
    "if (uncompressedLength > limit) fail('certificate_decompression', `${uncompressedLength} bytes announced`);",
    '',
    FLOODS,
  ),
  mutant(
    'certificate decompression bombs',
    'terminator/node_zlib.ts',
    '{ maxOutputLength: length }',
    '{ maxOutputLength: 1 << 30 }',
    ['test/terminator/node_zlib.test.ts'],
  ),
  mutant(
    'CVE-2023-0464',
    PATH,
    'if (certificate.policyCount > limits.policies) {',
    'if (certificate.policyCount > 1e9) {',
    CHAINS,
  ),
  mutant('CVE-2025-58187', PATH, 'new WorkBudget(limits.nameComparisons)', 'new WorkBudget(Infinity)', CHAINS),
  mutant(
    'CVE-2026-1584',
    RESUME,
    'const valid = config.crypto.constantTimeEqual(expected, psk.binder);',
    'const valid = true;',
    RESUMPTION,
  ),
  mutant(
    'CVE-2025-23419, CVE-2025-68121',
    RESUME,
    "if (session.context !== (binding.host.sessionContext ?? '')) return false;",
    '',
    RESUMPTION,
  ),
  mutant(
    'CVE-2025-23419, CVE-2025-68121',
    RESUME,
    'if (session.serverName !== binding.serverName) return false;',
    '',
    RESUMPTION,
  ),
  mutant(
    'CVE-2025-23419, CVE-2025-68121',
    RESUME,
    'if (session.applicationProtocol !== binding.applicationProtocol) return false;',
    '',
    RESUMPTION,
  ),
  mutant(
    'CVE-2025-23419, CVE-2025-68121',
    RESUME,
    "if (session.peerCertificates.length === 0) return binding.clientAuthentication?.mode !== 'require';",
    'if (session.peerCertificates.length === 0) return true;',
    RESUMPTION,
  ),
  mutant(
    'CVE-2020-13777',
    RING,
    "if (secret.every((byte) => byte === 0)) throw new UsageError('ticket keys: a secret of zeros');",
    '',
    KEYS,
  ),
  mutant(
    'CVE-2020-13777',
    RING,
    'if (newest === undefined || now - newest.notBefore >= this.#rotationPeriod) {',
    'if (newest === undefined) {',
    KEYS,
  ),
  mutant(
    'over-long early data, replayed early data',
    'connection/handshake_driver.ts',
    "if (this.#earlyData < 0) fail('too_much_early_data');",
    '',
    RESUMPTION,
  ),
  mutant(
    'over-long early data, replayed early data',
    READER,
    "if (length > this.#skippable) fail('too_much_early_data', 'rejected early data goes on');",
    '',
    RESUMPTION,
  ),
  mutant('over-long early data, replayed early data', STORE, 'if (this.#seen.has(key)) return false;', '', KEYS),
  mutant(
    'over-long early data, replayed early data',
    STORE,
    'if (now - this.#startedAt < this.#window || this.#seen.size >= this.#capacity) return false;',
    'if (this.#seen.size >= this.#capacity) return false;',
    KEYS,
  ),
  mutant(
    'over-long early data, replayed early data',
    RESUME,
    'if (Math.abs(psk.ageSkew) > (earlyData.ageTolerance ?? TICKET_AGE_TOLERANCE)) return false;',
    '',
    RESUMPTION,
  ),
];
