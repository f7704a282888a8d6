import type { HostConfig } from '../handshake/config.ts';
import type { ClientHelloInfo } from '../handshake/effect.ts';
import type { LoadedCredentials } from '../pki/credentials.ts';
import { selectByAbility } from '../pki/select.ts';

/** Credentials with the names they are for. */
export type NamedCredentials = Pick<LoadedCredentials, 'credentials' | 'info'>;

/** What the handshake is given for a certificate: the same object each time, which encoded messages are kept by. */
interface Host {
  readonly info: NamedCredentials['info'];
  readonly config: HostConfig;
}

/** Chooses the certificate for a ClientHello. Its content can be replaced while connections go on. */
export class CredentialStore {
  readonly #contextOf: (leaf: Uint8Array) => string;
  readonly #strict: boolean;
  #all: readonly Host[] = [];
  readonly #byName = new Map<string, Host[]>();

  /**
   * The first is the default. `contextOf` names what sessions made under a certificate are bound to. `strict`: a server name that
   * no certificate is for is refused (unrecognized_name).
   */
  constructor(all: readonly NamedCredentials[], contextOf: (leaf: Uint8Array) => string, strict = false) {
    this.#contextOf = contextOf;
    this.#strict = strict;
    this.replace(all);
  }

  replace(all: readonly NamedCredentials[]): void {
    this.#all = all.map(({ credentials, info }) => {
      const sessionContext = this.#contextOf(credentials.chain[0] as Uint8Array);
      return { info, config: { ...credentials, sessionContext } };
    });
    this.#byName.clear();
    for (const host of this.#all) {
      for (const name of host.info.dnsNames) {
        const same = this.#byName.get(name);
        if (same === undefined) this.#byName.set(name, [host]);
        else same.push(host);
      }
    }
  }

  /** An exact name before a wildcard before the default; among those for the same name, what the client can verify. */
  select(clientHello: ClientHelloInfo): HostConfig | undefined {
    const candidates = this.#candidates(clientHello.serverName);
    return candidates && selectByAbility(candidates, clientHello)?.config;
  }

  #candidates(name: string | undefined): readonly Host[] | undefined {
    if (name === undefined) return this.#all;
    // RFC 9525 §6.3: the wildcard is the whole leftmost label and stands for exactly one.
    const dot = name.indexOf('.');
    const wildcard = dot > 0 && name.indexOf('.', dot + 1) > 0 ? this.#byName.get('*' + name.slice(dot)) : undefined;
    return this.#byName.get(name) ?? wildcard ?? (this.#strict ? undefined : this.#all);
  }
}
