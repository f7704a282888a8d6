import { UsageError } from '../error.ts';
import { nearest } from './flags.ts';
import { OPTIONS } from './option_table.ts';
import type { Given } from './settings.ts';

/**
 * Reads the config file: one JSON object, option names as keys. `path` is for messages, which name line and key.
 * Throws `UsageError` for anything that is not exactly that.
 */
export function parseConfigFile(path: string, text: string): Given[] {
  const given: Given[] = [];
  for (const { key, value, line } of new JsonReader(path, text).readObject()) {
    const where = `${path}:${line}: "${key}"`;
    const option = OPTIONS.find(({ name }) => name === key);
    if (option === undefined) {
      const near = nearest(key);
      throw new UsageError(`${where}: unknown option${near === undefined ? '' : `; did you mean "${near.name}"?`}`);
    }
    if (given.some((before) => before.option === option)) throw new UsageError(`${where}: given twice; give it once`);
    if (option.argument === undefined) {
      if (typeof value !== 'boolean') throw new UsageError(`${where}: must be true or false`);
      if (value) given.push({ option, text: '', where });
      continue;
    }
    const values = Array.isArray(value) && option.many ? value : [value];
    for (const each of values) {
      if (typeof each !== 'string' && typeof each !== 'number') {
        throw new UsageError(`${where}: must be a string or a number${option.many ? ', or an array of them' : ''}`);
      }
      given.push({ option, text: String(each), where });
    }
  }
  return given;
}

interface Member {
  readonly key: string;
  readonly value: unknown;
  readonly line: number;
}

/** JSON, member by member, so that every message can name its line: `JSON.parse` forgets where things stood. */
class JsonReader {
  readonly #path: string;
  readonly #text: string;
  #position = 0;

  constructor(path: string, text: string) {
    this.#path = path;
    // A byte order mark is harmless.
    this.#text = text.replace(/^\ufeff/, '');
  }

  readObject(): Member[] {
    const members: Member[] = [];
    this.#expect('{', "the file must hold one JSON object, beginning with '{'");
    if (!this.#take('}')) {
      do {
        this.#skipSpace();
        const line = this.#line();
        const key = this.#token();
        if (typeof key !== 'string') this.#fail('expected an option name in double quotes');
        this.#expect(':', `expected ':' after "${key}"`);
        members.push({ key, value: this.#value(key), line });
      } while (this.#take(','));
      this.#expect('}', `expected ',' or '}' after the value of "${members.at(-1)?.key}"`);
    }
    this.#skipSpace();
    if (this.#position < this.#text.length) this.#fail("unexpected text after the closing '}'");
    return members;
  }

  #value(key: string): unknown {
    if (!this.#take('[')) {
      const value = this.#token();
      if (value === undefined) {
        this.#fail(`the value of "${key}" is not a string, a number, true, false or an array of these`);
      }
      return value;
    }
    const values: unknown[] = [];
    if (this.#take(']')) return values;
    do {
      const value = this.#token();
      if (value === undefined) this.#fail(`an entry of "${key}" is not a string or a number`);
      values.push(value);
    } while (this.#take(','));
    this.#expect(']', `expected ',' or ']' in the array of "${key}"`);
    return values;
  }

  /** A string, a number, true, false or null; undefined when there is none of these. */
  #token(): unknown {
    this.#skipSpace();
    const pattern = /"(?:[^"\\\n]|\\.)*"|-?\d[\d.eE+-]*|true|false|null/y;
    pattern.lastIndex = this.#position;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    let value: unknown;
    try {
      value = JSON.parse(match[0]);
    } catch {
      this.#fail(`${match[0]} is not valid JSON`);
    }
    this.#position = pattern.lastIndex;
    return value;
  }

  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#position] !== character) return false;
    this.#position++;
    return true;
  }

  #expect(character: string, message: string): void {
    if (!this.#take(character)) this.#fail(message);
  }

  #skipSpace(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#position] ?? '')) this.#position++;
  }

  #line(): number {
    return this.#text.slice(0, this.#position).split('\n').length;
  }

  #fail(message: string): never {
    throw new UsageError(`${this.#path}:${this.#line()}: ${message}`);
  }
}
