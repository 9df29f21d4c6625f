/** Lets one piece of work run at a time, in the order in which they asked. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  readonly #mayBegin: () => Promise<void>;

  /** `mayBegin` is asked before each piece of work; what it throws is what came of that piece. */
  constructor(mayBegin: () => Promise<void> = () => Promise.resolve()) {
    this.#mayBegin = mayBegin;
  }

  take<T>(work: () => Promise<T>): Promise<T> {
    return this.takeAnyway(async () => {
      await this.#mayBegin();
      return work();
    });
  }

  /** For work that is little and makes things better. */
  takeAnyway<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
