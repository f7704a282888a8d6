/** ContentType, RFC 9846 §5.1. */
// 9846-5-4
export const ContentType = {
  invalid: 0,
  change_cipher_spec: 20,
  alert: 21,
  handshake: 22,
  application_data: 23,
} as const;
