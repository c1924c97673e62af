import { command, words } from '../command.ts'
import { open } from '../database.ts'
import { SCHEMA } from './services.ts'

// Hands open actions over in two phases: prepare copies them to green, where they wait; commit
// makes green their owner, abort makes blue theirs again. Each may be run again and again.

const { positionals } = words()
const blue = open('CVPLUS_URL', SCHEMA)
const green = open('CVPLUS_PACKAGES_URL', SCHEMA)
const put = 'insert into actions values ($1, $2) on conflict (id) do update set state = $2'
const having = async (store: typeof blue, state: string) =>
  (await store.query<{ id: string }>('select id from actions where state = $1', [state])).map(
    ({ id }) => id,
  )

await command(async () => {
  switch (positionals[0]) {
    case 'prepare': {
      const open = await having(blue, 'open')
      for (const id of open)
        await green.query(put.replace('do update set state = $2', 'do nothing'), [id, 'prepared'])
      return `prepared ${open.length} actions`
    }
    case 'commit': {
      const prepared = await having(green, 'prepared')
      for (const id of prepared) {
        await green.query(put, [id, 'open'])
        await blue.query(put, [id, 'moved'])
      }
      return `committed ${prepared.length} actions`
    }
    case 'abort': {
      const waiting = await having(green, 'prepared')
      const moved = await having(blue, 'moved')
      for (const id of waiting) await green.query('delete from actions where id = $1', [id])
      for (const id of moved) {
        const [now] = await green.query<{ state: string }>(
          'select state from actions where id = $1',
          [id],
        )
        await blue.query(put, [id, now?.state ?? 'open'])
        await green.query('delete from actions where id = $1', [id])
      }
      return `took ${waiting.length + moved.length} actions back`
    }
    default:
      throw new Error('give prepare, commit or abort')
  }
})
