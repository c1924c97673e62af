// A process of its own that takes a lock, says so, and holds it for a while.
// Arguments: the lock, a log file, how long to hold it in ms (`forever` waits to be killed).
import { appendFileSync } from 'node:fs'
import { withLock } from '../../tools/lock.mjs'

const [folder, log, hold] = process.argv.slice(2)
const note = (what) => appendFileSync(log, `${process.pid} ${what}\n`)

await withLock(
  folder,
  async () => {
    note('in')
    process.stdout.write('in\n')
    if (hold === 'forever') await new Promise((resolve) => setTimeout(resolve, 60_000))
    await new Promise((resolve) => setTimeout(resolve, Number(hold)))
    note('out')
  },
  (pid) => note(`waits for ${pid}`),
)
