/** Encrypted Client Hello with clients that are not ours, and files made by the command. */
import { spawnSync } from 'node:child_process';
import { readPem } from '../../../src/pki/pem.ts';
import { ROOT } from '../../support/root.ts';
import { expectEqual, expectText, type Feature, type Lab, logged } from './lab.ts';
import { GO, goState, NSS, nss } from './peers.ts';

/** A file for `--ech`, and its ECHConfigList in base64, as it stands in the DNS. */
function makeEch(lab: Lab): { readonly file: string; readonly list: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', '--make-ech', 'public.test'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`--make-ech: ${stderr}`);
  const file = lab.write('ech.pem', stdout);
  const config = readPem(Buffer.from(stdout), file).find(({ label }) => label === 'ECHCONFIG');
  return { file, list: Buffer.from(config?.bytes ?? []).toString('base64') };
}

/** The default certificate is localhost's, the second that of the public name. */
function echServer(lab: Lab, files: readonly string[], ...flags: string[]) {
  const publicName = lab.issue('ecdsa_p256', 'public');
  const more = ['--cert', publicName.chainFile, '--key', publicName.keyFile];
  return lab.serve([...more, ...files.flatMap((file) => ['--ech', file]), ...flags]);
}

const ACCEPTED = ({ ech, sni }: Readonly<Record<string, unknown>>): boolean =>
  ech === 'accepted' && sni === 'localhost';

export const ECH: readonly Feature[] = [
  {
    feature: 'ECH accepted',
    peer: 'tstclnt (NSS)',
    missing: NSS,
    async run(lab) {
      const { file, list } = makeEch(lab);
      const server = await echServer(lab, [file]);
      const wire = await lab.tap(server.port);
      const said = await lab.talk('tstclnt', nss(lab, wire.port, '-N', list, '-Q'), { steps: [] });
      await logged(server, ACCEPTED, said);
      expectText(wire.connections[0]?.fromClient.toString('latin1') ?? '', 'public.test');
      expectEqual(wire.connections[0]?.fromClient.includes('localhost'), false, 'localhost on the wire');
      return 'public.test on the wire, localhost inside';
    },
  },
  {
    feature: 'ECH accepted after HelloRetryRequest',
    peer: 'tstclnt (NSS)',
    missing: NSS,
    async run(lab) {
      const { file, list } = makeEch(lab);
      const server = await echServer(lab, [file], '--groups', 'secp256r1');
      const said = await lab.talk('tstclnt', nss(lab, server.port, '-N', list, '-I', 'x25519,P256', '-Q'), {
        steps: [],
      });
      await logged(server, (line) => ACCEPTED(line) && line['group'] === 'secp256r1', said);
      return 'localhost inside both hellos';
    },
  },
  {
    feature: 'ECH accepted, data',
    peer: 'Go crypto/tls',
    missing: GO,
    async run(lab) {
      const { file, list } = makeEch(lab);
      const server = await echServer(lab, [file]);
      const { ech, answer } = await goState(lab, server.port, '-ech', list);
      expectEqual([ech, answer], [true, 'there and back\n'], 'ECHAccepted and the answer');
      return 'ECHAccepted';
    },
  },
  {
    feature: 'ECH accepted, an old key',
    peer: 'Go crypto/tls',
    missing: GO,
    async run(lab) {
      const [newest, old] = [makeEch(lab), makeEch(lab)];
      const server = await echServer(lab, [newest.file, old.file]);
      expectEqual((await goState(lab, server.port, '-ech', old.list)).ech, true, 'ECHAccepted');
      return 'ECHAccepted';
    },
  },
  {
    feature: 'ECH rejected, retry_configs',
    peer: 'Go crypto/tls',
    missing: GO,
    async run(lab) {
      const [known, unknown] = [makeEch(lab), makeEch(lab)];
      const server = await echServer(lab, [known.file]);
      const { echRetry } = await goState(lab, server.port, '-ech', unknown.list);
      expectEqual(echRetry, known.list, 'the configurations to try again with');
      expectEqual((await goState(lab, server.port, '-ech', echRetry)).ech, true, 'ECHAccepted');
      return 'told of the key, then ECHAccepted';
    },
  },
];
