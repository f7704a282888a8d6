/**
 * The handshakes of RFC 8448, byte for byte: every secret, every key, every Finished, every record and every message of them, through
 * the schedule, the record layer and the codecs. `traces.json` holds the RFC's values, step by step.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { CryptoProvider, RecordKey } from '../../src/crypto/provider.ts';
import { decodeCertificate, encodeCertificate } from '../../src/message/certificate.ts';
import { decodeCertificateRequest } from '../../src/message/certificate_request.ts';
import { decodeCertificateVerify, encodeCertificateVerify } from '../../src/message/certificate_verify.ts';
import { decodeClientHello } from '../../src/message/client_hello.ts';
import { decodeEncryptedExtensions } from '../../src/message/encrypted_extensions.ts';
import { decodeEndOfEarlyData, encodeEndOfEarlyData } from '../../src/message/end_of_early_data.ts';
import { decodeFinished, encodeFinished } from '../../src/message/finished.ts';
import { decodeNewSessionTicket, encodeNewSessionTicket } from '../../src/message/new_session_ticket.ts';
import { decodeServerHello } from '../../src/message/server_hello.ts';
import { RecordReader } from '../../src/record/record_reader.ts';
import { RecordWriter } from '../../src/record/record_writer.ts';
import { CipherSuite } from '../../src/registry/cipher_suite.ts';
import { NamedGroup } from '../../src/registry/named_group.ts';
import * as schedule from '../../src/schedule/key_schedule.ts';
import { Transcript } from '../../src/schedule/transcript.ts';
import { nodeProvider } from '../support/node_provider.ts';
import { wasmProvider } from '../support/wasm.ts';

interface Step {
  side: 'client' | 'server';
  step: string;
  values: Record<string, string>;
}

const traces: { title: string; steps: Step[] }[] = JSON.parse(
  readFileSync(new URL('traces.json', import.meta.url), 'utf8'),
);

const bytes = (hex: string | undefined) => {
  if (hex === undefined) throw new Error('the trace lacks a value');
  return new Uint8Array(Buffer.from(hex, 'hex'));
};
const hex = (value: Uint8Array | undefined) => Buffer.from(value ?? []).toString('hex');
const EMPTY = new Uint8Array(0);

const providers: [string, CryptoProvider][] = [['node:crypto', nodeProvider()], ['WebAssembly', wasmProvider()]];

describe.each(providers)('RFC 8448 over %s', (_name, crypto) => {
  const { sha256 } = crypto;
  const aead = crypto.aeads.get(CipherSuite.TLS_AES_128_GCM_SHA256)!;

  describe.each(traces.map((trace) => [trace.title, trace.steps] as const))('%s', (_title, steps) => {
    test('every secret is derived', () => {
      let derived = 0;
      for (const { step, values } of steps) {
        const label = /"tls13 (.*)"/.exec(step)?.[1];
        if (label !== undefined && values['expanded'] !== undefined && !step.startsWith('calculate')) {
          const context = bytes(values['hash']);
          const secret = schedule.hkdfExpandLabel(sha256.secret(bytes(values['PRK'])), label, context, 32);
          expect(hex(secret), step).toBe(values['expanded']);
          derived++;
        }
        if (values['IKM'] !== undefined) {
          const salt = values['salt'] === '0' ? new Uint8Array(32) : bytes(values['salt']);
          const material = values['IKM'] === '0' ? new Uint8Array(32) : bytes(values['IKM']);
          expect(hex(sha256.extract(salt, material)), step).toBe(values['secret']);
          expect(hex(sha256.secret(salt).extract(material).reveal()), step).toBe(values['secret']);
          derived++;
        }
      }
      expect(derived).toBeGreaterThan(9);
    });

    test('the secrets follow from each other by the key schedule', () => {
      const of = (name: string) =>
        steps.find(({ step, values }) => step === `extract secret "${name}"` && values['IKM']);
      const zero = (value: string | undefined) => value === '0' ? undefined : bytes(value);
      const early = schedule.earlySecret(sha256, zero(of('early')?.values['IKM']));
      expect(hex(early.reveal())).toBe(of('early')?.values['secret']);
      const handshake = schedule.handshakeSecret(sha256, early, bytes(of('handshake')?.values['IKM']));
      expect(hex(handshake.reveal())).toBe(of('handshake')?.values['secret']);
      const main = schedule.mainSecret(sha256, handshake);
      expect(hex(main.reveal())).toBe(of('master')?.values['secret']);
      // Each formula wipes what it used up.
      expect(() => early.reveal()).toThrow(/wiped/);
      expect(() => handshake.reveal()).toThrow(/wiped/);
    });

    test('every key and iv, every Finished and every binder is derived', () => {
      let derived = 0;
      for (const { step, values } of steps) {
        if (values['key expanded'] !== undefined) {
          const secret = sha256.secret(bytes(values['PRK']));
          const key = schedule.hkdfExpandLabel(secret, 'key', EMPTY, aead.keyLength);
          const iv = schedule.hkdfExpandLabel(secret, 'iv', EMPTY, aead.ivLength);
          expect([hex(key), hex(iv)], step).toEqual([values['key expanded'], values['iv expanded']]);
          expect(sealed(schedule.trafficKey(aead, secret)), step).toBe(sealed(aead.installKey(key, iv)));
          derived++;
        }
        if (values['finished'] !== undefined) {
          const finishedKey = schedule.hkdfExpandLabel(sha256.secret(bytes(values['PRK'])), 'finished', EMPTY, 32);
          expect(hex(finishedKey), step).toBe(values['expanded']);
        }
        if (values['binder hash'] !== undefined) {
          const early = sha256.secret(
            bytes(steps.find((other) => other.step === 'extract secret "early"')?.values['secret']),
          );
          const transcriptHash = sha256.digest(bytes(values['ClientHello prefix']));
          expect(hex(transcriptHash)).toBe(values['binder hash']);
          expect(hex(schedule.pskBinder(sha256, early, 'resumption', transcriptHash))).toBe(values['finished']);
          derived++;
        }
      }
      expect(derived).toBeGreaterThan(3);
    });

    test('the transcript gives both Finished messages', () => {
      let transcript = new Transcript(sha256);
      let messages = 0;
      let checked = 0;
      for (const [index, { side, step, values }] of steps.entries()) {
        if (!step.startsWith('construct a')) continue;
        const message = bytes(Object.values(values)[0]);
        if (step.includes('Finished')) {
          const calculated = steps.slice(0, index).findLast((other) =>
            other.side === side && other.step.startsWith('calculate finished') && other.values['finished']
          );
          const secret = sha256.secret(bytes(calculated?.values['PRK']));
          const verifyData = schedule.finishedVerifyData(sha256, secret, transcript.digest());
          expect(hex(encodeFinished(verifyData))).toBe(hex(message));
          checked++;
        }
        if (step.includes('NewSessionTicket')) continue;
        // The first ClientHello of a resumption is completed by its binder: the record has the whole of it.
        const whole = step.includes('ClientHello')
          ? bytes(steps.slice(index).find((other) => other.step === 'send handshake record')?.values['payload'])
          : message;
        messages++;
        transcript.add(whole);
        const { cipherSuite, isHelloRetryRequest } = step.includes('ServerHello')
          ? decodeServerHello(message.subarray(4), 64)
          : { cipherSuite: undefined, isHelloRetryRequest: false };
        if (cipherSuite !== undefined) expect(cipherSuite).toBe(CipherSuite.TLS_AES_128_GCM_SHA256);
        if (isHelloRetryRequest) {
          const again = new Transcript(sha256);
          const hello = steps.find((other) => other.step === 'send handshake record')?.values['payload'];
          again.add(bytes(hello));
          again.replaceByMessageHash();
          again.add(message);
          expect(messages).toBe(2);
          transcript = again;
        }
      }
      expect(checked).toBe(2);
    });

    test('the shared secret is that of the key pairs', () => {
      const pairs = steps.filter(({ step }) => step.startsWith('create an ephemeral'));
      const [client, server] = pairs.slice(-2);
      const group = client?.step.includes('x25519') ? NamedGroup.x25519 : NamedGroup.secp256r1;
      const keyExchange = crypto.keyExchanges.get(group);
      if (keyExchange === undefined) return;
      const shared = steps.find(({ step }) => step === 'extract secret "handshake"')?.values['IKM'];
      if (group === NamedGroup.x25519) {
        for (const [own, peer] of [[client, server], [server, client]]) {
          const offer = keyExchange.offer(bytes(own?.values['private key']));
          expect(hex(offer.share)).toBe(own?.values['public key']);
          expect(hex(offer.finish(bytes(peer?.values['public key'])))).toBe(shared);
        }
      }
    });

    test('every protected record is opened to, and sealed from, its payload', () => {
      const limits = { emptyRecords: 0, changeCipherSpecs: 0 };
      const allocate = (length: number) => new Uint8Array(length);
      const ends = { client: newEnd(), server: newEnd() };
      function newEnd() {
        return {
          reader: new RecordReader(limits, { plaintext: allocate }),
          writer: new RecordWriter({ fragmentLimit: 16384, paddingMultiple: 1, ramp: false }, allocate),
          protects: false,
        };
      }
      let records = 0;
      for (const { side, step, values } of steps) {
        const end = ends[side];
        const phase = /^derive write traffic keys for (early application|handshake|application) data/.exec(step)?.[1];
        if (phase !== undefined) {
          const { key, iv } = trafficKeysOf(steps, side, phase);
          end.reader.setKey(aead.installKey(key, iv));
          end.writer.setKey(aead.installKey(key, iv), 100);
          end.protects = true;
        }
        const type = { alert: 21, handshake: 22, application_data: 23 }[/^send (\w+) record/.exec(step)?.[1] ?? ''];
        if (type === undefined || !end.protects) continue;
        const [payload, complete] = [bytes(values['payload']), bytes(values['complete record'])];
        end.writer.write(type, payload);
        expect(hex(Buffer.concat(end.writer.take())), step).toBe(hex(complete));
        end.reader.supply(complete);
        const record = end.reader.next();
        expect([record?.type, hex(record?.content)], step).toEqual([type, hex(payload)]);
        end.reader.retain();
        records++;
      }
      expect(records).toBeGreaterThan(3);
    });
  });
});

/** A record that tells one key and iv from another. */
function sealed(key: RecordKey): string {
  const record = new Uint8Array(100);
  return hex(record.subarray(0, key.seal(7, 23, new Uint8Array(40), record, 16384, 1)));
}

/** The trace gives keys where they are first derived, by whichever side. */
function trafficKeysOf(steps: readonly Step[], side: string, phase: string) {
  const derivation = steps.find((other) =>
    other.values['key expanded'] !== undefined &&
    other.step === `derive ${other.side === side ? 'write' : 'read'} traffic keys for ${phase} data`
  );
  return { key: bytes(derivation?.values['key expanded']), iv: bytes(derivation?.values['iv expanded']) };
}

describe('the messages of RFC 8448', () => {
  const codecs: Record<string, (body: Uint8Array) => Uint8Array | undefined> = {
    ClientHello: (body) => void decodeClientHello(body, 64),
    ServerHello: (body) => void decodeServerHello(body, 64),
    EncryptedExtensions: (body) => void decodeEncryptedExtensions(body, 64),
    CertificateRequest: (body) => void decodeCertificateRequest(body, 64),
    Certificate: (body) => {
      const { certificateRequestContext, certificateList } = decodeCertificate(body, 64);
      return encodeCertificate(certificateRequestContext, certificateList.map((entry) => entry.certificateData));
    },
    CertificateVerify: (body) => encodeCertificateVerify(decodeCertificateVerify(body)),
    Finished: (body) => encodeFinished(decodeFinished(body, 32)),
    NewSessionTicket: (body) => encodeNewSessionTicket(decodeNewSessionTicket(body, 64)),
    EndOfEarlyData: (body) => {
      decodeEndOfEarlyData(body);
      return encodeEndOfEarlyData();
    },
  };

  for (const { title, steps } of traces) {
    for (const { side, step, values } of steps) {
      const name = /^construct an? (\w+)/.exec(step)?.[1];
      if (name === undefined) continue;
      const message = bytes(values[name]);
      // A ClientHello with a PSK is given without its binder.
      if (name === 'ClientHello' && title.startsWith('Resumed')) continue;
      test(`${title}: the ${side}'s ${name} is read, and no strict prefix of it`, () => {
        const codec = codecs[name]!;
        const encoded = codec(message.subarray(4));
        if (encoded !== undefined) expect(hex(encoded)).toBe(hex(message));
        for (let length = 0; length < message.length - 4; length++) {
          // A ClientHello or ServerHello may end before its extensions: earlier versions had none.
          if (/^(Client|Server)Hello$/.test(name) && endsBeforeExtensions(message, length)) continue;
          expect(() => codec(message.subarray(4, 4 + length)), `${length} bytes`).toThrow('decode_error');
        }
      });
    }
  }
});

function endsBeforeExtensions(message: Uint8Array, length: number): boolean {
  const body = message.subarray(4);
  const sessionId = 2 + 32 + 1 + body[34]!;
  if (message[0] === 2) return length === sessionId + 2 + 1;
  const suites = sessionId + 2 + (body[sessionId]! << 8 | body[sessionId + 1]!);
  return length === suites + 1 + body[suites]!;
}
