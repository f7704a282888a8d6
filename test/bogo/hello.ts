/** Whether the peer speaks TLS 1.3, read from the first bytes it sends: to tell tests of older versions from ours. */
import { type Bytes, concat, decodeServerHello, read } from '../support/raw_wire.ts';

/** Undefined until the hello is complete, and for what is no hello. */
export function speaksTls13(received: Bytes): boolean | undefined {
  try {
    const hello = handshakeBytes(received);
    if (hello === undefined) return undefined;
    return hello[0] === 2
      ? decodeServerHello(hello.subarray(4)).extensions.get(43)?.[1] === 4
      : offeredVersions(hello.subarray(4)).includes(0x0304);
  } catch {
    return undefined;
  }
}

/** The first handshake message of the unprotected records. */
function handshakeBytes(received: Bytes): Bytes | undefined {
  let fragments: Bytes = new Uint8Array();
  for (let at = 0; at + 5 <= received.length;) {
    const end = at + 5 + read(received, at + 3, 2);
    if (end > received.length) break;
    if (received[at] === 22) fragments = concat(fragments, received.subarray(at + 5, end));
    at = end;
  }
  if (fragments.length < 4 || fragments.length < 4 + read(fragments, 1, 3)) return undefined;
  return fragments.subarray(0, 4 + read(fragments, 1, 3));
}

function offeredVersions(body: Bytes): number[] {
  let at = 34;
  for (const width of [1, 2, 1]) at += width + read(body, at, width);
  for (at += 2; at + 4 <= body.length;) {
    const length = read(body, at + 2, 2);
    if (read(body, at, 2) === 43) {
      const list = body.subarray(at + 5, at + 4 + length);
      return Array.from({ length: list.length / 2 }, (_, i) => read(list, 2 * i, 2));
    }
    at += 4 + length;
  }
  return [];
}
