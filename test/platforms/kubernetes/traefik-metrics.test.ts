import { expect, it } from 'vitest'
import { answersBetween, parseTraefik } from '../../../platforms/kubernetes/traefik-metrics.ts'

const BACKENDS = [
  { name: 'shop-api-blue', service: 'api', colour: 'blue' as const },
  { name: 'shop-api-green', service: 'api', colour: 'green' as const },
]

/** As Traefik 3.7 writes them. */
const text = (service: string, code: number, fast: number, all: number) => {
  const name = `httproute-default-shop-api-gw-default-gateway-ep-web-1-ab90d1-svc-default-${service}-0@kubernetesgateway`
  const labels = `code="${code}",method="GET",protocol="http",service="${name}"`
  return [
    `traefik_service_request_duration_seconds_bucket{${labels},le="0.01"} ${fast}`,
    `traefik_service_request_duration_seconds_bucket{${labels},le="0.1"} ${all}`,
    `traefik_service_request_duration_seconds_bucket{${labels},le="+Inf"} ${all}`,
    `traefik_service_requests_total{${labels}} ${all}`,
  ].join('\n')
}
const parse = (...texts: string[]) => parseTraefik(texts.join('\n'), 'default', BACKENDS)

it('what counters grew by are the answers since, by code and speed', () => {
  const before = parse(text('shop-api-green', 200, 5, 6))
  const after = parse(text('shop-api-green', 200, 6, 8), text('shop-api-green', 500, 1, 1))
  expect(answersBetween(before, after)).toEqual([
    { service: 'api', colour: 'green', code: 200, seconds: 0.005 },
    { service: 'api', colour: 'green', code: 200, seconds: 0.055 },
    { service: 'api', colour: 'green', code: 500, seconds: 0.005 },
  ])
})

it('a gateway that was restarted counts from 0, and nothing is lost or invented', () => {
  const before = parse(text('shop-api-blue', 200, 100, 100))
  const after = parse(text('shop-api-blue', 200, 2, 2))
  expect(answersBetween(before, after)).toHaveLength(2)
})

it('a Service of another rollout whose name begins alike is not counted', () => {
  expect(parse(text('shop-api-green-old', 200, 1, 1))).toEqual([])
  expect(parse(text('my-shop-api-green', 200, 1, 1))).toEqual([])
})
