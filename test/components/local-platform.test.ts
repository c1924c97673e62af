import * as pulumi from '@pulumi/pulumi'
import { describe, expect, it } from 'vitest'
import { coloursOf, copiersOf, LocalPlatform } from '../../components/local/platform.ts'
import { supervisedOperations } from '../../components/supervised-operations.ts'
import { type Backup, planSchema } from '../../rollout/plan.ts'

const plan = planSchema.parse({
  name: 'shop',
  steps: [50, 100],
  services: {
    orders: {
      strategy: 'dual-write',
      routes: ['/orders'],
      blue: { command: ['old'], port: 9001 },
      green: { url: 'http://127.0.0.1:9002' },
    },
    brand: {
      strategy: 'dual-write',
      routes: ['/brand'],
      blue: 'none',
      green: { command: ['new'], port: 9003 },
    },
    auth: {
      routes: ['/auth'],
      blue: { command: ['auth'], port: 9004 },
      green: { servedBy: 'auth.blue', flag: 'use-new' },
    },
  },
  flags: { 'use-new': { follows: ['auth'] } },
  operations: {
    sync: { run: ['sync'], until: 'retired' },
    warm: { run: ['warm'], until: 'promoted' },
    once: { run: ['once'], at: 'before-first-step' },
  },
})

const operationsAt = (position: string) =>
  supervisedOperations({ plan, position }).map(([name]) => name)

describe('a critical backup of another server', () => {
  it('is refused by name before anything is declared', () => {
    const people: Backup = {
      postgres: 'env:PEOPLE_URL',
      priority: 'critical',
      before: 'every-step',
      maximumAge: 900_000,
      verify: 'restore',
    }
    pulumi.runtime.setMocks({
      newResource: ({ name }) => ({ id: name, state: {} }),
      call: () => ({}),
    })
    const declare = () =>
      new LocalPlatform('shop', {
        platform: { kind: 'local', home: '/nowhere' },
        plan: { ...plan, backups: { people } },
        planHash: 'x',
        position: 'start',
        attempt: 1,
        confirmed: [],
        clock: 1,
        folder: '/nowhere',
        keepBlue: true,
      })
    expect(declare).toThrow(
      'plan.backups.people.priority: critical asks for continuous archiving, but env:PEOPLE_URL is no database of local.postgres',
    )
  })
})

describe('what the local platform starts', () => {
  it('are the operations until the position that they end at', () => {
    expect(operationsAt('start')).toEqual(['sync', 'warm'])
    expect(operationsAt('orders@50')).toEqual(['sync', 'warm'])
    expect(operationsAt('promoted')).toEqual(['sync'])
    expect(operationsAt('released')).toEqual(['sync'])
    expect(operationsAt('retired')).toEqual([])
  })

  it('is a copier where there are two colours to write to, until blue is gone', () => {
    const [copier, ...others] = copiersOf(plan, '/home/shop', true)
    expect(others).toEqual([])
    expect(copier?.process).toBe('orders-copier')
    expect(JSON.parse(copier?.command.at(-1) ?? '')).toMatchObject({
      service: 'orders',
      blue: 'http://127.0.0.1:9001/',
      green: 'http://127.0.0.1:9002/',
      log: 8381,
    })
    expect(copiersOf(plan, '/home/shop', false)).toEqual([])
  })

  it('are the colours with a command; a blue that answers for a green stays', () => {
    const names = (keepBlue: boolean) => coloursOf(plan, keepBlue).map(({ process }) => process)
    expect(names(true)).toEqual(['orders-blue', 'brand-green', 'auth-blue'])
    expect(names(false)).toEqual(['brand-green', 'auth-blue'])
  })
})
