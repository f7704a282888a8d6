import { expect, test } from 'vitest';
import { createEngine } from '../../src/terminator/engine.ts';
import { nodeRuntime } from '../../src/terminator/runtime_node.ts';
import { ListenError } from '../../src/terminator/listen.ts';
import { Terminator, type TerminatorOptions } from '../../src/terminator/terminator.ts';
import { loadCredentials } from '../../src/pki/credentials.ts';
import { selfSigned } from '../../src/pki/self_signed.ts';

const engine = await createEngine(nodeRuntime());
const made = await selfSigned({ now: Date.now() }, engine.webCrypto, engine.signatures);
const files = { chain: made.certificate, key: made.privateKey, labels: { chain: 'test' } };
const good: TerminatorOptions = {
  listen: [{ host: '127.0.0.1', port: 0 }],
  routes: [{ target: { host: '127.0.0.1', port: 9 } }],
  credentials: [await loadCredentials(files, engine.signatures, Date.now())],
};

test.each<[string, object, RegExp]>([
  ['an unknown option', { port: 1 }, /unknown terminator option 'port'/],
  ['an unknown TLS option', { tls: { minVersion: 'TLSv1.2' } }, /minVersion/],
  ['a TLS option out of range', { tls: { paddingMultiple: 0 } }, /paddingMultiple/],
  ['a group that is not supported', { tls: { groups: [1] } }, /group/],
  ['a signature scheme that is not known', { tls: { verifySchemes: [0x0403, 0x0902] } }, /verifySchemes: 0x902/],
  ['PKCS #1 v1.5 in handshakes', { tls: { verifySchemes: [0x0401] } }, /verifySchemes: 0x401/],
  ['a signature scheme listed twice', { tls: { verifySchemes: [0x0403, 0x0403] } }, /verifySchemes: .* none twice/],
  ['nowhere to listen', { listen: [] }, /no address/],
  ['no certificate', { credentials: [] }, /no certificate/],
  ['no time for a handshake', { handshakeTimeout: 0 }, /handshakeTimeout must be above 0/],
])('%s is refused before anything is opened', (_what, options, message) => {
  expect(() => new Terminator(engine, { ...good, ...options })).toThrow(
    expect.objectContaining({ name: 'UsageError', message: expect.stringMatching(message) }),
  );
});

test('all addresses or none', async () => {
  const first = new Terminator(engine, good);
  await first.listen();
  const [taken] = first.addresses;
  const second = new Terminator(engine, { ...good, listen: [...good.listen, taken ?? { host: '', port: 0 }] });
  await expect(second.listen()).rejects.toBeInstanceOf(ListenError);
  expect(second.addresses).toEqual([]);
  expect(await first.drain(100)).toBe(0);
});
