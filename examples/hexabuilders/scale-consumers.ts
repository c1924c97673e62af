import { ask, command, words } from '../command.ts'

// "action: scale_consumers": one more reader of events in each service that reads them.

await command(async () => {
  const told: string[] = []
  for (const url of words().positionals) {
    const { consumers } = await ask<{ consumers: number }>(`${url}/consumers`, 'POST', {})
    told.push(`${url}: ${consumers} consumers`)
  }
  return told.join(', ')
})
