import type { Credentials } from '../handshake/config.ts';
import type { ClientHelloInfo } from '../handshake/effect.ts';
import type { LoadedCredentials } from '../pki/credentials.ts';
import { selectByAbility } from '../pki/select.ts';

/** Credentials with the names they are for. */
export type NamedCredentials = Pick<LoadedCredentials, 'credentials' | 'info'>;

/** Chooses the certificate for a ClientHello. Its content can be replaced while connections go on. */
export class CredentialStore {
  readonly #strict: boolean;
  #all: readonly NamedCredentials[] = [];
  readonly #byName = new Map<string, NamedCredentials[]>();

  /** The first is the default. `strict`: a server name that no certificate is for is refused (unrecognized_name). */
  constructor(all: readonly NamedCredentials[], strict = false) {
    this.#strict = strict;
    this.replace(all);
  }

  replace(all: readonly NamedCredentials[]): void {
    this.#all = all;
    this.#byName.clear();
    for (const named of all) {
      for (const name of named.info.dnsNames) {
        const same = this.#byName.get(name);
        if (same === undefined) this.#byName.set(name, [named]);
        else same.push(named);
      }
    }
  }

  /** An exact name before a wildcard before the default; among those for the same name, what the client can verify. */
  select(clientHello: ClientHelloInfo): Credentials | undefined {
    const candidates = this.#candidates(clientHello.serverName);
    return candidates && selectByAbility(candidates, clientHello)?.credentials;
  }

  #candidates(name: string | undefined): readonly NamedCredentials[] | undefined {
    if (name === undefined) return this.#all;
    // RFC 9525 §6.3: the wildcard is the whole leftmost label and stands for exactly one.
    const dot = name.indexOf('.');
    const wildcard = dot > 0 && name.indexOf('.', dot + 1) > 0 ? this.#byName.get('*' + name.slice(dot)) : undefined;
    return this.#byName.get(name) ?? wildcard ?? (this.#strict ? undefined : this.#all);
  }
}
