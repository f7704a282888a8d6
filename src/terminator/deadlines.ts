/**
 * One deadline, the same for all its items, with one timer: the items wait in the order they came, so only the first
 * needs watching. Adding and deleting cost a map operation each.
 */
export class Deadlines<Item> {
  readonly #milliseconds: number;
  readonly #expired: (item: Item) => void;
  readonly #items = new Map<Item, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(milliseconds: number, expired: (item: Item) => void) {
    this.#milliseconds = milliseconds;
    this.#expired = expired;
  }

  /** Starts an item's time, or starts it anew. */
  add(item: Item): void {
    this.#items.delete(item);
    this.#items.set(item, performance.now() + this.#milliseconds);
    this.#timer ??= setTimeout(this.#check, this.#milliseconds);
  }

  delete(item: Item): void {
    this.#items.delete(item);
  }

  /** Forgets all items and the timer. */
  stop(): void {
    this.#items.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #check = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (const [item, deadline] of this.#items) {
      if (deadline > now) {
        this.#timer = setTimeout(this.#check, deadline - now);
        return;
      }
      this.#items.delete(item);
      this.#expired(item);
    }
  };
}
