import type { AlertName } from './registry/alert.ts';

/**
 * Everything that can go wrong on a connection, by name, and the alert the peer is sent for it: one closed table.
 * `null` means that no alert is sent. Every reason has a test that provokes it (`test/reasons.test.ts`).
 */
// 9846-6.2-4
export const ALERT_OF_REASON = {
  // Decoding (RFC 9846 §6.2, decode_error; §5.1).
  decode_error: 'decode_error',
  message_too_long: 'illegal_parameter',
  client_hello_too_long: 'illegal_parameter',
  too_many_extensions: 'decode_error',
  duplicate_extension: 'illegal_parameter',

  // Record layer (§5).
  not_tls: null,
  sslv2_hello: null,
  unexpected_record_type: 'unexpected_message',
  record_overflow: 'record_overflow',
  bad_record_mac: 'bad_record_mac',
  bad_change_cipher_spec: 'unexpected_message',
  too_many_change_cipher_specs: 'unexpected_message',
  empty_fragment: 'unexpected_message',
  too_many_empty_records: 'unexpected_message',
  no_content_type: 'unexpected_message',
  interleaved_handshake: 'unexpected_message',
  key_change_not_on_boundary: 'unexpected_message',
  key_usage_exhausted: 'internal_error',

  // Order and state (§4, §A).
  unexpected_message: 'unexpected_message',
  unexpected_application_data: 'unexpected_message',
  renegotiation: 'unexpected_message',

  // ClientHello and negotiation (§4.2, §4.3).
  protocol_version: 'protocol_version',
  inappropriate_fallback: 'inappropriate_fallback',
  bad_compression_methods: 'illegal_parameter',
  no_common_cipher_suite: 'handshake_failure',
  no_common_group: 'handshake_failure',
  no_common_signature_scheme: 'handshake_failure',
  no_common_psk: 'handshake_failure',
  needless_certificate_types: 'illegal_parameter',
  no_common_certificate_type: 'unsupported_certificate',
  missing_extension: 'missing_extension',
  forbidden_extension: 'illegal_parameter',
  unsolicited_extension: 'unsupported_extension',
  invalid_server_name: 'decode_error',
  unrecognized_name: 'unrecognized_name',
  no_application_protocol: 'no_application_protocol',
  invalid_key_share: 'illegal_parameter',
  key_share_mismatch: 'illegal_parameter',
  duplicate_key_share: 'illegal_parameter',
  second_hello_changed: 'illegal_parameter',
  invalid_cookie: 'illegal_parameter',
  pre_shared_key_not_last: 'illegal_parameter',
  invalid_inner_hello: 'illegal_parameter',
  invalid_outer_extensions: 'illegal_parameter',
  inner_hello_not_authentic: 'decrypt_error',
  psk_lists_differ: 'illegal_parameter',
  invalid_binder: 'decrypt_error',
  illegal_parameter: 'illegal_parameter',

  // The client role's checks of a server (§4.2.3, §4.2.4, §4.4).
  server_chose_unoffered: 'illegal_parameter',
  second_hello_retry_request: 'unexpected_message',
  pointless_hello_retry_request: 'illegal_parameter',

  // Authentication (§4.5).
  empty_certificate: 'decode_error',
  certificate_required: 'certificate_required',
  bad_certificate: 'bad_certificate',
  unsupported_certificate: 'unsupported_certificate',
  certificate_revoked: 'certificate_revoked',
  certificate_expired: 'certificate_expired',
  certificate_unknown: 'certificate_unknown',
  certificate_chain_too_long: 'bad_certificate',
  certificate_decompression: 'bad_certificate',
  unknown_ca: 'unknown_ca',
  access_denied: 'access_denied',
  bad_certificate_status_response: 'bad_certificate_status_response',
  bad_signature_scheme: 'illegal_parameter',
  bad_signature: 'decrypt_error',
  bad_finished: 'decrypt_error',

  // After the handshake (§4.7), and limits.
  bad_key_update: 'illegal_parameter',
  too_many_key_updates: 'unexpected_message',
  too_much_early_data: 'unexpected_message',
  too_many_warning_alerts: 'unexpected_message',
  bad_alert: 'decode_error',

  // Not the peer's message, but the end of the conversation.
  truncated: null,
  peer_alert: null,
  handshake_timeout: 'user_canceled',
  canceled: 'user_canceled',
  internal_error: 'internal_error',
} as const;

export type Reason = keyof typeof ALERT_OF_REASON;

/** A connection has failed. `reason` says why; `alert` is what was sent to (or, for `peer_alert`, received from) the peer. */
export class TlsError extends Error {
  override readonly name = 'TlsError';
  readonly reason: Reason;
  readonly alert: AlertName | null;

  /** `detail` is for people; it never contains secrets or unescaped bytes of the peer. */
  constructor(reason: Reason, detail?: string, alert: AlertName | null = ALERT_OF_REASON[reason]) {
    super(detail === undefined ? reason : `${reason}: ${detail}`);
    this.reason = reason;
    this.alert = alert;
  }
}

/** The caller, not the peer, has made a mistake: an unknown option, a call out of order. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Ends the connection: caught in one place, `Connection`, which sends the alert. */
export function fail(reason: Reason, detail?: string): never {
  throw new TlsError(reason, detail);
}
