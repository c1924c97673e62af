import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, command, must, words } from '../command.ts'

// The document's migration tests, on green, past the router.

const { positionals, option } = words()
const [partners, onboarding, campaigns, search] = [
  'partners',
  'onboarding',
  'campaigns',
  'search',
].map(option)

interface Contract {
  id: string
  estado: string
}

async function register(): Promise<{ partner: string; contract: Contract; ms: number }> {
  const partner = randomUUID()
  const from = performance.now()
  await ask(`${partners}/partners`, 'POST', { id: partner, nombre: 'Test Partner' })
  while (performance.now() - from < 5_000) {
    const found = await ask<{ contracts: Contract[] }>(`${onboarding}/contracts?partner=${partner}`)
    const [contract] = found.contracts
    if (contract) return { partner, contract, ms: performance.now() - from }
    await sleep(20)
  }
  throw new Error(`partner ${partner} has no contract after 5 s`)
}

const checks: Record<string, () => Promise<string>> = {
  /** test_campaign_functionality: a campaign that is made is active. */
  async campaigns() {
    const made = await ask<{ id: string; estado: string }>(`${campaigns}/campaigns`, 'POST', {
      partner_id: '00000000-0000-4000-8000-000000000001',
      nombre: 'Test campaign',
    })
    must(made.id !== undefined && made.estado === 'ACTIVE', `made ${JSON.stringify(made)}`)
    return 'a campaign that is made is active'
  },
  /** Monitoring is configured: every service shows its numbers. */
  async monitoring() {
    for (const url of [partners, onboarding, campaigns]) {
      const response = await fetch(`${url}/metrics`)
      must(response.ok, `${url}/metrics: ${response.status}`)
    }
    return 'every service shows its numbers'
  },
  /** Registration to contract to permission. */
  async events() {
    const { partner, contract } = await register()
    must(contract.estado === 'DRAFT', `the contract is ${contract.estado}`)
    for (const estado of ['PENDING_SIGNATURE', 'SIGNED']) {
      await ask(`${onboarding}/contracts/${contract.id}`, 'POST', { estado })
    }
    for (const end = Date.now() + 5_000; Date.now() < end; await sleep(20)) {
      const found = await ask(`${campaigns}/permissions/${partner}`)
      if (found['can_create_campaigns'] === true) return 'registration, contract, permission'
    }
    throw new Error(`partner ${partner} has no permission after 5 s`)
  },
  async 'registration-to-contract'() {
    const limit = Number.parseFloat(option('within')) * 1_000
    const { ms } = await register()
    must(ms < limit, `a contract took ${Math.round(ms)} ms, above ${limit} ms`)
    return `a contract took ${Math.round(ms)} ms`
  },
  async search() {
    await ask(`${search}/jobs/_search`, 'POST', {})
    return 'the indices answer'
  },
}
checks['all'] = async () => {
  for (const name of ['campaigns', 'monitoring', 'events', 'search']) await checks[name]?.()
  return 'every check passes'
}

await command(async () => {
  const check = checks[positionals[0] ?? '']
  must(check !== undefined, `give one of ${Object.keys(checks).join(', ')}`)
  return check()
})
