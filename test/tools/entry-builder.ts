// A process of its own that builds an entry of a cache.
// Arguments: the cache, a log file, `hang` to wait to be killed in the middle.
import { appendFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ensureEntry } from '../../tools/cache.ts'

const [cache = '', log = '', how] = process.argv.slice(2)

const entry = await ensureEntry(
  'thing-0000000000000000',
  async (directory) => {
    appendFileSync(log, 'build\n')
    writeFileSync(path.join(directory, 'half'), 'one')
    if (how === 'hang') {
      process.stdout.write('half\n')
      await new Promise((resolve) => setTimeout(resolve, 60_000))
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
    writeFileSync(path.join(directory, 'whole'), 'two')
    return { made: 'here' }
  },
  { cache, say: (line) => appendFileSync(log, `${line}\n`) },
)
process.stdout.write(`${entry}\n`)
