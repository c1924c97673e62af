import { text } from 'node:stream/consumers'
import { ask, command, must, words } from '../command.ts'
import { open } from '../database.ts'
import { SCHEMA } from './services.ts'

// The circuit breaker's state: export writes that of SLUICE_FROM, import reads it into SLUICE_TO,
// snapshot keeps that of both in service_state_backups.

const { positionals, option } = words()
const addressOf = (colour: string | undefined) => {
  must(
    colour === 'blue' || colour === 'green',
    `${colour} is no colour; set SLUICE_FROM, SLUICE_TO`,
  )
  return `${option(colour)}/state`
}

await command(async () => {
  switch (positionals[0]) {
    case 'export': {
      const { failures } = await ask(addressOf(process.env['SLUICE_FROM']))
      return JSON.stringify({ failures })
    }
    case 'import':
      await ask(addressOf(process.env['SLUICE_TO']), 'PUT', JSON.parse(await text(process.stdin)))
      return 'imported'
    case 'snapshot': {
      const store = open('CVPLUS_PACKAGES_URL', SCHEMA)
      for (const colour of ['blue', 'green']) {
        await store.query('insert into service_state_backups (service, state) values ($1, $2)', [
          `circuit-breaker.${colour}`,
          JSON.stringify(await ask(addressOf(colour))),
        ])
      }
      await store.close()
      return 'kept the state of both colours'
    }
    default:
      throw new Error('give export, import or snapshot')
  }
})
