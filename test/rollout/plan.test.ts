import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadPlan, parsePlanText } from '../../platforms/plan-file.ts'
import { PlanError, parsePlan } from '../../rollout/parse-plan.ts'
import { changed, rightPlan } from './plans.ts'
import { DATA } from './wrong/data.ts'
import { GATES } from './wrong/gates.ts'
import { GUARDRAILS } from './wrong/guardrails.ts'
import { PEOPLE } from './wrong/people.ts'
import { PLAN } from './wrong/plan.ts'
import { SERVICES } from './wrong/services.ts'
import { STEPS } from './wrong/steps.ts'
import type { WrongPlan } from './wrong/wrong-plan.ts'

const WRONG: WrongPlan[] = [
  ...PLAN,
  ...SERVICES,
  ...STEPS,
  ...GUARDRAILS,
  ...GATES,
  ...PEOPLE,
  ...DATA,
]

function mistakes(read: () => unknown): string[] {
  try {
    read()
  } catch (error) {
    if (error instanceof PlanError) return error.message.split('\n')
    throw error
  }
  return []
}

describe('a plan', () => {
  it('is read with its defaults', () => {
    const { plan } = parsePlan(rightPlan())
    expect(plan).toMatchObject({
      bake: 3_600_000,
      minimumRequests: 50,
      start: { bake: 0, gates: ['parity'] },
      guardrails: { errors: { above: { kind: 'absolute', value: 0.05, unit: 'ratio' } } },
      backups: { orders: { before: 'every-step', maximumAge: 900_000, verify: 'restore' } },
    })
    expect(plan.services['api']).toMatchObject({ health: '/healthz', routes: ['/'] })
  })

  it('has one hash however it is written', () => {
    const { planHash } = parsePlan(rightPlan())
    const turned = Object.fromEntries(Object.entries(rightPlan()).reverse())
    expect(parsePlan({ ...turned, bake: '60m' }).planHash).toBe(planHash)
    expect(parsePlan({ ...turned, bake: '61m' }).planHash).not.toBe(planHash)
  })

  it('may listen where it says so itself', () => {
    for (const listen of ['0.0.0.0:80', '[::1]:8380', 'localhost:8380', '127.0.0.2:65533']) {
      expect(mistakes(() => parsePlan(changed({ 'local.listen': listen })))).toEqual([])
    }
  })

  it('may lead two services to one system that runs already', () => {
    const monolith = { 'services.api.blue': { url: 'http://127.0.0.1:9003' } }
    expect(mistakes(() => parsePlan(changed(monolith)))).toEqual([])
  })

  it.each(WRONG)('with %s is refused in so many words', (_, changes, messages) => {
    expect(mistakes(() => parsePlan(changed(changes)))).toEqual(messages)
  })

  it.each([
    [undefined, 'plan: is missing; give a mapping with name, services and steps'],
    [null, 'plan: is empty; give a mapping with name, services and steps'],
    ['hello', 'plan: "hello" is text; give a mapping with name, services and steps'],
    [[], 'plan: a list of 0 was given; give a mapping with name, services and steps'],
  ])('that is %j is refused', (raw, message) => {
    expect(mistakes(() => parsePlan(raw))).toEqual([message])
  })

  it('does not pass __proto__ over in silence', () => {
    const raw = JSON.parse('{"services": {"__proto__": {}}}')
    expect(mistakes(() => parsePlan({ ...rightPlan(), ...raw }))).toEqual([
      'plan.services.__proto__: is no name; take it out',
    ])
  })

  it('has every problem as data too, and its file in the message', () => {
    try {
      parsePlan(changed({ 'steps.1.weight': 140, bake: '0s' }), 'shop.plan.yaml')
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(PlanError)
      expect((error as PlanError).problems.map(({ path }) => path)).toEqual([
        'plan.steps[1].weight',
        'plan.bake',
      ])
      expect((error as PlanError).message).toMatch(/^shop\.plan\.yaml plan\.steps\[1\]/)
    }
  })
})

/** A refusal takes milliseconds; this only tells it from one that would take minutes. */
const GUARD = 20_000
const MEBIBYTE = 1_048_576
const fill = (piece: string) => piece.repeat(Math.floor((MEBIBYTE - 1_000) / piece.length))
const indented = Array.from({ length: 1_400 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')
const laughs = ['a: &a [x,x,x,x,x,x,x,x,x]']
  .concat(
    [...'bcdefgh'].map(
      (name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`)}]`,
    ),
  )
  .join('\n')

describe('a YAML text', () => {
  it.each([
    ['brackets in brackets', fill('['), /nests deeper than 40/],
    ['braces in braces', fill('{a: '), /nests deeper than 40/],
    ['lists in lists on one line', fill('- '), /nests deeper than 40/],
    ['keys in keys', fill('? - '), /nests deeper than 40/],
    ['mappings in mappings', indented, /nests deeper than 40/],
    [
      'a flood of keys',
      Array.from({ length: 90_000 }, (_, i) => `k${i}: 1\n`).join(''),
      /more than 40000 words/,
    ],
    ['a flood of anchors', fill('&a '), /more than 40000 words/],
    ['a flood of documents', fill('---\n'), /more than 40000 words/],
    ['aliases of aliases', laughs, /too many or wrong aliases/],
    ['an alias of itself', 'a: &a [*a]', /plan\.a: is not known here/],
    ['a tag', 'name: !!js/function x', /:1:7 plan: "!!js\/function" is a tag; take it out/],
    ['a directive', '%YAML 1.1\n---\nname: x', /:1:1 plan: "%YAML 1\.1" is a directive/],
    [
      'a key twice',
      'name: a\nname: b\n',
      /^f:2:1 plan: this key stands twice in its mapping; keep one$/,
    ],
    [
      'two documents',
      'name: a\n---\nname: b\n',
      /^f:2:1 plan: has a second document; keep one plan in a file$/,
    ],
    [
      'a merge',
      'start: &a {bake: 1h}\nlimits:\n  <<: *a',
      /:3:3 plan\.limits\["<<"\]: is not known here/,
    ],
    [
      'not a number',
      'steps: [.nan, 100]',
      /:1:9 plan\.steps\[0\]: NaN cannot be used; give a number/,
    ],
    [
      'an infinite number',
      'minimumRequests: .inf',
      /:1:18 plan\.minimumRequests: Infinity cannot be used/,
    ],
    ['a key that is a list', '? [a]\n: b', /this key is no text; give a name/],
    ['__proto__', '__proto__: {x: 1}', /plan\.__proto__: is no name; take it out/],
    ['nothing', '', /^f plan: the file is empty; write a plan, such as stacks\/huntred.plan.yaml$/],
    ['only a comment', '# a plan\n', /^f plan: the file is empty/],
    ['an open bracket', 'a: [1\nb: 2', /^f:2:1 plan: is no YAML: /],
    ['an open quote', `a: "${fill('x')}`, /is no YAML: Missing closing "quote/],
  ])('with %s is refused', { timeout: GUARD }, (_, text, message) => {
    expect(mistakes(() => parsePlanText(text, 'f')).join('\n')).toMatch(message)
  })

  it('has the line and column of each mistake, in the order of the file', () => {
    const text = JSON.stringify(changed({ 'steps.1.weight': 140, 'limits.sevice': '1s' }), null, 2)
    const lines = text.split('\n')
    const line = (piece: string) => lines.findIndex((each) => each.includes(piece)) + 1
    expect(mistakes(() => parsePlanText(text, 'f'))).toEqual([
      `f:${line('140')}:17 plan.steps[1].weight: 140 is above 100; give 1 to 100`,
      `f:${line('sevice')}:15 plan.limits.sevice: is not known here; did you mean service? known: flag, code, database, service, phase, traffic, plan, disaster`,
    ])
  })

  it('may have brackets and signs within its words', () => {
    const text = JSON.stringify(
      changed({ 'gates.approval.confirm': `${'[{'.repeat(100)} !now - - ?` }),
    )
    expect(parsePlanText(text).plan.gates['approval']?.confirm).toContain('!now')
  })
})

describe('a plan file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-plan-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const written = (content: string | Buffer) => {
    const file = join(folder, 'shop.plan.yaml')
    writeFileSync(file, content)
    return file
  }
  const refusal = async (file: string) => {
    const error = await loadPlan(file).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(PlanError)
    return (error as PlanError).message.replace(file, 'FILE')
  }

  it('is read as it stands', async () => {
    const file = written(JSON.stringify(rightPlan()))
    const { planHash } = parsePlan(rightPlan())
    expect(await loadPlan(file)).toMatchObject({ file, planHash, plan: { name: 'shop' } })
  })

  it('above a mebibyte is refused before it is read', { timeout: GUARD }, async () => {
    expect(await refusal(written('['.repeat(10_000_000)))).toBe(
      'FILE plan: the file has 10000000 bytes, above 1048576; give a shorter plan',
    )
  })

  it('that is no UTF-8 is refused with the byte', async () => {
    expect(await refusal(written(Buffer.from([0x6e, 0x61, 0xff, 0x6d])))).toBe(
      'FILE plan: is no UTF-8 text: byte 2 is 0xff; save the file as UTF-8',
    )
    expect(await refusal(written(Buffer.from([0x6e, 0x61, 0xc3])))).toBe(
      'FILE plan: is no UTF-8 text: byte 2 is 0xc3; save the file as UTF-8',
    )
  })

  it('that is not there, or is a folder, is refused', async () => {
    expect(await refusal(join(folder, 'none.yaml'))).toBe(
      'FILE plan: there is no such file; give the path of a plan, relative to stacks/',
    )
    expect(await refusal(folder)).toBe('FILE plan: is no file; give the path of a plan')
  })
})
