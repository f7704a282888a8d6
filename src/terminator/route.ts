import type { HandshakeInfo } from '../handshake/result.ts';
import type { Address } from '../socket/socket.ts';

/** Where connections go. A route applies when everything it names applies; the first that does is taken. */
export interface Route {
  /** Exact (`www.example.com`) or with one wildcard label (`*.example.com`); lower case. */
  readonly serverName?: string;
  /** ALPN protocol that was chosen. */
  readonly applicationProtocol?: string;
  readonly target: Address;
  /**
   * Early data (0-RTT) goes there too, as soon as it comes: before the client has proven that it is there, so that what it asks for
   * may be a replay. Default false.
   */
  readonly earlyData?: boolean;
}

/** What a route is chosen by: of a handshake, or of a session that may be resumed. */
export type Routed = Pick<HandshakeInfo, 'serverName' | 'applicationProtocol'>;

/** Undefined when no route applies. */
export function chooseRoute(routes: readonly Route[], info: Routed): Route | undefined {
  return routes.find((route) =>
    (route.serverName === undefined || matchesName(route.serverName, info.serverName)) &&
    (route.applicationProtocol === undefined || route.applicationProtocol === info.applicationProtocol)
  );
}

/** Whether `pattern`, exact or `*.rest`, covers `name` (RFC 9525 §6.3: the wildcard is the whole leftmost label, and one label). */
export function matchesName(pattern: string, name: string | undefined): boolean {
  if (name === undefined) return false;
  if (pattern === name) return true;
  if (!pattern.startsWith('*.')) return false;
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot + 1) === pattern.slice(2);
}
