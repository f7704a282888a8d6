import { describe, expect, test } from 'vitest';
import { parseConfigFile } from '../../src/cli/config_file.ts';
import { parseFlags } from '../../src/cli/flags.ts';
import { helpText } from '../../src/cli/help.ts';
import { OPTIONS } from '../../src/cli/option_table.ts';
import { makeSettings, type Settings } from '../../src/cli/settings.ts';
import { VERSION } from '../../src/version.ts';
import manifest from '../../package.json' with { type: 'json' };

function read(args: string, config = '{}'): Settings {
  return makeSettings(parseConfigFile('c.json', config), parseFlags(args === '' ? [] : args.split(' ')).given);
}

describe('flags', () => {
  test('nothing given: localhost:8443 and defaults', () => {
    expect(read('')).toMatchObject({
      listen: [{ host: 'localhost', port: 8443 }],
      target: undefined,
      handshakeTimeout: 10_000,
      proxyProtocol: 'off',
      paddingMultiple: 1,
      logLevel: 'info',
    });
  });

  test('addresses and files', () => {
    const settings = read(
      '--listen 0.0.0.0:8443 --target=127.0.0.1:8080 --cert a.pem --key a.key --cert b.pem --key b.key',
    );
    expect(settings).toMatchObject({
      listen: [{ host: '0.0.0.0', port: 8443 }],
      target: { host: '127.0.0.1', port: 8080 },
      certificateFiles: ['a.pem', 'b.pem'],
      keyFiles: ['a.key', 'b.key'],
    });
  });

  test('lists, names, times and routes', () => {
    const settings = read(
      '--listen [::1]:0 --alpn h2,http/1.1 --groups X25519,p-256 --ciphers tls_aes_128_gcm_sha256 --handshake-timeout 0.5 ' +
        '--route *.Example.com=127.0.0.1:1 --route alpn:h2=[::1]:2 --workers auto --strict-sni --padding 512 ' +
        '--limit keyUpdates=0 --limit clientHelloLength=8192 --early-data 1000 --early-route *=[::1]:3',
    );
    expect(settings).toMatchObject({
      listen: [{ host: '::1', port: 0 }],
      applicationProtocols: ['h2', 'http/1.1'],
      groups: [0x1d, 0x17],
      cipherSuites: [0x1301],
      handshakeTimeout: 500,
      routes: [
        { serverName: '*.example.com', target: { host: '127.0.0.1', port: 1 } },
        { applicationProtocol: 'h2', target: { host: '::1', port: 2 } },
        { target: { host: '::1', port: 3 }, earlyData: true },
      ],
      earlyDataSize: 1000,
      workers: 'auto',
      strictServerName: true,
      paddingMultiple: 512,
      limits: { keyUpdates: 0, clientHelloLength: 8192 },
    });
  });

  test.each([
    ['--lisen 1:2', "unknown flag '--lisen'; did you mean --listen? See --help"],
    ['--frobnicate', "unknown flag '--frobnicate'; see --help"],
    ['serve', "unknown argument 'serve'; every option begins with --; see --help"],
    ['--listen', '--listen needs a value; see --help'],
    ['--listen --target', '--listen needs a value; see --help'],
    ['--target 1.2.3.4:5 --target 1.2.3.4:5', '--target is given twice; give it once'],
    ['--strict-sni=yes', "--strict-sni takes no value; leave out '=yes'"],
    ['--listen 8443', "--listen: '8443' is not HOST:PORT; for example 127.0.0.1:8443 or [::1]:8443"],
    ['--listen a:70000', "--listen: 'a:70000' is not HOST:PORT; for example 127.0.0.1:8443 or [::1]:8443"],
    ['--target a:0', "--target: 'a:0' is not HOST:PORT; for example 127.0.0.1:8443 or [::1]:8443"],
    ['--listen ::1:8443', "--listen: '::1:8443' is not HOST:PORT; for example 127.0.0.1:8443 or [::1]:8443"],
    ['--route a.b', "--route: 'a.b' is not MATCH=HOST:PORT; for example www.example.com=127.0.0.1:8080"],
    [
      '--route a..b=c:1',
      "--route: 'a..b' is neither a server name, such as www.example.com or *.example.com, nor alpn:PROTOCOL, nor *",
    ],
    ['--cert a.pem', '1 --cert but 0 --key: give one --key for each --cert, in the same order'],
    [
      '--groups x448',
      "--groups: 'x448' is unknown; known are secp256r1, secp384r1, x25519, MLKEM1024, SecP256r1MLKEM768, X25519MLKEM768",
    ],
    [
      '--early-data 100 --target a:1',
      '--early-data needs --early-route MATCH=HOST:PORT: a backend that can bear replays',
    ],
    ['--early-route *=a:1', '--early-route needs --early-data BYTES: how much a client may send early'],
    ['--early-data 100 --early-route *=a:1 --tickets 0', '--early-data needs tickets: leave out --tickets 0'],
    [
      '--early-data 100 --early-route *=a:1 --ticket-keys f',
      '--early-data with --ticket-keys: another instance could accept a replay; leave one out',
    ],
    ['--ticket-keys f --tickets 0', '--ticket-keys without tickets: leave one out'],
    ['--early-data 1048577', "--early-data: '1048577' is not a whole number from 0 to 1048576"],
    ['--limit keyUpdates=-1', "--limit: '-1' is not a whole number from 0 to 16777215"],
    ['--limit keyUpdates=1 --limit keyUpdates=1', '--limit: keyUpdates is given twice; give it once'],
    [
      '--limit tickets=1',
      "--limit: 'tickets=1' is not NAME=N with a NAME of handshakeMessageLength, clientHelloLength, extensions, certificates, " +
      'pskIdentities, emptyRecords, changeCipherSpecs, warningAlerts, keyUpdates, keyUpdatesPerSecond, skippedEarlyData',
    ],
    ['--padding 0', "--padding: '0' is not a whole number from 1 to 16384"],
    ['--workers many', "--workers: 'many' is not 'auto' or a whole number from 1 to 1024"],
    [
      '--handshake-timeout 0',
      "--handshake-timeout: '0' is not a number of seconds, above 0 and up to 86400; for example 10 or 0.5",
    ],
    ['--log-level loud', "--log-level: 'loud' is none of debug, info, warning, error, silent"],
    ['--alpn h2,,x', "--alpn: 'h2,,x' is not a list of protocol names of 1 to 255 bytes, such as h2,http/1.1"],
  ])('%s', (args, message) => {
    expect(() => read(args)).toThrow(expect.objectContaining({ name: 'UsageError', message }));
  });
});

describe('the config file', () => {
  test('holds the same options; flags win, as a whole where many are allowed', () => {
    const config = `{
      "listen": ["1.1.1.1:1", "2.2.2.2:2"], "target": "3.3.3.3:3",
      "handshake-timeout": 5, "strict-sni": true, "log-level": "error"
    }`;
    expect(read('--listen 4.4.4.4:4 --log-level debug', config)).toMatchObject({
      listen: [{ host: '4.4.4.4', port: 4 }],
      target: { host: '3.3.3.3', port: 3 },
      handshakeTimeout: 5000,
      strictServerName: true,
      logLevel: 'debug',
    });
  });

  test('a switch that is false is as good as not given', () => {
    expect(read('', '{"strict-sni": false}').strictServerName).toBe(false);
  });

  test.each([
    ['', "c.json:1: the file must hold one JSON object, beginning with '{'"],
    ['[]', "c.json:1: the file must hold one JSON object, beginning with '{'"],
    ['{\n"listen" "a:1"}', 'c.json:2: expected \':\' after "listen"'],
    ['{\n\n"targett": "a:1"}', 'c.json:3: "targett": unknown option; did you mean "target"?'],
    ['{"zzz": 1}', 'c.json:1: "zzz": unknown option'],
    ['{\n"target": "a:1",\n"target": "b:1"}', 'c.json:3: "target": given twice; give it once'],
    ['{"padding":\n1\n"target": "a:1"}', "c.json:3: expected ',' or '}' after the value of \"padding\""],
    ['{"padding": {}}', 'c.json:1: the value of "padding" is not a string, a number, true, false or an array of these'],
    ['{\n"padding": 0.5}', 'c.json:2: "padding": \'0.5\' is not a whole number from 1 to 16384'],
    ['{"padding": [1]}', 'c.json:1: "padding": must be a string or a number'],
    ['{"cert": [true], "key": ["k"]}', 'c.json:1: "cert": must be a string or a number, or an array of them'],
    ['{"strict-sni": "yes"}', 'c.json:1: "strict-sni": must be true or false'],
    ['{"target": "a:1"} x', "c.json:1: unexpected text after the closing '}'"],
    [
      '{"target": "a\n:1"}',
      'c.json:1: the value of "target" is not a string, a number, true, false or an array of these',
    ],
    ['{"padding": 1.2.3}', 'c.json:1: 1.2.3 is not valid JSON'],
    ['{"cert": ["a" "b"]}', "c.json:1: expected ',' or ']' in the array of \"cert\""],
  ])('%j', (config, message) => {
    expect(() => read('', config)).toThrow(expect.objectContaining({ name: 'UsageError', message }));
  });
});

test('the help names every option', () => {
  const help = helpText();
  for (const { name, argument } of OPTIONS) {
    expect(help).toContain(argument === undefined ? `  --${name} ` : `  --${name} ${argument}`);
  }
  expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
});

test('the version is that of the package', () => {
  expect(VERSION).toBe(manifest.version);
});
