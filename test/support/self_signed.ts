/** A self-signed P-256 certificate made on the spot, so that no test depends on a file that expires. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { ascii, type Bytes, concat, u8, uint } from './raw_wire.ts';

export interface SelfSigned {
  readonly certificate: Bytes;
  readonly privateKey: KeyObject;
  /** The same, as PEM. */
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

function der(tag: number, ...content: readonly (Bytes | readonly number[])[]): Bytes {
  const body = concat(...content);
  if (body.length < 128) return concat(u8(tag), u8(body.length), body);
  const width = body.length < 256 ? 1 : 2;
  return concat(u8(tag), u8(0x80 | width), uint(body.length, width), body);
}

const ECDSA_WITH_SHA256 = der(0x30, der(0x06, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));

export function selfSigned(name: string = 'server.test'): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const subject = der(0x30, der(0x31, der(0x30, der(0x06, [0x55, 0x04, 0x03]), der(0x0c, ascii(name)))));
  const alternativeName = der(
    0x30,
    der(0x06, [0x55, 0x1d, 0x11]),
    der(0x04, der(0x30, der(0x82, ascii(name)))),
  );
  const toBeSigned = der(
    0x30,
    der(0xa0, der(0x02, [2])),
    der(0x02, [0x01]),
    ECDSA_WITH_SHA256,
    subject,
    der(0x30, der(0x17, ascii('200101000000Z')), der(0x17, ascii('491231235959Z'))),
    subject,
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, der(0x30, alternativeName)),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = der(0x30, toBeSigned, ECDSA_WITH_SHA256, der(0x03, [0], signature));
  const base64 = Buffer.from(certificate).toString('base64').replace(/.{64}/g, '$&\n');
  return {
    certificate,
    privateKey,
    certificatePem: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    privateKeyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  };
}
