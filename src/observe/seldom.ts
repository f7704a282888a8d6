/** Lets something happen once in an interval. */
export class Seldom {
  readonly #interval: number;
  #next = -Infinity;

  /** Milliseconds. */
  constructor(interval: number) {
    this.#interval = interval;
  }

  /** Whether the last time is an interval ago; then this is the next one. */
  isDue(now: number): boolean {
    if (now < this.#next) return false;
    this.#next = now + this.#interval;
    return true;
  }
}
