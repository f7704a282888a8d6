import type { Address, Listener, Network } from '../socket/socket.ts';
import { serveHttp } from '../terminator/http_responder.ts';
import type { Host } from './host.ts';
import type { Service } from './serve.ts';
import { formatAddress } from './system_error.ts';

/** A plain HTTP server on a free loopback port: what the terminator forwards to when it is given no target. */
export function startDemoBackend(network: Network): Promise<Listener> {
  return serveHttp(network, { host: '127.0.0.1', port: 0 }, ({ method, target }) => {
    return {
      contentType: 'text/plain; charset=utf-8',
      body: `Hello from behind Sallyport. TLS 1.3 ended in front of me; I got plain HTTP: ${method} ${target}\n`,
    };
  });
}

/**
 * Tells a newcomer what was made for them and what to try; nothing when everything was given by flags. The returned function removes
 * what was written for it.
 */
export function introduce(
  host: Host,
  addresses: readonly Address[],
  { certificates: { selfSigned }, demo }: Pick<Service, 'certificates' | 'demo'>,
): () => void {
  if (selfSigned === undefined && demo === undefined) return () => {};

  const [address] = addresses;
  const port = address?.port ?? 0;
  const lines = ['', `Sallyport is listening on https://localhost:${port}/`];
  if (demo !== undefined) {
    lines.push(
      `  backend      a small HTTP server inside, on ${formatAddress(demo.address)}; yours: --target HOST:PORT`,
    );
  }
  let trust = '';
  let certificateFile: string | undefined;
  if (selfSigned !== undefined) {
    lines.push(
      '  certificate  made just now for localhost (P-256, self-signed, in memory); yours: --cert FILE --key FILE',
    );
    certificateFile = host.writeTemporary('localhost.pem', selfSigned.certificatePem);
    trust = certificateFile === undefined ? '--insecure ' : `--cacert ${certificateFile} `;
  }
  lines.push('Try:', `  curl ${trust}https://localhost:${port}/`, '');
  host.print(lines.join('\n') + '\n');
  return () => {
    if (certificateFile !== undefined) host.removeTemporary(certificateFile);
  };
}
