import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { haproxyConfig } from '../../../platforms/local/haproxy-config.ts'
import { bindAddress, plainName, quoteWord } from '../../../platforms/local/haproxy-text.ts'
import { layoutOf, portsOf } from '../../../platforms/local/layout.ts'
import { stateFor } from '../../../platforms/local/router-text.ts'
import { type PlanInput, planSchema } from '../../../rollout/plan.ts'
import { findProgram } from '../../../tools/programs.ts'
import { temporaryHome } from './stand.ts'

const layout = temporaryHome()
afterAll(() => rmSync(layout.home, { recursive: true, force: true }))

type Services = PlanInput['services']
const colours = {
  blue: { command: ['node', 'blue.ts'], port: 9001 },
  green: { url: 'http://127.0.0.1:9002' },
}
const planOf = (services: Services, listen = '127.0.0.1:8380') =>
  planSchema.parse({
    name: 'shop',
    steps: [5, 100],
    services,
    retire: { deprecation: '2025-06-01', sunset: '2025-09-01' },
    local: { listen },
  })

function accepts(config: string): string {
  mkdirSync(dirname(layout.haproxy.config), { recursive: true })
  writeFileSync(layout.haproxy.map, '')
  writeFileSync(layout.haproxy.config, config)
  const { status, stderr } = spawnSync(
    findProgram('haproxy'),
    ['-c', '-f', layout.haproxy.config],
    {
      encoding: 'utf8',
    },
  )
  return status === 0 ? 'accepted' : stderr
}

const plans: Record<string, Services> = {
  'one service': { api: colours },
  'awkward names': {
    'a--b-': colours,
    ['x'.repeat(40)]: { ...colours, routes: ['/x'] },
    'default-server': { ...colours, routes: ['/d'] },
    guard: { ...colours, routes: ['/g'] },
    users: { ...colours, routes: ['/u'] },
  },
  'awkward paths': {
    api: {
      ...colours,
      routes: ['/', '/a#b', '/$HOME/{x}', '/a,b)', '/%[src]', '/ü', '/-i'],
      health: '/h?a=%[src]#x',
    },
  },
  'awkward affinity': { api: { ...colours, affinity: { header: '-X-', cookie: '__Host-u' } } },
  'all that a service may say': {
    api: {
      ...colours,
      affinity: { header: 'x-user-id', bucket: 'md5' },
      fallback: { header: 'x-fallback' },
      strategy: 'dual-write',
    },
    brand: { blue: 'none', green: colours.green, routes: ['/brand'], strategy: 'dual-write' },
    flagged: {
      blue: colours.blue,
      green: { servedBy: 'flagged.blue', flag: 'x' },
      routes: ['/flagged'],
    },
  },
  addresses: {
    api: { blue: { url: 'http://[::1]:9001' }, green: { url: 'http://localhost' } },
    far: { ...colours, routes: ['/far'], green: { url: 'http://green.internal.example:81/' } },
  },
}

describe('the configuration', () => {
  for (const [what, services] of Object.entries(plans)) {
    it.each([
      {},
      { deprecated: true },
      { deprecated: true, disarmed: true },
      { disarmed: true, retired: true },
    ])(`is accepted for ${what} with %j`, (options) => {
      const plan = planOf(services)
      expect(accepts(haproxyConfig(plan, layout, portsOf(plan), options))).toBe('accepted')
    })
  }

  const configOf = (services: Services, listen?: string) => {
    const plan = planOf(services, listen)
    return haproxyConfig(plan, layout, portsOf(plan))
  }

  it('holds no weight, so that none changes by a reload', () => {
    const config = configOf({ api: colours })
    expect(config).not.toMatch(/weight \d/)
    expect(config).toContain(`map_str_int(${layout.haproxy.map},0)`)
  })

  it('tries the longest route first, and a route ends with a part of the path', () => {
    const config = configOf({ web: colours, api: { ...colours, routes: ['/api'] } })
    const routes = [...config.matchAll(/str\((\w+)\) if .* \{ (path\S*) -- (\S+) \}/g)]
    expect(routes.map(([, ...parts]) => parts.join(' '))).toEqual([
      'api path /api',
      'api path_beg /api/',
      'web path_beg /',
    ])
  })

  it.each([
    [
      { api: { ...colours, green: { url: 'http://127.0.0.1:9002/v2' } } },
      /services\.api\.green\.url: .*path.*next: /,
    ],
    [
      { api: { ...colours, green: { url: 'http://me:pw@127.0.0.1:9002' } } },
      /services\.api\.green\.url: .*password/,
    ],
    [{ api: { ...colours, green: {} } }, /services\.api\.green: has neither/],
    [{ api: colours, web: colours }, /services\.web\.routes\[0\]: \/ belongs to api/],
  ] as [Services, RegExp][])('refuses %j', (services, message) => {
    expect(() => configOf(services)).toThrow(message)
  })

  it.each(['127.0.0.1', '[::1]', 'localhost', '0.0.0.0'])('listens on %s', (address) => {
    const config = configOf({ api: colours }, `${address}:8380`)
    expect(config).toContain(`\n  bind ${address}:8380\n`)
    expect(accepts(config)).toBe('accepted')
  })

  it('refuses what would be more than one word, if a plan came so far with it', () => {
    const address = { address: "127.0.0.1'#", port: 8380 }
    expect(() => bindAddress(address)).toThrow(/local\.listen.*next: /)
    expect(() => quoteWord("it's", 'services.api.health')).toThrow(/services\.api\.health.*next: /)
    expect(() => quoteWord('a\nb', 'here')).toThrow(/control/)
    expect(() => plainName('x) if TRUE', 'here')).toThrow(/no name/)
  })

  it.each([
    ['/tmp/with space', /choose a home/],
    [`/tmp/${'x'.repeat(120)}`, /too long for a socket/],
  ])('refuses the home %s', (home, message) => {
    const plan = planOf({ api: colours })
    expect(() => haproxyConfig(plan, layoutOf(home), portsOf(plan))).toThrow(message)
  })
})

describe('what is kept of servers', () => {
  const columns = '# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_port'
  const config =
    'backend api_green\n  server green 127.0.0.1:9002 observe layer4\nbackend guard\n  server hook 127.0.0.1:8381 inter 700ms\n'

  it('leaves out a server that is another one now, and keeps the guard wherever it is', () => {
    const state = (port: number) =>
      `1\n${columns}\n3 api_green 1 green 127.0.0.1 0 0 ${port}\n4 guard 1 hook 127.0.0.1 0 0 7001\n5 gone 1 x 127.0.0.1 2 0 1\n`
    const guard = '4 guard 1 hook 127.0.0.1 0 0 8381'
    const green = '3 api_green 1 green 127.0.0.1 0 0 9002'
    expect(stateFor(config, state(9002))).toBe(`1\n${columns}\n${green}\n${guard}\n`)
    expect(stateFor(config, state(9003))).toBe(`1\n${columns}\n${guard}\n`)
  })

  it('is nothing where the file makes no sense', () => {
    expect(stateFor(config, '')).toBe('1\n')
  })
})
