/** Records of every type, right and wrong, and what becomes of them in a state of either role (RFC 9846 §5). */
import { Type } from '../support/raw_client.ts';
import { type Bytes, concat, message, plainRecord, u8 } from '../support/raw_wire.ts';

/** How a peer of the connection under test makes records now. */
export interface Wire {
  /** A record of this content, protected where records are. */
  record(type: number, content: Bytes, padding?: number): Bytes;
  /** A protected record of this inner plaintext. */
  protect(inner: Bytes): Bytes;
}

export interface RecordState {
  /** Whether records are protected by now. */
  readonly sealed: boolean;
  /** Whether the unprotected change_cipher_spec of middlebox compatibility is dropped. */
  readonly dropsChangeCipherSpec: boolean;
  readonly takesData: boolean;
}

/** What is sent, and 'progress', 'closed' or the name of the alert that answers it. */
export type RecordCase = readonly [records: (wire: Wire) => Bytes[], outcome: string];

/** `foreign`: the outcome of what is no TLS record. */
export function recordCases(state: RecordState, foreign: string): Record<string, RecordCase> {
  const unexpected = 'unexpected_message';
  const nothing = new Uint8Array();
  const { sealed } = state;
  const plain = (type: number, content: Bytes) => () => [plainRecord(type, content)];
  const inSeal = (type: number, content: Bytes) => (wire: Wire) => [wire.record(type, content)];
  return {
    'change_cipher_spec': [
      plain(Type.changeCipherSpec, u8(1)),
      state.dropsChangeCipherSpec ? 'progress' : unexpected,
    ],
    'change_cipher_spec of value 2': [plain(Type.changeCipherSpec, u8(2)), unexpected],
    'change_cipher_spec of two bytes': [plain(Type.changeCipherSpec, Uint8Array.of(1, 1)), unexpected],
    'change_cipher_spec without content': [plain(Type.changeCipherSpec, nothing), unexpected],
    'plain heartbeat': [plain(24, Uint8Array.of(1, 0, 0)), foreign],
    'plain type 0': [plain(0, u8(1)), foreign],
    'plain type 25': [plain(25, u8(1)), foreign],
    'plain type 255': [plain(255, u8(1)), foreign],
    'plain empty handshake': [plain(Type.handshake, nothing), unexpected],
    'plain application data': [plain(Type.applicationData, new Uint8Array(40)), sealed ? 'bad_record_mac' : unexpected],
    'application data too short for a tag': [
      plain(Type.applicationData, new Uint8Array(16)),
      sealed ? 'bad_record_mac' : unexpected,
    ],
    'a record longer than allowed': [
      () => [Uint8Array.of(sealed ? Type.applicationData : Type.handshake, 3, 3, 0x42, 0x01)],
      'record_overflow',
    ],
    'an alert of one byte': [inSeal(Type.alert, u8(1)), 'decode_error'],
    'two alerts in a record': [inSeal(Type.alert, Uint8Array.of(1, 90, 1, 90)), 'decode_error'],
    'an alert without content': [inSeal(Type.alert, nothing), unexpected],
    'handshake without content': [inSeal(Type.handshake, nothing), unexpected],
    ...(sealed && protectedCases(state.takesData ? 'progress' : unexpected)),
  };
}

function protectedCases(data: string): Record<string, RecordCase> {
  const unexpected = 'unexpected_message';
  const nothing = new Uint8Array();
  const inSeal = (type: number, content: Bytes, padding = 0) => (wire: Wire) => [wire.record(type, content, padding)];
  return {
    'plain handshake': [() => [plainRecord(Type.handshake, message(24, u8(0)))], unexpected],
    'protected change_cipher_spec': [inSeal(Type.changeCipherSpec, u8(1)), unexpected],
    'protected type 24': [inSeal(24, u8(1)), unexpected],
    'protected type 255': [inSeal(255, u8(1)), unexpected],
    'protected zeros': [(wire) => [wire.protect(new Uint8Array(9))], unexpected],
    'padded handshake without content': [inSeal(Type.handshake, nothing, 20), unexpected],
    'padded alert without content': [inSeal(Type.alert, nothing, 20), unexpected],
    'application data': [inSeal(Type.applicationData, u8(7)), data],
    'padded application data': [inSeal(Type.applicationData, u8(7), 300), data],
    'empty application data': [inSeal(Type.applicationData, nothing), data],
    'more content than allowed': [inSeal(Type.applicationData, new Uint8Array(16385)), 'record_overflow'],
    'an altered record': [(wire) => {
      const record = wire.record(Type.applicationData, u8(7));
      record[record.length - 1]! ^= 1;
      return [record];
    }, 'bad_record_mac'],
    'a record twice': [(wire) => {
      const record = wire.protect(concat(Uint8Array.of(1, 90), u8(Type.alert)));
      return [record, record];
    }, 'bad_record_mac'],
  };
}
