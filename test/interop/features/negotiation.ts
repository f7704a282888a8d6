import { expectEqual, expectText, type Feature, logged } from './lab.ts';
import { CURL, GNUTLS, gnutls, GO, goState, NSS, nss, OPENSSL, openssl } from './peers.ts';

const retried: Feature[] = [
  {
    feature: 'HelloRetryRequest',
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const server = await lab.serve(['--groups', 'x25519']);
      const said = await lab.talk('openssl', openssl(lab, server.port, '-groups', 'P-384:X25519', '-msg'), {
        last: 'Q\n',
      });
      expectEqual(said.split('], ClientHello').length - 1, 2, 'hellos');
      return 'two hellos, x25519';
    },
  },
  {
    feature: 'HelloRetryRequest',
    peer: 'gnutls-cli',
    missing: GNUTLS,
    async run(lab) {
      const server = await lab.serve(['--groups', 'x25519']);
      const wire = await lab.tap(server.port);
      const priority = 'NORMAL:-GROUP-ALL:+GROUP-SECP384R1:+GROUP-X25519';
      const said = await lab.talk('gnutls-cli', gnutls(lab, wire.port, '--priority', priority, '--single-key-share'));
      expectEqual(wire.connections[0]?.clientHellos.length, 2, 'hellos');
      await logged(server, ({ group }) => group === 'x25519', said);
      return 'two hellos, x25519';
    },
  },
  {
    feature: 'HelloRetryRequest',
    peer: 'tstclnt (NSS)',
    missing: NSS,
    async run(lab) {
      const server = await lab.serve(['--groups', 'secp384r1']);
      const wire = await lab.tap(server.port);
      const said = await lab.talk('tstclnt', nss(lab, wire.port, '-I', 'x25519,P384', '-Q'), { steps: [] });
      await logged(server, ({ group }) => group === 'secp384r1', said);
      expectEqual(wire.connections[0]?.clientHellos.length, 2, 'hellos');
      return 'two hellos, secp384r1';
    },
  },
  {
    feature: 'HelloRetryRequest',
    peer: 'Go crypto/tls',
    missing: GO,
    async run(lab) {
      // It sends no share for this one unless it is asked to.
      const server = await lab.serve(['--groups', 'secp384r1']);
      expectEqual((await goState(lab, server.port)).retried, true, 'HelloRetryRequest');
      return 'two hellos, secp384r1';
    },
  },
];

const keyUpdates: Feature[] = [
  {
    feature: 'KeyUpdate, both directions',
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const server = await lab.serve();
      const said = await lab.talk('openssl', openssl(lab, server.port, '-msg'), {
        // `K` asks for an update in return, which comes with the next data.
        steps: [['K\n', />>>[^>]*KeyUpdate/], ['there and back\n', /^there and back$/m]],
        last: 'Q\n',
      });
      expectText(said, /<<<[^<]*KeyUpdate/);
      return 'its update, ours in return, data';
    },
  },
  {
    feature: 'KeyUpdate, both directions',
    peer: 'gnutls-cli',
    missing: GNUTLS,
    async run(lab) {
      const server = await lab.serve();
      const said = await lab.talk('gnutls-cli', gnutls(lab, server.port, '--inline-commands', '-d', '4'), {
        steps: [['^rekey^\nthere and back\n', /^there and back$/m]],
      });
      expectText(said, /KEY.UPDATE.* was queued|KEY_UPDATE/i);
      expectText(said, /^there and back$/m);
      return 'data after it in both directions';
    },
  },
];

const names: Feature[] = [
  {
    feature: 'ALPN',
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const server = await lab.serve(['--alpn', 'h2,http/1.1']);
      const said = await lab.talk('openssl', openssl(lab, server.port, '-alpn', 'http/1.1,h2'), { last: 'Q\n' });
      expectText(said, 'ALPN protocol: h2');
      return "h2, in the server's order";
    },
  },
  {
    feature: 'ALPN',
    peer: 'gnutls-cli',
    missing: GNUTLS,
    async run(lab) {
      const server = await lab.serve(['--alpn', 'h2,http/1.1']);
      expectText(
        await lab.talk('gnutls-cli', gnutls(lab, server.port, '--alpn', 'http/1.1')),
        'Application protocol: http/1.1',
      );
      return 'http/1.1';
    },
  },
  {
    feature: 'ALPN without a common protocol',
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const server = await lab.serve(['--alpn', 'h2']);
      const said = await lab.talk('openssl', openssl(lab, server.port, '-alpn', 'gopher', '-msg'));
      expectText(said, /SSL alert number 120|alert no application protocol/i);
      return 'alert no_application_protocol';
    },
  },
  {
    feature: 'ALPN without a common protocol',
    peer: 'Go crypto/tls',
    missing: GO,
    async run(lab) {
      const server = await lab.serve(['--alpn', 'h2']);
      const refused = await goState(lab, server.port, '-alpn', 'gopher').catch(String);
      expectText(String(refused), 'no application protocol');
      return 'alert no_application_protocol';
    },
  },
  {
    feature: 'strict server names',
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const server = await lab.serve(['--strict-sni']);
      const said = await lab.talk(
        'openssl',
        openssl(lab, server.port).map((word) => word === 'localhost' ? 'elsewhere.test' : word),
      );
      expectText(said, /SSL alert number 112|unrecognized name/i);
      expectText(await lab.talk('openssl', openssl(lab, server.port), { last: 'Q\n' }), 'Verify return code: 0 (ok)');
      return 'alert unrecognized_name, only elsewhere';
    },
  },
  {
    feature: 'signature_algorithms_cert',
    peer: 'Go crypto/tls',
    missing: GO,
    async run(lab) {
      const server = await lab.serve();
      const wire = await lab.tap(server.port);
      await goState(lab, wire.port);
      if (wire.connections[0]?.clientExtensions.includes(50) !== true) throw new Error('it did not send it');
      return 'sent and honoured';
    },
  },
];

/** Lengths of the server's protected records, from the first of application data on. */
function lengthsAfter(
  records: readonly { readonly type: number; readonly bytes: Uint8Array }[],
  handshake: number,
): number[] {
  return records.filter(({ type }) => type === 23).slice(handshake).map(({ bytes }) => bytes.length);
}

const sizes: Feature[] = [
  {
    feature: 'record_size_limit',
    peer: 'gnutls-cli',
    missing: GNUTLS,
    async run(lab) {
      const server = await lab.serve(['--route', `*=127.0.0.1:${lab.movingPort}`]);
      const wire = await lab.tap(server.port);
      await lab.talk('gnutls-cli', gnutls(lab, wire.port, '--recordsize', '600'), {
        steps: [['MOVE 0 50000 x\n', /(?!)/]],
      });
      const passed = wire.connections[0];
      if (passed?.clientExtensions.includes(28) !== true) throw new Error('it did not send record_size_limit');
      const longest = Math.max(...lengthsAfter(passed.serverRecords, 1));
      // The limit counts the content type; header and tag come on top.
      if (longest > 600 + 1 + 5 + 16 || passed.fromServer.length < 50_000) {
        throw new Error(`a record of ${longest} bytes`);
      }
      return `longest record ${longest} bytes`;
    },
  },
  {
    feature: 'early records are small',
    peer: 'openssl s_client',
    missing: OPENSSL,
    async run(lab) {
      const server = await lab.serve(['--route', `*=127.0.0.1:${lab.movingPort}`]);
      const wire = await lab.tap(server.port);
      await lab.talk('openssl', openssl(lab, wire.port, '-quiet'), { steps: [['MOVE 0 500000 x\n', /(?!)/]] });
      const lengths = lengthsAfter(wire.connections[0]?.serverRecords ?? [], 1).filter((length) => length > 600);
      const [first = 0] = lengths;
      if (first > 1500 || Math.max(...lengths) < 16_384) throw new Error(`records of ${lengths.slice(0, 30)}`);
      return `first ${first}, then ${Math.max(...lengths)} bytes`;
    },
  },
  {
    feature: 'post-handshake authentication offered',
    peer: 'gnutls-cli',
    missing: GNUTLS,
    async run(lab) {
      const server = await lab.serve();
      const wire = await lab.tap(server.port);
      expectText(await lab.talk('gnutls-cli', gnutls(lab, wire.port, '--post-handshake-auth')), /^there and back$/m);
      if (wire.connections[0]?.clientExtensions.includes(49) !== true) throw new Error('it did not offer it');
      return 'never asked for';
    },
  },
  {
    feature: 'TLS 1.2 refused',
    peer: 'curl',
    missing: CURL,
    async run(lab) {
      const server = await lab.serve();
      // deno-fmt-ignore
      const said = await lab.talk('curl', [
        '-sS', '--tls-max', '1.2', '--noproxy', '*', '--cacert', lab.rootFile, `https://localhost:${server.port}/`,
      ], { steps: [] });
      expectText(said, /alert protocol version/i);
      return 'alert protocol_version';
    },
  },
];

export const NEGOTIATION: readonly Feature[] = [...retried, ...keyUpdates, ...names, ...sizes];
