import * as pulumi from '@pulumi/pulumi'
import type { Colour, Plan } from '../../rollout/plan.ts'
import type { PlatformReference, StepRequest } from '../traffic-step.ts'
import { Alarms, Home, Hook, Postgres, Process, Router, Weights } from './resources.ts'

export interface LocalPlatformArgs extends StepRequest {
  platform: PlatformReference & { kind: 'local' }
  /** The checkout: where commands of the plan are started. */
  folder: string
  /** False once the rollout is retired: blue is no longer declared, and so deleted. */
  keepBlue: boolean
}

/**
 * What the local platform declares: the home and its supervisor, PostgreSQL, both colours, the
 * router, the alarms and the rollback hook.
 */
export class LocalPlatform extends pulumi.ComponentResource {
  constructor(name: string, args: LocalPlatformArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:local:Platform', name, {}, opts)
    const { folder, keepBlue, ...request } = args
    const { plan, planHash, clock, environment } = request
    const { home } = args.platform
    const child = (dependsOn: pulumi.Resource[]) => ({ parent: this, dependsOn })

    const base = new Home('home', { home }, { parent: this })
    const databases = Object.keys(plan.local.postgres?.databases ?? {})
    const postgres =
      databases.length > 0 ? [new Postgres('postgres', { home, databases }, child([base]))] : []
    const colours = coloursOf(plan, keepBlue).map(
      ({ process, colour, health }) =>
        new Process(
          process,
          {
            home,
            process,
            command: colour.command,
            environment: { ...colour.environment, PORT: String(colour.port) },
            folder,
            databases: plan.local.postgres?.databases ?? {},
            ready: `http://127.0.0.1:${colour.port}${health}`,
          },
          child([base, ...postgres]),
        ),
    )
    const router = new Router('router', { ...request, home }, child([base]))
    const hook = new Hook(
      'hook',
      { home, plan, planHash, clock, environment, folder },
      child([router]),
    )
    new Alarms('alarms', { home, plan, clock }, child([hook]))
    void colours
    this.registerOutputs({})
  }
}

/** The weights of a service on the local router. */
export function weighLocally(platform: PlatformReference) {
  return (
    service: string,
    weights: pulumi.Output<{ blue: number; green: number }>,
    opts: pulumi.CustomResourceOptions,
  ): pulumi.Resource =>
    new Weights(
      `weights-${service}`,
      {
        platform,
        service,
        blue: weights.apply(({ blue }) => blue),
        green: weights.apply(({ green }) => green),
      },
      opts,
    )
}

interface SupervisedColour {
  process: string
  colour: Colour & { command: string[]; port: number }
  health: string
}

/** The colours that the platform starts; a colour with a url runs already and is left alone. */
export function coloursOf(plan: Plan, keepBlue: boolean): SupervisedColour[] {
  return Object.entries(plan.services).flatMap(([service, { blue, green, health }]) =>
    Object.entries({ ...(keepBlue ? { blue } : {}), green }).flatMap(([name, colour]) => {
      if (colour === 'none') return []
      const { command, port } = colour
      if (!command || port === undefined) return []
      return [{ process: `${service}-${name}`, colour: { ...colour, command, port }, health }]
    }),
  )
}
