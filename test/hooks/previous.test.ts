import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { homeOfEnvironment, readPreviousHome } from '../../hooks/previous.ts'
import { FileStore } from '../../platforms/local/file-store.ts'
import { layoutOf } from '../../platforms/local/layout.ts'
import { planInput, world } from '../rollout/world.ts'

const folder = mkdtempSync(join(tmpdir(), 'slp-'))
afterEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true })
})

const { plan, journal } = world('api@10', {
  ...planInput(),
  environments: ['staging', 'production'],
})
const production = layoutOf(join(folder, 'shop-production'))
const staging = layoutOf(homeOfEnvironment(production, { name: 'shop' }, 'staging'))

test('the environment before this one is its sibling, and its journal is read as it is', async () => {
  mkdirSync(dirname(staging.hook.journal), { recursive: true })
  await new FileStore(staging).writeJournal({ ...journal, clock: 60 })
  const previous = await readPreviousHome(production, { plan, environment: 'production' })
  expect(previous).toMatchObject({ verified: { position: 'api@10' }, clock: 60 })
})

test('one that was never deployed is missing, and nothing is made of it', async () => {
  expect(await readPreviousHome(production, { plan, environment: 'production' })).toBe('missing')
  expect(readdirSync(folder)).toEqual([])
})

test('one that makes no sense is not a pass', async () => {
  mkdirSync(dirname(staging.hook.journal), { recursive: true })
  writeFileSync(staging.hook.journal, '{ half')
  expect(await readPreviousHome(production, { plan, environment: 'production' })).toMatchObject({
    unavailable: expect.stringContaining(staging.home),
  })
})

test('the first environment, and a plan without any, have none before them', async () => {
  expect(await readPreviousHome(staging, { plan, environment: 'staging' })).toBeUndefined()
  expect(await readPreviousHome(staging, { plan: world('start').plan })).toBeUndefined()
})
