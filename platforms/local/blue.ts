import type { Plan } from '../../rollout/plan.ts'
import { colourOf, urlOf } from '../../rollout/services.ts'
import type { Layout } from './layout.ts'
import { HaproxyRouter } from './router.ts'
import { serviceStatus, startService, waitFor } from './supervisor.ts'

const ANSWER_MS = 2_000
/** One that does not answer by then is left to the rollback, which says what keeps its traffic. */
export const START_MS = 20_000

/** How blue of a service is. */
export interface BlueHealth {
  service: string
  well: boolean
  /** In words. */
  found: string
}

/**
 * Starts every blue of the plan that the platform supervises and that is down, and waits until it
 * answers and the router has it as healthy: before that a rollback would leave the traffic on green.
 * One that runs costs no time.
 * @returns those that were down, and what came of them
 */
export async function startBlue(
  layout: Layout,
  plan: Plan,
  timeoutMs = START_MS,
): Promise<BlueHealth[]> {
  const started = await Promise.all(
    Object.entries(plan.services).map(async ([service, definition]) => {
      if (!colourOf(definition, 'blue')?.command) return []
      const name = `${service}-blue`
      const { state, up } = await serviceStatus(layout, name)
      if (up || state === 'absent') return []
      try {
        await startService(layout, name)
        const well = async () =>
          (await healthOf(plan, service)).well && (await isRouted(layout, plan, service))
        await waitFor(well, {
          timeoutMs,
          what: `blue of ${service} to answer`,
        })
        return [{ service, well: true, found: 'was down, is started and answers' }]
      } catch (error) {
        return [{ service, well: false, found: `was down: ${(error as Error).message}` }]
      }
    }),
  )
  return started.flat()
}

/** True where the router would send users to it, for every service that it serves. */
async function isRouted(layout: Layout, plan: Plan, service: string): Promise<boolean> {
  const router = new HaproxyRouter(layout)
  const served = Object.keys(plan.services).filter((name) => {
    const blue = plan.services[name]?.blue
    return name === service || (typeof blue === 'object' && blue.servedBy === `${service}.blue`)
  })
  // A router that cannot be asked keeps nobody waiting here: the rollback says so.
  const healthy = served.map((name) => router.healthy(name, 'blue').catch(() => true))
  return (await Promise.all(healthy)).every((each) => each)
}

/** Asks blue of every service how it is. A service without blue is not among them. */
export async function healthOfBlue(plan: Plan): Promise<BlueHealth[]> {
  const services = Object.keys(plan.services).filter(
    (service) => colourOf(plan.services[service]!, 'blue') !== undefined,
  )
  return Promise.all(services.map((service) => healthOf(plan, service)))
}

async function healthOf(plan: Plan, service: string): Promise<BlueHealth> {
  const url = urlOf(plan, service, 'blue', plan.services[service]?.health ?? '/')
  if (url === undefined) return { service, well: true, found: 'has no address to ask' }
  try {
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(ANSWER_MS),
    })
    await answer.body?.cancel()
    return { service, well: answer.ok, found: `answers ${answer.status}` }
  } catch (error) {
    const code = (error as { cause?: { code?: string } }).cause?.code
    return { service, well: false, found: `does not answer: ${code ?? (error as Error).message}` }
  }
}
