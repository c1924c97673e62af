import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** A child that ends before it says anything fails the test at once, not after the time limit. */
export async function saidSomething(child: ChildProcess): Promise<void> {
  const ended = once(child, 'close').then(() => Promise.reject(new Error('it ended too early')))
  await Promise.race([once(child.stdout!, 'data'), ended])
  ended.catch(() => {})
}
