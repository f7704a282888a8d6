import { UsageError } from '../error.ts';
import { type Option, OPTIONS } from './option_table.ts';
import type { Given } from './settings.ts';

export interface Flags {
  readonly given: readonly Given[];
  readonly configFile: string | undefined;
  /** The public name of a key to be made. */
  readonly makeEch: string | undefined;
  readonly help: boolean;
  readonly version: boolean;
}

/** Reads `--name value`, `--name=value` and switches. Throws `UsageError` for anything it does not know. */
export function parseFlags(args: readonly string[]): Flags {
  const given: Given[] = [];
  let configFile: string | undefined;
  let makeEch: string | undefined;
  let help = false;
  let version = false;

  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    const equals = arg.indexOf('=');
    const flag = arg.startsWith('--') && equals > 0 ? arg.slice(0, equals) : arg;
    const attached = flag === arg ? undefined : arg.slice(equals + 1);
    const value = (): string => {
      if (attached !== undefined) return attached;
      const next = args[++index];
      if (next === undefined || next.startsWith('--')) throw new UsageError(`${flag} needs a value; see --help`);
      return next;
    };
    const noValue = (): true => {
      if (attached !== undefined) throw new UsageError(`${flag} takes no value; leave out '=${attached}'`);
      return true;
    };
    if (flag === '--help' || flag === '-h') help = noValue();
    else if (flag === '--version' || flag === '-V') version = noValue();
    else if (flag === '--config') configFile = value();
    else if (flag === '--make-ech') makeEch = value();
    else given.push(readOption(flag, given, value, noValue));
  }
  return { given, configFile, makeEch, help, version };
}

function readOption(flag: string, before: readonly Given[], value: () => string, noValue: () => true): Given {
  const option = OPTIONS.find(({ name }) => flag === `--${name}`);
  if (option === undefined) throw new UsageError(describeUnknown(flag));
  if (!option.many && before.some((given) => given.option === option)) {
    throw new UsageError(`${flag} is given twice; give it once`);
  }
  if (option.argument === undefined) {
    noValue();
    return { option, text: '', where: flag };
  }
  return { option, text: value(), where: flag };
}

function describeUnknown(flag: string): string {
  if (!flag.startsWith('-')) return `unknown argument '${flag}'; every option begins with --; see --help`;
  const near = nearest(flag.replace(/^-+/, ''));
  return `unknown flag '${flag}'; ` + (near === undefined ? 'see --help' : `did you mean --${near.name}? See --help`);
}

/** The option whose name is at most two edits away. */
export function nearest(name: string): Option | undefined {
  const ranked = OPTIONS.map((option) => ({ option, distance: editDistance(name, option.name) }));
  ranked.sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= 2 ? best.option : undefined;
}

/** Levenshtein distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
