/** Published failures of servers in the handshake, by name. The list with explanations is README.md. */
import { describe, expect, test } from 'vitest';
import { externalSession } from '../../src/session/session.ts';
import { CLIENT, HOST, join, SERVER, signerOf } from '../support/hostile_server.ts';
import { RawClient, Type } from '../support/raw_client.ts';
import {
  concat,
  encodeCertificate,
  encodeExtensions,
  encodeHello,
  extension,
  message,
  plainRecord,
  u16,
  u8,
  vector,
  withExtensions,
  withoutExtensions,
} from '../support/raw_wire.ts';
import { wasmProvider } from '../support/wasm.ts';

describe('CVE-2022-25640: client authentication without proof of the key', () => {
  // 9846-4-1, 9846-4-2, 9846-4.5.2-3
  async function authenticating(mode: 'request' | 'require') {
    const joined = join({ clientAuthentication: { mode } });
    await joined.client.toServerFinished();
    return joined;
  }

  test('Finished right after the certificate is not accepted', async () => {
    const { server, client } = await authenticating('require');
    await client.sendMessages(client.certificateMessage([CLIENT.certificate]));
    await client.sendMessages(client.finishedMessage());
    await client.drain();
    expect(server.reason).toBe('unexpected_message');
    expect(client.alert).toBe(10);
    expect(server.info).toBeUndefined();
  });

  test('Finished without a Certificate is not accepted', async () => {
    for (const mode of ['request', 'require'] as const) {
      const { server, client } = await authenticating(mode);
      await client.sendMessages(client.finishedMessage());
      await client.drain();
      expect(server.reason).toBe('unexpected_message');
      expect(server.info).toBeUndefined();
    }
  });

  test('CertificateVerify after an empty certificate is not accepted', async () => {
    const { server, client } = await authenticating('request');
    await client.sendMessages(client.certificateMessage([]));
    await client.sendMessages(client.certificateVerifyMessage(CLIENT.privateKey));
    await client.drain();
    expect(server.reason).toBe('unexpected_message');
  });

  test('extensions of its certificate that were not asked for', async () => {
    // 9846-4.3-6, 9846-4.5.1-7
    const { server, client } = await authenticating('require');
    await client.sendMessages(encodeCertificate([CLIENT.certificate], undefined, [extension.raw(18, u16(0))]));
    await client.drain();
    expect(server.reason).toBe('unsolicited_extension');
    expect(client.alert).toBe(110);
  });

  test('a certificate_request_context that was not given', async () => {
    // 9846-4.5.1-5
    const { client } = await authenticating('require');
    await client.sendMessages(encodeCertificate([CLIENT.certificate], u8(1)));
    await client.drain();
    expect(client.alert).toBe(47);
  });

  test('an empty certificate is accepted only where it may be', async () => {
    // 9846-4.5.1.3-2
    const asked = await authenticating('request');
    await asked.client.sendMessages(asked.client.certificateMessage([]));
    await asked.client.finish();
    await asked.client.drain();
    expect(asked.server.info?.peerCertificates).toEqual([]);

    const required = await authenticating('require');
    await required.client.sendMessages(required.client.certificateMessage([]));
    await required.client.drain();
    expect(required.server.reason).toBe('certificate_required');
    expect(required.client.alert).toBe(116);
  });

  test('a certificate that was not asked for is not accepted', async () => {
    // 9846-4.5.1-2
    const { server, client } = join();
    await client.toServerFinished();
    await client.sendMessages(client.certificateMessage([CLIENT.certificate]));
    await client.drain();
    expect(server.reason).toBe('unexpected_message');
  });

  test('a CertificateVerify that the verifier refuses is decrypt_error', async () => {
    // 9846-4.5.2-8, 9846-4.5.2-9
    const effect = (asked: { type: string }) => asked.type === 'verify_peer' ? 'bad_signature' : undefined;
    const { server, client } = join({ clientAuthentication: { mode: 'require' } }, {}, { effect });
    await client.toServerFinished();
    await client.sendMessages(client.certificateMessage([CLIENT.certificate]));
    await client.sendMessages(client.certificateVerifyMessage(SERVER.privateKey));
    await client.drain();
    expect(server.reason).toBe('bad_signature');
    expect(client.alert).toBe(51);
  });

  test('a scheme that was not offered, SHA-1 among them, is refused before anything is verified', async () => {
    // 9846-4.3.3-20, 9846-4.5.2-5, 9846-4.5.2-7
    for (const scheme of [0x0203, 0x0201, 0x0401, 0x0101, 0x0402, 0x1234]) {
      const { server, client } = await authenticating('require');
      await client.sendMessages(client.certificateMessage([CLIENT.certificate]));
      await client.sendMessages(message(15, concat(u16(scheme), vector(2, new Uint8Array(64)))));
      await client.drain();
      expect(server.reason).toBe('bad_signature_scheme');
      expect(server.effects.some(({ type }) => type === 'verify_peer')).toBe(false);
    }
  });
});

describe('CVE-2025-61730: messages across key changes', () => {
  // 9846-5.1-5, 9846-5.1-6
  const extra = message(24, u8(0));

  test('after ClientHello', async () => {
    for (const tail of [extra, extra.subarray(0, 1), message(20, new Uint8Array(32))]) {
      const { server, client } = join();
      const hello = client.encodeHello(client.usualHello());
      client.transcript.push(hello);
      await client.sendRecord(Type.handshake, concat(hello, tail));
      await client.drain();
      expect(server.reason).toBe('key_change_not_on_boundary');
      expect(client.alert).toBe(10);
    }
  });

  test('after the ClientHello that a HelloRetryRequest answers', async () => {
    const { server, client } = join();
    const hello = client.encodeHello(withExtensions(client.usualHello(), extension.keyShare([])));
    await client.sendRecord(Type.handshake, concat(hello, hello.subarray(0, 1)));
    await client.drain();
    expect(server.reason).toBe('key_change_not_on_boundary');
    expect(client.retry).toBeUndefined();
  });

  test('after Finished', async () => {
    for (const tail of [extra, extra.subarray(0, 3)]) {
      const { server, client } = join();
      await client.toServerFinished();
      await client.sendMessages(concat(client.finishedMessage(), tail));
      await client.drain();
      expect(server.reason).toBe('key_change_not_on_boundary');
      expect(server.info).toBeUndefined();
    }
  });

  test('after KeyUpdate', async () => {
    // 9846-4.7.3-7, 9846-4.7.3-8
    const { server, client } = join();
    await client.handshake();
    await client.sendRecord(Type.handshake, concat(extra, extra));
    await client.drain();
    expect(server.reason).toBe('key_change_not_on_boundary');
  });

  test('a message that begins under one key and ends under the next', async () => {
    const { server, client } = join();
    await client.handshake();
    await client.sendRecord(Type.handshake, extra.subarray(0, 2));
    client.updateWriteKey();
    await client.sendRecord(Type.handshake, extra.subarray(2));
    await client.drain();
    expect(server.reason).toBe('bad_record_mac');
  });

  test('other records between the parts of a message', async () => {
    // 9846-5.1-3, 9846-5.1-4
    const { server, client } = join();
    await client.handshake();
    await client.sendRecord(Type.handshake, extra.subarray(0, 2));
    await client.sendData('in between');
    await client.sendRecord(Type.handshake, extra.subarray(2));
    await client.drain();
    expect(server.reason).toBe('interleaved_handshake');
    expect(client.alert).toBe(10);
    expect(server.received.length).toBe(0);
  });
});

describe('CVE-2024-11738: a fragmented ClientHello', () => {
  // 9846-5.1-2
  test('in records of every size', async () => {
    for (const size of [1, 2, 3, 4, 5, 7, 16, 100, 150]) {
      const { server, client } = join();
      const hello = client.encodeHello(client.usualHello());
      client.transcript.push(hello);
      for (let at = 0; at < hello.length; at += size) {
        await client.send(plainRecord(Type.handshake, hello.subarray(at, at + size), 0x0301));
      }
      await client.until(() => client.serverFinished);
      await client.finish();
      await client.drain();
      expect(server.info?.cipherSuiteName).toBeDefined();
    }
  });

  test('cut off at every byte', async () => {
    const whole = plainRecord(Type.handshake, new RawClient(join().server).encodeHello(join().client.usualHello()));
    for (let length = 0; length < whole.length; length++) {
      const { server, client } = join();
      await client.send(whole.subarray(0, length));
      client.link.end();
      await client.drain();
      expect(server.reason).toBe('truncated');
      expect(client.inbound).toEqual([]);
    }
  });
});

describe('CVE-2025-6395: a second ClientHello that differs from the first', () => {
  // 9846-4.2.2-2
  const PSK = { identity: Uint8Array.of(1, 2, 3), key: new Uint8Array(32).fill(9), suite: 0x1303, external: true };
  const session = externalSession(PSK.key, PSK.suite);

  test('without the PSK: a full handshake', async () => {
    const { server, client } = join({ externalPsk: () => session });
    client.psk = PSK;
    await client.sendHello(withExtensions(client.usualHello(), extension.keyShare([])));
    await client.until(() => client.retry !== undefined);
    client.psk = undefined;
    await client.sendHello(withoutExtensions(client.secondHello(), 41));
    await client.until(() => client.serverFinished);
    await client.finish();
    await client.drain();
    expect(server.info?.resumed).toBe(false);
    expect(client.serverHello?.extensions.has(41)).toBe(false);
  });

  test('with the PSK: it is used', async () => {
    const { server, client } = join({ externalPsk: () => session });
    client.psk = PSK;
    await client.handshake(withExtensions(client.usualHello(), extension.keyShare([])));
    await client.drain();
    expect(server.info?.resumed).toBe(true);
  });

  const changes: Record<string, (client: RawClient) => ReturnType<RawClient['usualHello']>> = {
    'another random': (client) => ({ ...client.secondHello(), random: new Uint8Array(32) }),
    'another session ID': (client) => ({ ...client.secondHello(), legacySessionId: new Uint8Array(32) }),
    'fewer cipher suites': (client) => ({ ...client.secondHello(), cipherSuites: [0x1303] }),
    'another server name': (client) => withExtensions(client.secondHello(), extension.serverName('other.test')),
    'no server name': (client) => withoutExtensions(client.secondHello(), 0),
    'other groups': (client) => withExtensions(client.secondHello(), extension.supportedGroups([0x1d])),
    'other schemes': (client) => withExtensions(client.secondHello(), extension.signatureAlgorithms([0x0403])),
    'an extension more': (client) => withExtensions(client.secondHello(), extension.applicationProtocols(['h2'])),
    'an unknown extension more': (client) => withExtensions(client.secondHello(), extension.raw(0x1a1a)),
    'early data': (client) => withExtensions(client.secondHello(), extension.earlyData()),
  };
  test.each(Object.keys(changes))('with %s: illegal_parameter', async (name) => {
    const { server, client } = join();
    await client.sendHello(withExtensions(client.usualHello(), extension.keyShare([])));
    await client.until(() => client.retry !== undefined);
    await client.sendHello(changes[name]!(client));
    await client.drain();
    expect(client.alert).toBe(47);
    expect(server.reason).toMatch(/^(second_hello_changed|illegal_parameter)$/);
  });

  test('without a share, with the wrong one or with two: no second HelloRetryRequest', async () => {
    const other = new RawClient(join().server, { group: 0x17 });
    for (const shares of [[], [other.share()], 'both'] as const) {
      const { server, client } = join();
      const hello = withExtensions(client.usualHello(), extension.keyShare([]));
      await client.sendHello(hello);
      await client.until(() => client.retry !== undefined);
      const list = shares === 'both' ? [client.share(), other.share()] : shares;
      await client.sendHello(withExtensions(client.secondHello(), extension.keyShare(list)));
      await client.drain();
      expect(server.reason).toBe('key_share_mismatch');
      expect(client.alert).toBe(47);
    }
  });

  test('a cookie nobody gave', async () => {
    for (const first of [true, false]) {
      const { server, client } = join();
      const cookie = extension.cookie(Uint8Array.of(1));
      const hello = withExtensions(client.usualHello(), extension.keyShare([]));
      await client.sendHello(first ? withExtensions(hello, cookie) : hello);
      await client.drain();
      if (!first) await client.sendHello(withExtensions(client.secondHello(), cookie));
      await client.drain();
      if (!first) expect(server.reason).toBe('invalid_cookie');
    }
  });
});

describe('CVE-2025-11936: repeated key shares', () => {
  test('a thousand shares of one group cost one alert', async () => {
    // 9846-4.3.8-7
    const { server, client } = join({ limits: { clientHelloLength: 65536 } });
    const shares = Array.from({ length: 1000 }, () => client.share());
    await client.sendHello(withExtensions(client.usualHello(), extension.keyShare(shares)));
    await client.drain();
    expect(server.reason).toBe('duplicate_key_share');
    expect(client.alert).toBe(47);
    expect(server.effects).toEqual([]);
  });
});

describe('CVE-2022-41724: huge declared lengths', () => {
  test('a length alone is refused or waited for, and nothing is reserved for it', async () => {
    // 9846-6-6
    for (const length of [0xffffff, 0x100000, 65537]) {
      const { server, client } = join();
      await client.sendRecord(Type.handshake, message(1, new Uint8Array(10), length));
      await client.drain();
      expect(server.reason).toBe('client_hello_too_long');
      expect(client.alert).toBe(47);
    }
    for (const type of [11, 15, 20]) {
      const { server, client } = join({ clientAuthentication: { mode: 'request' } });
      await client.toServerFinished();
      await client.sendRecord(Type.handshake, message(type, new Uint8Array(10), 0xffffff));
      await client.drain();
      expect(server.reason).toBe('message_too_long');
      expect(client.alert).toBe(47);
    }
  });

  test('lengths within a ClientHello that go beyond it are decode_error', async () => {
    const { client: maker } = join();
    const hello = maker.usualHello();
    const good = encodeHello(hello);
    const extensions = encodeExtensions(hello.extensions);
    const start = good.length - extensions.length - 2;
    for (const lie of [extensions.length + 1, extensions.length - 1, 0xffff, 1]) {
      const body = concat(good.subarray(0, start), u16(lie), extensions);
      const { server, client } = join();
      await client.sendRecord(Type.handshake, message(1, body));
      await client.drain();
      expect(server.reason).toBe('decode_error');
      expect(client.alert).toBe(50);
    }
  });
});

describe('invalid key shares', () => {
  // 9846-4.3.8.2-1, 9846-6-7, 9846-7.4.2-3
  const p256 = (point: Uint8Array) => ({ group: 0x17, key: point });
  const x25519 = (key: Uint8Array) => ({ group: 0x1d, key });
  const offCurve = concat([4], new Uint8Array(64).fill(1));
  const shares: Record<string, { group: number; key: Uint8Array }> = {
    'a point off the curve': p256(offCurve),
    'the point at infinity': p256(u8(0)),
    'zero coordinates': p256(concat([4], new Uint8Array(64))),
    'coordinates beyond the field': p256(concat([4], new Uint8Array(64).fill(0xff))),
    'a compressed point': p256(concat([2], new Uint8Array(32).fill(1))),
    'a hybrid form point': p256(concat([6], new Uint8Array(64).fill(1))),
    'a short point': p256(new RawClient(join().server, { group: 0x17 }).share().key.subarray(0, 64)),
    'a long point': p256(concat(new RawClient(join().server, { group: 0x17 }).share().key, [0])),
    'X25519 of zero': x25519(new Uint8Array(32)),
    'X25519 of one': x25519(concat([1], new Uint8Array(31))),
    'X25519 of p': x25519(concat([0xed], new Uint8Array(30).fill(0xff), [0x7f])),
    'X25519 of order 8': x25519(
      Uint8Array.from(Buffer.from('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800', 'hex')),
    ),
    'a short X25519 share': x25519(new Uint8Array(31).fill(9)),
    'a long X25519 share': x25519(new Uint8Array(33).fill(9)),
  };
  test.each(Object.keys(shares))('%s', async (name) => {
    const share = shares[name]!;
    const { server, client } = join();
    const hello = withExtensions(
      client.usualHello(),
      extension.supportedGroups([share.group]),
      extension.keyShare([share]),
    );
    await client.sendHello(hello);
    await client.drain();
    expect(server.reason).toBe('invalid_key_share');
    expect(client.alert).toBe(47);
    expect(client.serverHello).toBeUndefined();
  });
});

describe('invalid ML-KEM keys', () => {
  const crypto = wasmProvider();
  const ecdh = new RawClient(join().server).share().key;
  // X25519MLKEM768 is the ML-KEM key, then the X25519 share; each coefficient of the key is below 3329.
  const shares: Record<string, Uint8Array> = {
    'coefficients beyond the modulus': concat(new Uint8Array(1184).fill(0xff), ecdh),
    'one coefficient that is the modulus': concat([0x01, 0x0d], new Uint8Array(1182), ecdh),
    'too short': concat(new Uint8Array(1183), ecdh),
    'too long': concat(new Uint8Array(1185), ecdh),
    'the classical half alone': ecdh,
    'a classical half of zeros': concat(new Uint8Array(1184), new Uint8Array(32)),
  };
  test.each(Object.keys(shares))('%s', async (name) => {
    // 9846-6-7
    const { server, client } = join({ crypto });
    const share = { group: 0x11ec, key: shares[name]! };
    const offer = [extension.supportedGroups([0x11ec]), extension.keyShare([share])];
    await client.sendHello(withExtensions(client.usualHello(), ...offer));
    await client.drain();
    expect(server.reason).toBe('invalid_key_share');
    expect(client.alert).toBe(47);
  });
});

describe('CVE-2026-21637: a callback of the application throws', () => {
  const error = new Error('secret of the application');
  test.each(['select_credentials', 'sign', 'verify_peer'] as const)(
    'in %s: internal_error, for this connection',
    async (
      which,
    ) => {
      const effect = (asked: { type: string }) => {
        if (asked.type === which) throw error;
        return undefined;
      };
      const { server, client } = join({ clientAuthentication: { mode: 'require' } }, {}, { effect });
      await client.sendHello();
      await client.drain();
      if (which === 'verify_peer') {
        await client.sendMessages(client.certificateMessage([CLIENT.certificate]));
        await client.sendMessages(client.certificateVerifyMessage(CLIENT.privateKey));
        await client.drain();
      }
      expect(server.reason).toBe('internal_error');
      expect(client.alert).toBe(80);
      expect(String(server.error)).not.toContain('secret of the application');
    },
  );

  test('in the key log, the clock, the randomness and the PSK lookup', async () => {
    const bomb = () => {
      throw error;
    };
    for (const config of [{ keyLog: bomb }, { random: bomb }, { now: bomb, externalPsk: bomb }]) {
      const { server, client } = join(config);
      client.psk = { identity: u8(1), key: new Uint8Array(32), suite: 0x1303, external: true };
      await client.sendHello();
      await client.drain();
      expect(server.reason).toBe('internal_error');
      expect(client.alert).toBe(80);
    }
  });
});

describe('CVE-2025-58189: what the peer sends does not enter a log raw', () => {
  test('an ALPN name with control characters', async () => {
    const name = 'x\n2026-01-01 admin logged in\u001b[2J';
    const { server, client } = join({ applicationProtocols: ['h2'] }, { applicationProtocols: [name] });
    await client.sendHello();
    await client.drain();
    expect(server.reason).toBe('no_application_protocol');
    expect(client.alert).toBe(120);
    // deno-lint-ignore no-control-regex
    expect(server.error!.message).not.toMatch(/[\u0000-\u001f\u007f-\u00ff]/);
  });

  test('a server name with control characters', async () => {
    const { server, client } = join({}, { serverName: 'a\r\nb' });
    await client.sendHello();
    await client.drain();
    expect(server.reason).toBe('invalid_server_name');
    // deno-lint-ignore no-control-regex
    expect(server.error!.message).not.toMatch(/[\u0000-\u001f\u007f-\u00ff]/);
  });
});

describe('a signer that gives nonsense', () => {
  test('does not bring the server down', async () => {
    const host = { ...HOST, signer: { ...signerOf(SERVER.privateKey), sign: () => new Uint8Array(0) } };
    const { server, client } = join({}, {}, { host });
    await client.toServerFinished();
    await client.finish();
    await client.drain();
    expect(server.error).toBeUndefined();
  });
});
