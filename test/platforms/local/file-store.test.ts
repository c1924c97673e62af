import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FileStore, HISTORY_BYTES, readEvents } from '../../../platforms/local/file-store.ts'
import type { Layout } from '../../../platforms/local/layout.ts'
import { Unavailable } from '../../../platforms/platform.ts'
import type { RolloutEvent } from '../../../platforms/store.ts'
import type { Journal } from '../../../rollout/journal.ts'
import { clearLatch, latchAt } from '../../../rollout/latch.ts'
import { planSchema } from '../../../rollout/plan.ts'
import { allBlue } from '../../../rollout/weights.ts'
import { temporaryHome } from './stand.ts'

let layout: Layout
let store: FileStore
beforeEach(() => {
  layout = temporaryHome()
  store = new FileStore(layout)
})
afterEach(() => rmSync(layout.home, { recursive: true, force: true }))

const at = '2026-11-21T12:00:00.000Z'
const trip = {
  position: 'api@25',
  landing: 'start',
  cause: 'errors',
  value: '7%',
  threshold: '5%',
  at,
  reason: 'api fails',
}
const latched = latchAt(clearLatch(), trip, allBlue(['api']))
const colour = { url: 'http://127.0.0.1:9001' }
const journal: Journal = {
  plan: planSchema.parse({
    name: 'shop',
    steps: [5, 100],
    services: { api: { blue: colour, green: colour } },
  }),
  planHash: 'abc',
  verified: { position: 'start', at },
  weights: allBlue(['api']),
  attempt: 1,
  guardedMs: 0,
  green: {},
  baselines: {},
  verdicts: [],
  backups: [],
}
const event = (message: string): RolloutEvent => ({
  at,
  kind: 'weights',
  message,
  severity: 'info',
})

describe('latch and journal', () => {
  it('come back as they were written, for their owner alone', async () => {
    await store.writeLatch(latched)
    await store.writeJournal(journal)
    expect(await new FileStore(layout).readLatch()).toEqual(latched)
    expect(await new FileStore(layout).readJournal()).toEqual(journal)
    for (const path of [layout.hook.latch, layout.hook.journal]) {
      expect(statSync(path).mode & 0o777).toBe(0o600)
    }
  })

  it('are undefined where there is none, whatever half of a file lies beside them', async () => {
    mkdirSync(dirname(layout.hook.latch), { recursive: true })
    writeFileSync(`${dirname(layout.hook.latch)}/.latch.json.1.tmp`, '{"trips":')
    expect(await store.readLatch()).toBeUndefined()
    expect(await store.readJournal()).toBeUndefined()
  })

  it.each([
    ['is empty', ''],
    ['was cut off', '{"trips": 1, "latch'],
    ['is another thing', '[]'],
    ['has a latch that is no truth value', '{"trips":0,"attempt":1,"latched":"no","ceiling":{}}'],
    [
      'lets green above 100',
      '{"trips":1,"attempt":1,"latched":true,"ceiling":{"api":{"blue":0,"green":101}}}',
    ],
  ])('are not believed when the file %s', async (_what, content) => {
    mkdirSync(dirname(layout.hook.latch), { recursive: true })
    writeFileSync(layout.hook.latch, content)
    const read = store.readLatch()
    await expect(read).rejects.toThrow(Unavailable)
    await expect(read).rejects.toThrow(layout.hook.latch)
    await expect(read).rejects.toThrow(/next: mv .*pulumi up/)
    writeFileSync(layout.hook.journal, content)
    await expect(store.readJournal()).rejects.toThrow(/next: mv .*sluice doctor --adopt/)
  })

  it('are whole after a kill in the middle of writes', async () => {
    const script = `
      import { FileStore } from ${JSON.stringify(new URL('../../../platforms/local/file-store.ts', import.meta.url).href)}
      import { layoutOf } from ${JSON.stringify(new URL('../../../platforms/local/layout.ts', import.meta.url).href)}
      const store = new FileStore(layoutOf(process.argv[1]))
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50)
      for (let trips = 0; ; trips += 1) {
        await store.writeLatch({ trips, attempt: 1, latched: false, ceiling: {}, filler: 'x'.repeat(trips * 100) })
        await new Promise(setImmediate)
      }`
    for (let kill = 0; kill < 3; kill += 1) {
      const args = ['--input-type=module', '-e', script, layout.home]
      const child = spawnSync(process.execPath, args, { encoding: 'utf8' })
      expect(child.signal, child.stderr).toBe('SIGKILL')
      expect(await store.readLatch()).toMatchObject({ attempt: 1 })
    }
  })

  it('leave no temporary file behind', async () => {
    await store.writeLatch(latched)
    expect(readdirSync(dirname(layout.hook.latch))).toEqual(['latch.json'])
  })
})

describe('the history', () => {
  it('gives the newest events, oldest first', async () => {
    expect(readEvents(layout, 10)).toEqual([])
    for (let index = 0; index < 5; index += 1) await store.appendEvent(event(`number ${index}`))
    expect(readEvents(layout, 2).map(({ message }) => message)).toEqual(['number 3', 'number 4'])
    expect(readEvents(layout, 100)).toHaveLength(5)
    expect(readEvents(layout, 0)).toEqual([])
  })

  it('loses only the line that a crash cut off', async () => {
    await store.appendEvent(event('before'))
    appendFileSync(layout.hook.events, '{"at":"2026')
    await store.appendEvent(event('after'))
    expect(readEvents(layout, 10).map(({ message }) => message)).toEqual(['before', 'after'])
  })

  it('is rotated once, and read across the two files', async () => {
    mkdirSync(dirname(layout.hook.events), { recursive: true })
    const line = `${JSON.stringify(event('ä'.repeat(500)))}\n`
    writeFileSync(layout.hook.events, line.repeat(Math.ceil(HISTORY_BYTES / line.length)))
    await store.appendEvent(event('first of the new'))
    expect(existsSync(`${layout.hook.events}.1`)).toBe(true)
    expect(readFileSync(layout.hook.events, 'utf8').split('\n')).toHaveLength(2)
    const events = readEvents(layout, 300)
    expect(events).toHaveLength(300)
    expect(events.at(-1)?.message).toBe('first of the new')
    expect(events[0]?.message).toBe('ä'.repeat(500))
  })
})
