/** How the values of options are written. All throw `UsageError` that says what is wrong and what would be right. */
import { UsageError } from '../error.ts';
import type { Address } from '../socket/socket.ts';
import type { Route } from '../terminator/route.ts';

/** HOST:PORT. */
export const address = (lowestPort: number) => (text: string): Address => {
  const match = /^(?:\[([\da-fA-F:.]+(?:%\w+)?)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < lowestPort || port > 65535) {
    throw new UsageError(`'${text}' is not HOST:PORT; for example 127.0.0.1:8443 or [::1]:8443`);
  }
  return { host: (match[1] ?? match[2]) as string, port };
};

/** MATCH=HOST:PORT. */
export function readRoute(text: string): Route {
  const [match = '', place] = text.split('=', 2);
  if (match === '' || place === undefined) {
    throw new UsageError(`'${text}' is not MATCH=HOST:PORT; for example www.example.com=127.0.0.1:8080`);
  }
  const target = address(1)(place);
  if (match === '*') return { target };
  if (match.startsWith('alpn:')) return { applicationProtocol: match.slice('alpn:'.length), target };
  if (!/^(\*\.)?[\w-]+(\.[\w-]+)*$/.test(match)) {
    throw new UsageError(
      `'${match}' is neither a server name, such as www.example.com or *.example.com, nor alpn:PROTOCOL, nor *`,
    );
  }
  return { serverName: match.toLowerCase(), target };
}

/** The name of a file. */
export function readPath(text: string): string {
  if (text === '') throw new UsageError('the file name is empty');
  return text;
}

/** ALPN names, with commas between. */
export function readProtocols(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  const tooLong = names.find((name) => name.length === 0 || new TextEncoder().encode(name).length > 255);
  if (tooLong !== undefined) {
    throw new UsageError(`'${text}' is not a list of protocol names of 1 to 255 bytes, such as h2,http/1.1`);
  }
  return names;
}

/** Code points by their names in a registry, or other names they go by, with commas between; in any case. */
export const names = (
  registry: Readonly<Record<string, number>>,
  aliases: Readonly<Record<string, string>>,
) =>
(text: string): number[] => {
  const byName = new Map(Object.entries(registry).map(([name, code]) => [name.toLowerCase(), code]));
  return text.split(',').map((part) => {
    const name = part.trim().toLowerCase();
    const code = byName.get(aliases[name] ?? name);
    if (code === undefined) {
      throw new UsageError(`'${part.trim()}' is unknown; known are ${Object.keys(registry).join(', ')}`);
    }
    return code;
  });
};

/** `or` names, for the error, what would be right as well. */
export const integer = (least: number, most: number, or = '') => (text: string): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new UsageError(`'${text}' is not ${or}a whole number from ${least} to ${most}`);
  }
  return value;
};

/** In milliseconds. */
export function readSeconds(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0 || value > 86_400) {
    throw new UsageError(`'${text}' is not a number of seconds, above 0 and up to 86400; for example 10 or 0.5`);
  }
  return value * 1000;
}

export const choice = <const Choice extends string>(choices: readonly Choice[]) => (text: string): Choice => {
  const chosen = choices.find((each) => each === text);
  if (chosen === undefined) throw new UsageError(`'${text}' is none of ${choices.join(', ')}`);
  return chosen;
};
