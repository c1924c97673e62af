import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { md5Bucket } from '../../examples/buckets.ts'
import { features } from '../../examples/resume-review/features.ts'
import * as old from '../../examples/resume-review/old.ts'
import { Cluster } from './cluster.ts'
import { runExample, startExample } from './program.ts'

describe('the backend of resume-review', () => {
  let cluster: Cluster
  let folder: string
  let flags: string
  let environment: Record<string, string>
  let backend: Awaited<ReturnType<typeof startExample>>

  beforeAll(async () => {
    cluster = await Cluster.create()
    await cluster.start()
    folder = await mkdtemp(join(tmpdir(), 'sluice-flags-'))
    flags = join(folder, 'flags.json')
    environment = { RESUME_REVIEW_URL: cluster.url }
    backend = await startExample(['examples/resume-review/backend.ts'], {
      ...environment,
      SLUICE_FLAGS: flags,
    })
    await vi.waitFor(async () => expect((await review('user-1')).status).toBe(200), 60_000)
  })
  afterAll(async () => {
    await backend?.stop()
    await cluster?.remove()
    if (folder) await rm(folder, { recursive: true })
  })

  const review = (user: string) =>
    fetch(`${backend.url}/api/review/3`, { headers: { 'x-user-id': user } })

  it('reads its flags live, by the bucket of the user', async () => {
    expect((await review('user-1')).headers.get('x-version')).toBe('old')
    const targeting = { if: [{ '<': [{ var: 'bucket' }, 25] }, 'on', 'off'] }
    const flag = {
      state: 'ENABLED',
      variants: { on: true, off: false },
      defaultVariant: 'off',
      targeting,
    }
    await writeFile(flags, JSON.stringify({ flags: { 'use-new-review': flag } }))
    await vi.waitFor(async () => {
      for (let n = 0; n < 50; n++) {
        const answer = await review(`user-${n}`)
        expect(answer.headers.get('x-version')).toBe(md5Bucket(`user-${n}`) < 25 ? 'new' : 'old')
      }
    }, 60_000)
  })

  it('answers the same by old and new', async () => {
    const users = [...Array(60).keys()].map((n) => `user-${n}`)
    const of = async (user: string) => {
      const { servedAt: _at, ...rest } = (await (await review(user)).json()) as { servedAt: string }
      return rest
    }
    const [on, off] = [users.find((u) => md5Bucket(u) < 25), users.find((u) => md5Bucket(u) >= 25)]
    expect(await of(on as string)).toEqual(await of(off as string))
  })

  it('a leak of connections shows', async () => {
    const put = (body: object) =>
      fetch(`${backend.url}/faults`, { method: 'PUT', body: JSON.stringify(body) })
    expect((await put({ leakConnections: 1 })).status).toBe(200)
    for (let n = 0; n < 60; n++) await review(`user-${n}`)
    const text = await (await fetch(`${backend.url}/metrics`)).text()
    expect(Number(/^db_connections (.+)$/m.exec(text)?.[1])).toBe(8)
    await put({})
  })

  it('the old implementation passes after the migration up, and after it is taken down', async () => {
    const suite = ['examples/resume-review/suite.ts', 'review']
    for (const way of ['up', 'up', 'down', 'down']) {
      const told = await runExample(['examples/resume-review/migrate.ts', way], environment)
      expect(told).toBe(`migrated ${way}`)
      for (const USE_NEW_REVIEW of ['false', 'true']) {
        expect(await runExample(suite, { ...environment, USE_NEW_REVIEW })).toBe('the review works')
      }
    }
  })

  it('the old agents answer through their adapter as the new ones do', async () => {
    const text = 'Led a team of 7. Cut costs by 12 %.'
    for (const agent of ['structure', 'appeal'] as const) {
      expect(Object.keys(old.orchestrate(agent, text))).toContain('score')
      expect(old.analyze(agent, text)).toEqual(features.analyze(agent, text))
    }
  })

  it('goes on without its old code and without flags once that is removed, after a restart too', async () => {
    const oldUser = [...Array(200).keys()]
      .map((n) => `user-${n}`)
      .find((user) => md5Bucket(user) >= 25) as string
    const by = async () => (await review(oldUser)).headers.get('x-version')
    const hasOld = async () =>
      (await (await fetch(`${backend.url}/metrics`)).text()).match(/^old_code (.)/m)?.[1]
    expect([await by(), await hasOld()]).toEqual(['old', '1'])
    const remove = ['examples/resume-review/remove-old.ts', backend.url]
    for (let again = 0; again < 2; again++) {
      expect(await runExample(remove, environment)).toMatch(/^the old code is removed; 6 features/)
    }
    await rm(flags)
    expect([await by(), await hasOld()]).toEqual(['new', '0'])
    await backend.stop()
    backend = await startExample(['examples/resume-review/backend.ts'], environment)
    await vi.waitFor(async () => expect(await by()).toBe('new'), 60_000)
    expect(await hasOld()).toBe('0')
  })
})
