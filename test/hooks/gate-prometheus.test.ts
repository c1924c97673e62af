import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findProgram } from '../../tools/programs.ts'
import { freePorts } from '../e2e/free-ports.ts'
import { Site } from '../site.ts'
import { until } from './bench.ts'
import { GateStand } from './gate-stand.ts'

const NOWHERE = { blue: 'http://127.0.0.1:9', green: 'http://127.0.0.1:10' }
const SCRAPE_MS = 100

/** What the two colours count, as Prometheus reads it of them. */
const counted = { blue: { good: 0, all: 0 }, green: { good: 0, all: 0 } }
let site: Site
let prometheus: ChildProcess
let folder: string
let listen: string
let prometheusPort: number
let scrapes = 0

beforeAll(async () => {
  site = await Site.open((_asked, response) => {
    scrapes++
    const lines = (['blue', 'green'] as const).flatMap((color) => {
      const labels = `{service="api",color="${color}"}`
      const { good, all } = counted[color]
      return [`good_total${labels} ${good}`, `all_total${labels} ${all}`]
    })
    const more = ['precision{color="green"} 0.97', 'broken NaN', 'endless +Inf', '']
    response.end([...lines, ...more].join('\n'))
  })
  folder = mkdtempSync(join(tmpdir(), 'sluice-prometheus-'))
  const port = Number(await freePorts(3))
  listen = `127.0.0.1:${port}`
  prometheusPort = port + 2
  const config = {
    global: { scrape_interval: `${SCRAPE_MS}ms`, scrape_timeout: `${SCRAPE_MS}ms` },
    scrape_configs: [
      {
        job_name: 'test',
        honor_labels: true,
        static_configs: [{ targets: [new URL(site.url).host] }],
      },
    ],
  }
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config))
  prometheus = spawn(
    findProgram('prometheus'),
    [
      `--config.file=${join(folder, 'config.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${prometheusPort}`,
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  )
  await seen()
})
afterAll(async () => {
  const exit = once(prometheus, 'exit')
  prometheus.kill('SIGKILL')
  await exit
  site.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Until what is counted now is what Prometheus gives: a scrape that came late is dropped. */
async function seen(): Promise<void> {
  const before = scrapes
  await until('what is counted to be kept', async () => {
    if (scrapes < before + 3) return false
    const kept = await Promise.all([read('good_total'), read('all_total')])
    const now = (['blue', 'green'] as const).map((color) => counted[color])
    return String(kept) === String([now.map(({ good }) => good), now.map(({ all }) => all)])
  })
}

/** A counter of blue and of green, as Prometheus has it now. */
async function read(name: string): Promise<number[]> {
  const response = await fetch(`http://127.0.0.1:${prometheusPort}/api/v1/query?query=${name}`)
  const { data } = (await response.json()) as {
    data?: { result: { metric: { color: string }; value: [number, string] }[] }
  }
  const found = data?.result ?? []
  return ['blue', 'green'].map((color) =>
    Number(found.find(({ metric }) => metric.color === color)?.value[1]),
  )
}

function stand(gate: Record<string, unknown>): GateStand {
  return new GateStand(NOWHERE, { gate }, { plan: { local: { listen } } })
}

async function judge(gate: Record<string, unknown>) {
  const made = stand(gate)
  try {
    return await made.judge()
  } finally {
    made.remove()
  }
}

describe('a query', () => {
  /** A scrape that a busy machine misses leaves a series out, until the next. */
  const query = (text: string, above: unknown, reason: RegExp) =>
    until(`${text}: ${reason}`, async () => {
      const judged = await judge({ query: text, above })
      return reason.test(judged.reason) && judged.result
    })

  it('passes and fails by the one number that it gives', async () => {
    const passes = /^the query gave 0\.97, above 0\.95$/
    expect(await query('precision{color="green"}', 0.95, passes)).toBe('passed')
    expect(await query('scalar(precision)', 0.95, passes)).toBe('passed')
    const fails = /^the query gave 97%, not above 98%$/
    expect(await query('precision', '98%', fails)).toBe('failed')
  })

  it.each([
    ['no data', 'nothing_of_the_kind', /^no data: the query gives nothing: nothing_of_the_kind$/],
    ['several series', 'all_total', /^gives 2 series and not one; sum or select: all_total$/],
    ['NaN', 'broken', /^gives NaN, no number: broken$/],
    ['no end', 'endless', /^gives \+Inf, no number: endless$/],
    ['a range', 'precision[5m]', /Prometheus|matrix/],
    ['a mistake', 'precision{', /^Prometheus: .*parse error/],
  ])('is inconclusive where there is %s', async (_what, text, reason) => {
    expect(await query(text, 0.95, reason)).toBe('inconclusive')
  })
})

describe('an experiment', () => {
  const gate = { experiment: { successes: 'good_total', trials: 'all_total', gain: '5%' } }

  it('counts on over the restart of a process, and counts nothing of before the position', async () => {
    // Before this position blue was far better; that is not to count.
    counted.blue = { good: 90_000, all: 90_000 }
    counted.green = { good: 9_000, all: 90_000 }
    await seen()
    const made = stand(gate)
    try {
      made.journal = {
        ...made.journal,
        verified: { position: 'api@25', at: new Date().toISOString() },
      }
      await seen()
      expect((await made.judge()).result).toBe('inconclusive')
      counted.blue = { good: 93_200, all: 94_000 }
      counted.green = { good: 12_600, all: 94_000 }
      await seen()
      // Green is restarted: its counters begin at 0.
      counted.green = { good: 0, all: 0 }
      await seen()
      counted.green = { good: 3_800, all: 4_000 }
      await seen()
      const judged = await until('all of it to be read', async () => {
        const { result, reason } = await made.judge()
        return /green \d+ of (7[2-9]\d\d|[89]\d\d\d) /.test(reason) && { result, reason }
      })
      expect(judged).toMatchObject({ result: 'passed' })
    } finally {
      made.remove()
    }
  })

  it('counts a counter that begins at nothing as exactly as one that counts for long', async () => {
    counted.blue = { good: 70_000, all: 90_000 }
    counted.green = { good: 0, all: 0 }
    await seen()
    // A settling time of which a fast clock leaves a fraction of a millisecond.
    const made = new GateStand(
      NOWHERE,
      { gate },
      { plan: { local: { listen }, settle: '1s' }, clock: 7_000 },
    )
    try {
      const verified = { position: 'api@25', at: new Date().toISOString() }
      made.journal = { ...made.journal, verified }
      await seen()
      counted.blue = { good: 73_200, all: 94_000 }
      counted.green = { good: 3_600, all: 4_000 }
      const reason = await until('both to be read', async () => {
        const { reason } = await made.judge()
        return /green \d+ of 4000 .*blue \d+ of 4000 /.test(reason) && reason
      })
      expect(reason).toMatch(/green 3600 of 4000 .*blue 3200 of 4000 /)
    } finally {
      made.remove()
    }
  })

  it('is inconclusive without counters', async () => {
    const none = { experiment: { successes: 'a_total', trials: 'b_total' } }
    expect(await judge(none)).toMatchObject({
      result: 'inconclusive',
      reason: expect.stringMatching(/^green: no data/),
    })
  })
})

it('Prometheus that does not answer leaves a gate open', async () => {
  const made = new GateStand(NOWHERE, { gate: { query: 'precision', above: 0.9 } })
  expect(await made.judge()).toMatchObject({
    result: 'inconclusive',
    reason: expect.stringMatching(/^Prometheus does not answer: /),
  })
  made.remove()
})
