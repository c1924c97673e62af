import { ask, command, must, words } from '../command.ts'

// "Validation sanity check": health and a match, past the router.

await command(async () => {
  const [url] = words().positionals
  await ask(`${url}/v2/health`, 'POST', {})
  const found = await ask(`${url}/v2/match`, 'POST', { id: 'sanity', skills_count: 6 })
  must(found['matched'] === true, `a match was expected: ${JSON.stringify(found)}`)
  return 'V2 answers without an error'
})
