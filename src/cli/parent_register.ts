import type { AntiReplay } from '../session/session.ts';

/**
 * A worker's view of the anti-replay register, which the process that leads them holds: what one worker has accepted must not be
 * accepted by another (RFC 9846 §8).
 */
export class ParentRegister implements AntiReplay {
  readonly #ask: (question: number, binder: Uint8Array) => void;
  readonly #waiting = new Map<number, (accepted: boolean) => void>();
  #questions = 0;

  constructor(ask: (question: number, binder: Uint8Array) => void) {
    this.#ask = ask;
  }

  accept(binder: Uint8Array): Promise<boolean> {
    return new Promise((resolve) => {
      const question = this.#questions++;
      this.#waiting.set(question, resolve);
      // A copy: a view would take all that it looks into along to the other process.
      this.#ask(question, binder.slice());
    });
  }

  answer(question: number, accepted: boolean): void {
    this.#waiting.get(question)?.(accepted);
    this.#waiting.delete(question);
  }
}
