/** Runs tasks one after the other, in the order they came; a task that fails holds up nobody. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** @returns what the task returns, or throws what it throws */
  run<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task)
    this.#last = turn.catch(() => {})
    return turn
  }
}
