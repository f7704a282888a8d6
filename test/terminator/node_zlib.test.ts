import zlib from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { CertificateCompressionAlgorithm } from '../../src/message/extension/compress_certificate.ts';
import { nodeCertificateCompression } from '../../src/terminator/node_zlib.ts';
import { identity, Pair, serverIdentity } from '../support/pair.ts';

const all = nodeCertificateCompression();
const names = new Map(Object.entries(CertificateCompressionAlgorithm).map(([name, code]) => [code as number, name]));
const only = (algorithm: number) => ({ ...all, algorithms: [algorithm] });
/** A chain that is worth compressing: the stand-in for a certificate, and more of the same. */
const credentials = {
  ...serverIdentity.credentials,
  chain: [...serverIdentity.credentials.chain, new Uint8Array(3000).fill(0x30)],
};

test('zlib and brotli are there on every runtime', () => {
  expect(all.algorithms).toEqual(expect.arrayContaining([1, 2]));
});

describe.each(all.algorithms.map((algorithm) => [names.get(algorithm), algorithm] as const))(
  '%s',
  (_name, algorithm) => {
    test('the server compresses its certificate, the client reads it', () => {
      let fromServer = 0;
      const pair = new Pair({
        server: { certificateCompression: all },
        client: { certificateCompression: only(algorithm) },
        handlers: { selectCredentials: () => credentials },
        wire: (from, bytes) => {
          if (from === 'server') fromServer += bytes.length;
          return [bytes];
        },
      }).run();
      expect(pair.clientEvents[0]).toMatchObject({ type: 'handshake', info: { peerCertificates: credentials.chain } });
      expect(fromServer).toBeLessThan(1000);
    });

    test('a bomb is cut off', () => {
      const bomb = all.compress(algorithm, new Uint8Array(10 << 20));
      expect(all.decompress(algorithm, bomb, 65536)).toBeUndefined();
    });

    test('noise is no certificate', () => {
      expect(all.decompress(algorithm, Uint8Array.of(1, 2, 3, 4, 5), 100)).toBeUndefined();
    });
  },
);

test('a compressed client certificate is read, and refused when its length is not what it says', () => {
  const client = identity();
  const lie = (wanted: number) => ({
    ...only(CertificateCompressionAlgorithm.zlib),
    decompress: (_algorithm: number, compressed: Uint8Array) =>
      new Uint8Array(zlib.inflateSync(compressed)).subarray(wanted),
  });
  const server = { clientAuthentication: { mode: 'require' as const } };
  const pair = (skip: number) =>
    new Pair({
      server,
      client: { credentials: client.credentials, certificateCompression: lie(skip) },
      handlers: { selectCredentials: () => credentials },
    });
  expect(pair(0).run().serverEvents[0]?.type).toBe('handshake');
  const short = new Pair({
    server: { certificateCompression: all },
    client: { certificateCompression: lie(1) },
    handlers: { selectCredentials: () => credentials },
  }).run();
  expect(short.client.error?.reason).toBe('certificate_decompression');
});
