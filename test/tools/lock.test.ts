import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkoutNode } from '../../tools/checkout.ts'
import { withLock } from '../../tools/lock.mjs'
import { saidSomething } from './said-something.ts'

let folder: string
let lock: string
let log: string
const started: ChildProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sluice-lock-'))
  lock = path.join(folder, 'lock')
  log = path.join(folder, 'log')
  writeFileSync(log, '')
})

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function holder(hold: number | 'forever'): ChildProcess {
  const program = path.join(import.meta.dirname, 'lock-holder.mjs')
  const child = spawn(checkoutNode(), [program, lock, log, String(hold)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  started.push(child)
  return child
}

const logged = () => readFileSync(log, 'utf8').trim().split('\n')

test('two processes at once take turns, and the second says whom it waits for', async () => {
  const first = holder(300)
  await saidSomething(first)
  const second = holder(0)
  await once(second, 'close')
  expect(logged()).toEqual([
    `${first.pid} in`,
    `${second.pid} waits for ${first.pid}`,
    `${first.pid} out`,
    `${second.pid} in`,
    `${second.pid} out`,
  ])
})

test('many processes at once never overlap', async () => {
  const all = Array.from({ length: 5 }, () => holder(20))
  await Promise.all(all.map((child) => once(child, 'close')))
  const turns = logged().filter((line) => !line.includes('waits'))
  expect(turns).toHaveLength(10)
  for (let index = 0; index < turns.length; index += 2) {
    const pid = turns[index]?.split(' ')[0]
    expect(turns.slice(index, index + 2)).toEqual([`${pid} in`, `${pid} out`])
  }
})

test('the lock of a process that was killed is taken over', async () => {
  const first = holder('forever')
  await saidSomething(first)
  first.kill('SIGKILL')
  await once(first, 'close')
  await expect(withLock(lock, () => 'mine')).resolves.toBe('mine')
})

test('a pid that was given to another process since does not keep the lock', async () => {
  mkdirSync(lock)
  // This very process lives, but it did not start at moment 1.
  writeFileSync(path.join(lock, `owner-${process.pid}-1-abcd-${hostname()}`), '')
  const result = withLock(lock, () => 'mine')
  if (existsSync('/proc/self/stat')) await expect(result).resolves.toBe('mine')
})

test('a lock is released when the work throws', async () => {
  const work = () => {
    throw new Error('no')
  }
  await expect(withLock(lock, work)).rejects.toThrow('no')
  await expect(withLock(lock, () => 'mine')).resolves.toBe('mine')
  expect(existsSync(lock)).toBe(false)
})
