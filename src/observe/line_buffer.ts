/** How long a line may wait for others, in milliseconds. */
const DELAY = 50;
/** Characters that are written without waiting. */
const FULL = 32 * 1024;

/** Gathers lines of a log, so that a busy server makes one system call for many of them (one per connection was 10 % of its time). */
export class LineBuffer {
  readonly #write: (text: string) => void;
  #text = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** `urgent` lines are written at once, with all before them. */
  add(line: string, urgent: boolean): void {
    this.#text += line;
    if (urgent || this.#text.length > FULL) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), DELAY);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    this.#write(text);
  }
}
