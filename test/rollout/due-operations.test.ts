import { describe, expect, test } from 'vitest'
import { admit } from '../../rollout/admission.ts'
import { dueOperations, servicesBack } from '../../rollout/due-operations.ts'
import type { Journal, OperationRecord } from '../../rollout/journal.ts'
import { clearLatch, type Latch, latchAt } from '../../rollout/latch.ts'
import type { Observation } from '../../rollout/observation.ts'
import { type PlanInput, planSchema } from '../../rollout/plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import { split } from '../../rollout/weights.ts'
import { NOW, passed } from './world.ts'

const url = 'http://127.0.0.1:9001'
const input: PlanInput = {
  name: 'shop',
  services: {
    api: {
      blue: { url },
      green: { url: 'http://127.0.0.1:9002' },
      strategy: 'distributed-transaction',
      state: { prepare: ['./prepare'], commit: ['./commit'], abort: ['./abort'] },
    },
    carts: {
      blue: { url: 'http://127.0.0.1:9003' },
      green: { url: 'http://127.0.0.1:9004' },
      routes: ['/carts'],
      strategy: 'state-preservation',
      state: { export: ['./export'], import: ['./import'] },
    },
  },
  phases: [
    { name: 'one', services: ['api'] },
    { name: 'two', services: ['carts'] },
  ],
  steps: [10, 100],
  bake: '1h',
  start: { bake: '1m', gates: ['data'] },
  gates: {
    data: { metric: 'error-rate', below: '1%', over: 'bake' },
    ask: { confirm: 'Well?' },
  },
  operations: {
    indices: { run: ['./indices'], at: 'before-first-step' },
    tables: { run: ['./tables'], at: 'before-first-step' },
    cleanup: { run: ['./cleanup'], at: 'retired' },
    optimise: { run: ['./optimise'], at: 'promoted' },
  },
}

function stage(at: string) {
  const plan = planSchema.parse(input)
  const planHash = 'hash'
  const positions = positionsOf(plan)
  const { weights } = findPosition(positions, at)!
  const latch: Latch = clearLatch()
  const journal: Journal = {
    plan,
    planHash,
    verified: { position: at, at: NOW },
    weights,
    attempt: 1,
    guardedMs: 0,
    green: {},
    baselines: {},
    verdicts: [],
    backups: [],
  }
  const request = { plan, planHash, position: at, attempt: 1, confirmed: [], clock: 1 }
  const guard = { alive: true, planHash }
  const observation: Observation = {
    at: NOW,
    deployed: true,
    live: weights,
    journal,
    latch,
    guard,
    alarms: [],
  }
  const due = (now = NOW) =>
    dueOperations({ plan, planHash, clock: 1, journal, latch }, now).map(
      ({ planned, position, attempt }) => `${planned.name} at ${position}#${attempt}`,
    )
  const record = (operation: string, result: OperationRecord['result'], at = NOW) => {
    journal.operations = [
      ...(journal.operations ?? []),
      { operation, position: journal.verified.position, attempt: 1, result, reason: 'r', at },
    ]
  }
  return { positions, request, observation, plan, planHash, journal, latch, due, record }
}

describe('the operations that are due', () => {
  test('begin with what prepares the first step, one after the other, as gates look at it', () => {
    const { due, record } = stage('start')
    expect(due()).toEqual(['indices at start#1'])
    record('indices', 'done')
    expect(due()).toEqual(['tables at start#1'])
    record('tables', 'done')
    expect(due()).toEqual([])
  })

  test('of a strategy wait for the end of the bake and for the gates', () => {
    const { due, record, journal, planHash } = stage('start')
    record('indices', 'done')
    record('tables', 'done')
    journal.guardedMs = 60_000
    expect(due()).toEqual([])
    journal.verdicts = [passed('data', 'start', 1, planHash)]
    expect(due()).toEqual(['api.prepare at start#1'])
  })

  test('come again after ten seconds where they failed, and at once where a crash cut them off', () => {
    const { due, record } = stage('start')
    record('indices', 'failed')
    expect(due()).toEqual([])
    expect(due(new Date(Date.parse(NOW) + 10_000).toISOString())).toEqual(['indices at start#1'])
    record('indices', 'running')
    expect(due()).toEqual(['indices at start#1'])
  })

  test('on arrival do not wait for the bake', () => {
    expect(stage('api@10').due()).toEqual(['api.commit at api@10#1'])
    expect(stage('promoted').due()).toEqual(['optimise at promoted#1'])
    expect(stage('retired').due()).toEqual(['cleanup at retired#1'])
  })

  test("carry a service's state over before its own first step", () => {
    const { due, record, journal } = stage('api@100')
    record('api.commit', 'done')
    expect(due()).toEqual([])
    journal.guardedMs = 3_600_000
    expect(due()).toEqual(['carts.export at api@100#1'])
  })

  test('stop with a move in flight, and with another plan', () => {
    const moving = stage('start')
    moving.journal.intent = { position: 'api@10', from: {}, to: {}, at: NOW }
    expect(moving.due()).toEqual([])
    const other = stage('start')
    other.journal.planHash = 'another'
    expect(other.due()).toEqual([])
  })
})

describe('after a rollback', () => {
  const tripped = (landing: string, descent = false) => {
    const at = stage('carts@10')
    const trip = {
      position: 'carts@10',
      landing,
      cause: 'errors',
      value: '12%',
      threshold: '5%',
      at: NOW,
      reason: 'errors',
    }
    const left = { left: [0], everyMs: 1, since: NOW, landing: {} }
    const latch = latchAt(at.latch, trip, { api: split(0) }, descent ? left : undefined)
    const due = (journal = at.journal) =>
      dueOperations({ ...at, clock: 1, journal, latch }, NOW).map(
        ({ planned, position }) => `${planned.name} at ${position}`,
      )
    return { ...at, latch, due }
  }

  test('the services that went back run theirs, and the others do not', () => {
    const service = tripped('api@100')
    expect(servicesBack(service.plan, service.latch)).toEqual(['carts'])
    expect(service.due()).toEqual(['carts.import at carts@10'])
    expect(tripped('start').due()).toEqual(['api.abort at carts@10', 'carts.import at carts@10'])
  })

  test('they wait until a progressive one has landed', () => {
    expect(tripped('start', true).due()).toEqual([])
  })

  test('what is not done is run in the next attempt still, and holds its first step', () => {
    const { journal, plan, planHash, request, observation, positions } = stage('start')
    journal.attempt = 2
    journal.operations = [
      {
        operation: 'carts.import',
        position: 'carts@10',
        attempt: 1,
        result: 'failed',
        reason: 'no room',
        at: '2026-05-01T11:00:00.000Z',
      },
    ]
    const latch = { trips: 1, attempt: 2, latched: false, ceiling: {} }
    const due = dueOperations({ plan, planHash, clock: 1, journal, latch }, NOW)
    expect(due.map(({ planned }) => planned.name)).toEqual(['carts.import', 'indices'])
    const decided = admit(
      { ...request, position: positions[1]!.name, attempt: 2 },
      { ...observation, journal, latch },
      'preview',
      2,
    )
    expect(decided.refusals.map(({ message }) => message)).toContain(
      'failed after the rollback from carts@10: no room',
    )
  })
})
