import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { md5Bucket } from '../../../examples/buckets.ts'
import { startLoad } from '../../../examples/load.ts'
import { urlOf } from '../../../rollout/services.ts'
import { inOrder } from '../in-order.ts'
import { chosen, Migration } from './migration.ts'

vi.setConfig({ testTimeout: 1_200_000, hookTimeout: 240_000 })

describe.runIf(chosen('resume-review'))(
  'resume-review in development, from start to retired',
  () => {
    let migration: Migration

    inOrder()
    beforeAll(async () => {
      migration = await Migration.create({
        name: 'resume-review',
        environment: 'development',
        clock: 86_400,
        rate: 120,
        paths: ['/api/auth/me', '/api/review/3', '/api/ai/structure/3', '/api/ai/appeal/3'],
      })
      await migration.deploy()
    })
    afterAll(() => migration?.close())

    const version = async (path: string, user: string) => {
      const response = await fetch(`${migration.stack.url}${path}`, {
        headers: { 'x-user-id': user },
      })
      await response.text()
      return response.status === 200 ? response.headers.get('x-version') : response.status
    }
    const users = [...Array(200).keys()].map((n) => `user-${n}`)
    const someOne = (fits: (bucket: number) => boolean) =>
      users.find((user) => fits(md5Bucket(user))) as string

    it('moves auth by its flag, to the users whose bucket is below the percentage', async () => {
      await migration.goTo('auth@10', 'start', 240)
      expect(
        await version(
          '/api/auth/me',
          someOne((bucket) => bucket < 10),
        ),
      ).toBe('new')
      expect(
        await version(
          '/api/auth/me',
          someOne((bucket) => bucket >= 10),
        ),
      ).toBe('old')
      await migration.goTo('auth@100', 'auth@10', 240)
      expect(
        await version(
          '/api/auth/me',
          someOne((bucket) => bucket >= 90),
        ),
      ).toBe('new')
    })

    it('tells the tech lead that the foundation is ready, and nobody else', async () => {
      const { stack, news } = migration
      const ready = () => news.filter((text) => text.includes('Foundation ready'))
      await stack.until('the news of it', () => ready().length > 0)
      expect(ready()).toEqual([expect.stringMatching(/^TECH_LEAD_URL: /)])
    })

    it('brings upload, which was not there, and the agents one after the other', async () => {
      const upload = () =>
        fetch(`${migration.stack.url}/api/upload`, {
          method: 'POST',
          headers: { 'x-user-id': 'user-1' },
          body: '{"filename":"a.txt","text":"b"}',
        })
      expect((await upload()).ok).toBe(false)
      await migration.goTo('upload@100', 'auth@100', 240)
      // From now on it is used: every later step asks for answers of each green.
      const uploads = startLoad({
        url: migration.stack.url,
        rate: 10,
        seconds: 3_000,
        paths: [{ path: '/api/upload', method: 'POST', body: '{"filename":"a.txt","text":"b"}' }],
      })
      migration.beside(() => uploads.stop())
      await migration.goTo('ai-structure@100', 'upload@100', 240)
      expect(await version('/api/ai/structure/3', 'user-1')).toBe('new')
      expect(await version('/api/ai/appeal/3', 'user-1')).toBe('old')
      await migration.goTo('ai-appeal@100', 'ai-structure@100', 240)
      expect(await version('/api/ai/appeal/3', 'user-1')).toBe('new')
    })

    it('reports each figure of the dashboard, the share of each flag among them', async () => {
      const report = await migration.report()
      for (const { title } of Object.values(migration.stack.plan.report.targets)) {
        expect(report).toContain(title)
      }
    })

    it('moves the review through its four steps', async () => {
      await migration.goTo('promoted', 'ai-appeal@100', 240)
      expect(await version('/api/review/3', 'user-1')).toBe('new')
    })

    it('tells the people of each phase that it is complete, and nobody else', async () => {
      const { stack, news } = migration
      const about = (text: string) => news.filter((told) => told.includes(text))
      for (const [channel, text] of [
        ['PRODUCT_MANAGER_URL', 'Auth migrated successfully'],
        ['STAKEHOLDERS_URL', 'Upload feature launched in new architecture'],
        ['AI_TEAM_URL', 'AI fully isolated, ready for prompt improvements'],
        ['EXECUTIVE_TEAM_URL', 'Migration complete, all features on new architecture'],
      ] as const) {
        await stack.until(`the news of ${text}`, () => about(text).length > 0)
        expect(about(text)).toEqual([expect.stringMatching(new RegExp(`^${channel}: `))])
      }
      // "X% performance improvement": what was measured.
      expect(about('Auth migrated')[0]).toMatch(/p95 of auth \S+, before \S+ \(.*\)/)
    })

    it('is retired without its old code and without a flag, and lost no request', async () => {
      const { stack } = migration
      await migration.goTo('retired', 'promoted', 240)
      const inFile = () => Object.keys(JSON.parse(readFileSync(stack.layout.flags, 'utf8')).flags)
      await stack.until('the flags to be gone', () => inFile().length === 0)
      const backend = urlOf(stack.plan, 'auth', 'green', '/metrics') as string
      expect(await (await fetch(backend)).text()).toMatch(/^old_code 0$/m)
      for (const path of ['/api/auth/me', '/api/ai/structure/3', '/api/review/3']) {
        for (const user of users.slice(0, 20)) expect(await version(path, user)).toBe('new')
      }
      const stats = await migration.load.stop()
      expect(stats.failures).toEqual([])
      expect(stats.answered).toBe(stats.sent)
    })
  },
)
