import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, command, must, words } from '../command.ts'

// "Failover testing (pannes simulées)": a V2 of its own, whose algorithms all fail, still answers,
// by falling back to the V1 that runs.

const free = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

await command(async () => {
  const [v1] = words().positionals
  const port = await free()
  const { SLUICE_FLAGS: _live, ...environment } = process.env
  const child = spawn(process.execPath, ['examples/supersmartmatch/v2.ts'], {
    env: { ...environment, PORT: String(port), EXAMPLE_FAULTS: '1', V1_URL: v1 },
    stdio: 'ignore',
  })
  try {
    const url = `http://127.0.0.1:${port}`
    for (const end = Date.now() + 20_000; Date.now() < end; await sleep(50)) {
      if ((await fetch(`${url}/healthz`).catch(() => undefined))?.ok) break
    }
    await ask(`${url}/faults`, 'PUT', { broken: 1 })
    const response = await fetch(`${url}/match`, { method: 'POST', body: '{"id":"failover"}' })
    must(response.ok, `without an algorithm V2 answered ${response.status}`)
    must(response.headers.get('x-fallback') === 'v1', 'V2 did not say that it fell back')
    return 'with every algorithm failing, V2 answered by V1 and said so'
  } finally {
    child.kill()
  }
})
