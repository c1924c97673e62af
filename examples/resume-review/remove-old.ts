import { ask, command, must, words } from '../command.ts'
import { FEATURES } from './requests.ts'

// "Remove all old code", "Remove feature flags": the backend runs without its old layers from now
// on, also when it starts again, and reads no flag. Done again it changes nothing.

await command(async () => {
  const backend = words().positionals[0] ?? ''
  must(URL.canParse(backend), 'give the address of the backend, such as http://127.0.0.1:8590')
  await ask(`${backend}/code/old`, 'DELETE')
  must((await ask(`${backend}/code`))['old'] === false, 'the backend still has its old code')
  // Asked for the old one by name, as a comparison asks, each feature answers by its new one.
  for (const { path, method, body } of FEATURES) {
    const response = await fetch(`${backend}${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        'x-user-id': 'user-7',
        'x-sluice-color': 'blue',
        'x-sluice-replay': 'removal',
      },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    })
    await response.text()
    const by = response.headers.get('x-version')
    must(response.ok && by === 'new', `${method} ${path}: ${response.status} by ${by}, not by new`)
  }
  return `the old code is removed; ${FEATURES.length} features answer without it, and without a flag`
})
