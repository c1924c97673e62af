import { afterEach, expect, it } from 'vitest'
import { hearGateway } from '../../hooks/gateway-answers.ts'
import type { RouterLine } from '../../hooks/router-log.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { Site } from '../site.ts'

const place = { name: 'shop', namespace: 'default' }
const planOf = (metrics: string | string[]) =>
  parsePlan({
    name: 'shop',
    services: { api: { blue: { image: 'a:1', port: 1 }, green: { image: 'a:2', port: 1 } } },
    steps: [100],
    guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
    kubernetes: { metrics },
  }).plan

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

/** A replica of the gateway: so many errors before it is looked at first, and as many after it. */
async function replica(errors: number, started = 1): Promise<Site> {
  let looks = 0
  const service = 'a-svc-default-shop-api-green-0@kubernetesgateway'
  const site = await Site.open((_asked, response) => {
    looks = Math.min(2, looks + 1)
    response.end(
      [
        `process_start_time_seconds ${started}`,
        `traefik_service_request_duration_seconds_bucket{code="500",service="${service}",le="+Inf"} ${looks * errors}`,
      ].join('\n'),
    )
  })
  open.push(site)
  return site
}
function hear(metrics: string | string[]) {
  const lines: RouterLine[] = []
  const several: string[] = []
  const heard = hearGateway(
    () => planOf(metrics),
    place,
    (line) => lines.push(line),
    (address) => several.push(address),
  )
  open.push(heard)
  return { lines, several, heard }
}

it('what each of several replicas counts is added up, each on its own', async () => {
  const [one, other] = [await replica(3), await replica(500, 2)]
  const { lines, several } = hear([one.url, other.url])
  await expect.poll(() => lines.length).toBe(503)
  const looks = one.asked.length
  await expect.poll(() => one.asked.length).toBeGreaterThan(looks + 1)
  expect(lines).toHaveLength(503)
  expect(lines[0]).toMatchObject({ kind: 'answer', service: 'api', server: 'green', status: 500 })
  expect(several).toEqual([])
})

it('an address that two replicas answer by turns is told of once', async () => {
  const [one, other] = [await replica(0, 1), await replica(0, 2)]
  let turn = 0
  const service = await Site.open(async (_asked, response) => {
    const { url } = turn++ % 2 ? one : other
    response.end(await (await fetch(url)).text())
  })
  open.push(service)
  const { several, lines } = hear(service.url)
  await expect.poll(() => several).toEqual([`${service.url}/`])
  const asked = service.asked.length
  await expect.poll(() => service.asked.length).toBeGreaterThan(asked + 1)
  expect(several).toHaveLength(1)
  expect(lines).toEqual([])
})

it('is told of a replica that cannot be read, although the others can', async () => {
  const [one, gone] = [await replica(1), await replica(1)]
  const urls = [one.url, gone.url]
  await gone.close()
  const { heard, lines } = hear(urls)
  await expect
    .poll(() => heard.trouble(), { timeout: 10_000 })
    .toMatch(/cannot be read: ECONNREFUSED/)
  expect(lines.length).toBeGreaterThan(0)
})
