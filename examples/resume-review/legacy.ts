import type { Store } from '../database.ts'

/** The old code of the backend: loaded at its start, unless it was removed for good. */
export class Legacy {
  readonly #store: Store
  /** Undefined from its removal on, in this process and in every later one. */
  code: typeof import('./old.ts') | undefined

  private constructor(store: Store, code: Legacy['code']) {
    this.#store = store
    this.code = code
  }

  static async load(store: Store): Promise<Legacy> {
    const [removed] = await store.query('select at from removed_code')
    return new Legacy(store, removed ? undefined : await import('./old.ts'))
  }

  /** @throws once it is removed: whoever comes here read a flag that is gone */
  get now(): NonNullable<Legacy['code']> {
    if (!this.code) throw new Error('the old code was removed')
    return this.code
  }

  /** First where a restart finds it, then here: what is under way ends as it began. */
  async remove(): Promise<void> {
    await this.#store.query('insert into removed_code default values on conflict do nothing')
    this.code = undefined
  }
}
