import { describe, expect, it } from 'vitest'
import { givenSettings } from './kubernetes/given-settings.ts'

const WHOLE = {
  SLUICE_KUBECONFIG: '/somewhere/kubeconfig',
  SLUICE_GATEWAY: 'traefik/web',
  SLUICE_GATEWAY_ADDRESS: 'http://gateway.example/',
  SLUICE_GATEWAY_METRICS: 'http://traefik.traefik:9100',
  SLUICE_PROMETHEUS: 'http://prometheus.monitoring:9090',
  SLUICE_EXAMPLES_IMAGE: 'registry.example/sluice',
  SLUICE_RUNNER_IMAGE: 'registry.example/runner',
  SLUICE_POSTGRES: 'postgres://tester@database.example/postgres',
}

describe('a cluster that somebody has, by its variables', () => {
  it('is told everything that is missing at once, and what each is', () => {
    const { SLUICE_GATEWAY: _gateway, SLUICE_POSTGRES: _postgres, ...rest } = WHOLE
    expect(() => givenSettings(rest)).toThrow(/SLUICE_GATEWAY: the Gateway, as <namespace>\/<name>/)
    expect(() => givenSettings(rest)).toThrow(/SLUICE_POSTGRES: postgres:\/\/… of a superuser/)
    expect(() => givenSettings(rest)).not.toThrow(/SLUICE_RUNNER_IMAGE/)
  })

  it('refuses a gateway that is no <namespace>/<name>', () => {
    expect(() => givenSettings({ ...WHOLE, SLUICE_GATEWAY: 'web' })).toThrow(
      /SLUICE_GATEWAY: "web" is no Gateway; give <namespace>\/<name>/,
    )
  })

  it('uses the address from here for pods too, where none is said for them', () => {
    const settings = givenSettings(WHOLE)
    expect(settings.address).toBe('http://gateway.example')
    expect(settings.part).toMatchObject({
      gateway: 'web',
      gatewayNamespace: 'traefik',
      address: 'http://gateway.example',
      operator: true,
    })
    const inside = { SLUICE_GATEWAY_INSIDE: 'http://traefik.traefik' }
    expect(givenSettings({ ...WHOLE, ...inside }).part.address).toBe('http://traefik.traefik')
  })
})
