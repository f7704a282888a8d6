/** Levels in order of weight; a log shows its own and everything heavier. */
export const LOG_LEVELS = ['debug', 'info', 'warning', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * One line per event. Values may come from a peer (server names, protocol names, error details): control characters and
 * everything else that could forge a line or steer a terminal is escaped. Secrets are never given to it.
 */
export class Log {
  readonly #threshold: number;
  readonly #format: LogFormat;
  readonly #write: (line: string, level: LogLevel) => void;
  readonly #now: () => number;

  /** `write` gets whole lines, newline included. */
  constructor(
    level: LogLevel,
    format: LogFormat,
    write: (line: string, level: LogLevel) => void,
    now: () => number = Date.now,
  ) {
    this.#threshold = LOG_LEVELS.indexOf(level);
    this.#format = format;
    this.#write = write;
    this.#now = now;
  }

  /** Whether a line of this level is shown: ask before collecting costly fields. */
  shows(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) >= this.#threshold;
  }

  debug(event: string, fields: LogFields = {}): void {
    this.#line('debug', event, fields);
  }

  info(event: string, fields: LogFields = {}): void {
    this.#line('info', event, fields);
  }

  warning(event: string, fields: LogFields = {}): void {
    this.#line('warning', event, fields);
  }

  error(event: string, fields: LogFields = {}): void {
    this.#line('error', event, fields);
  }

  #line(level: LogLevel, event: string, fields: LogFields): void {
    if (!this.shows(level)) return;
    const time = new Date(this.#now()).toISOString();
    if (this.#format === 'json') {
      this.#write(escapeLine(JSON.stringify({ time, level, event, ...fields })) + '\n', level);
      return;
    }
    let line = `${time} ${level} ${quoteWhereNeeded(event, false)}`;
    for (const [name, value] of Object.entries(fields)) {
      if (value !== undefined) line += ` ${name}=${quoteWhereNeeded(String(value), true)}`;
    }
    this.#write(line + '\n', level);
  }
}

/** Text values are bare when that is unambiguous, and JSON strings otherwise. */
function quoteWhereNeeded(text: string, value: boolean): string {
  const bare = value ? /^[\w.:/@,*+%\[\]-]+$/ : /^[\w.:/@,*+%\[\]() '-]+$/;
  return bare.test(text) ? text : escapeLine(JSON.stringify(text));
}

/** What JSON leaves as it is but a terminal or a log reader might act on: C1 controls, line separators, bidi and other formats. */
function escapeLine(json: string): string {
  return json.replace(
    /[\u007f-\u00a0\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    (character) => '\\u' + character.charCodeAt(0).toString(16).padStart(4, '0'),
  );
}
