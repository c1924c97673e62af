import * as fs from 'node:fs'
import { join } from 'node:path'
import type { ColourName, Plan } from '../../rollout/plan.ts'
import { colourOf } from '../../rollout/services.ts'
import type { Layout } from './layout.ts'
import { residentBytes } from './processes.ts'
import { type ServiceStatus, statusOf } from './service-status.ts'

/** What is known of the process behind a colour. */
export interface ProcessFigures {
  service: string
  color: ColourName
  /** With all its children; undefined where it is not up, or this system does not tell. */
  residentBytes?: number
  /** Seconds from its start to its first healthy answer; undefined where nobody measured it. */
  startSeconds?: number
}

interface Start {
  pid: number
  seconds: number
}

const fileOf = (layout: Layout, name: string) => join(layout.services, name, 'start.json')

/**
 * Keeps how long a supervised program took from its start to its first healthy answer. One that ran
 * already when it was looked at keeps what was measured at its own start.
 * @param lookedAt when it was begun to be looked at
 * @param healthyAt when it answered first
 */
export function recordStart(
  layout: Layout,
  name: string,
  { pid, since }: ServiceStatus,
  lookedAt: Date,
  healthyAt: Date,
): void {
  if (pid === undefined || !since || since < lookedAt) return
  const seconds = (healthyAt.getTime() - since.getTime()) / 1_000
  fs.writeFileSync(fileOf(layout, name), JSON.stringify({ pid, seconds }), { mode: 0o600 })
}

/** The figures of every colour that the platform supervises, or that such a one answers for. */
export function processFigures(plan: Plan, layout: Layout): ProcessFigures[] {
  const services = Object.entries(plan.services)
  return services.flatMap(([service, parts]) =>
    (['blue', 'green'] as const).flatMap((color) => {
      const own = colourOf(parts, color)
      const [other, its] = own?.servedBy?.split('.') ?? [service, color]
      const name = `${other}-${its}`
      const { pid } = statusOf(join(layout.services, name))
      if (pid === undefined) return []
      return [
        {
          service,
          color,
          residentBytes: residentBytes(pid),
          startSeconds: readStart(layout, name)?.seconds,
        },
      ]
    }),
  )
}

function readStart(layout: Layout, name: string): Start | undefined {
  try {
    return JSON.parse(fs.readFileSync(fileOf(layout, name), 'utf8')) as Start
  } catch {
    return undefined
  }
}
