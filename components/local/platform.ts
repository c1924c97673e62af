import * as pulumi from '@pulumi/pulumi'
import { copierOf, layoutOf, portsOf } from '../../platforms/local/layout.ts'
import type { LocalReference } from '../../platforms/reference.ts'
import { archivingOf, archivingProblems } from '../../rollout/archiving.ts'
import { metricsUrl } from '../../rollout/operations.ts'
import type { Colour, Plan } from '../../rollout/plan.ts'
import { urlOf } from '../../rollout/services.ts'
import type { DeclarePlatform, PlatformArgs } from '../platforms.ts'
import { supervisedOperations } from '../supervised-operations.ts'
import type { Weigh } from '../traffic-step.ts'
import { Alarms, Home, Hook, Postgres, Process, Router, Weights } from './resources.ts'

export type LocalPlatformArgs = PlatformArgs & { platform: LocalReference }

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

    const problems = archivingProblems(plan)
    if (problems.length > 0) throw new pulumi.RunError(problems.join('\n'))

    const base = new Home('home', { home }, { parent: this })
    const databases = Object.keys(plan.local.postgres?.databases ?? {})
    const postgres =
      databases.length > 0
        ? [
            new Postgres(
              'postgres',
              { home, databases, archiving: archivingOf(plan, clock) },
              child([base]),
            ),
          ]
        : []
    const common = { home, folder, databases: plan.local.postgres?.databases ?? {} }
    const colours = coloursOf(plan, keepBlue).map(
      ({ process, colour, health }) =>
        new Process(
          process,
          {
            ...common,
            process,
            command: colour.command,
            environment: { ...colour.environment, PORT: String(colour.port) },
            ready: `http://127.0.0.1:${colour.port}${health}`,
          },
          child([base, ...postgres]),
        ),
    )
    for (const [operation, supervised] of supervisedOperations(request)) {
      const { run, environment, until } = supervised
      const process = `${operation}-operation`
      new Process(
        process,
        {
          ...common,
          process,
          command: run,
          environment: { SLUICE_ROLLOUT: plan.name, ...environment },
          ready: metricsUrl(supervised),
          until,
        },
        child([base, ...postgres, ...colours]),
      )
    }
    const copiers = copiersOf(plan, home, keepBlue).map(
      ({ process, ...parts }) =>
        new Process(
          process,
          { ...common, ...parts, process, databases: {}, environment: {}, until: 'retired' },
          child([base]),
        ),
    )
    const router = new Router('router', { ...request, home }, child([base, ...copiers]))
    // Green first: what the hook judges at start by a new plan must be that plan's green.
    const hook = new Hook(
      'hook',
      { home, plan, planHash, clock, environment, folder },
      child([router, ...colours]),
    )
    new Alarms('alarms', { home, plan, clock }, child([hook]))
    this.registerOutputs({})
  }
}

/** See {@link DeclarePlatform}. */
export const declareLocally: DeclarePlatform = (name, { platform, ...args }, opts) => {
  if (platform.kind !== 'local') throw new Error(`${platform.kind} is not the local platform`)
  const problems = foreignColours(args.plan)
  if (problems.length > 0) throw new pulumi.RunError(problems.join('\n'))
  return {
    platform: new LocalPlatform(name, { ...args, platform }, opts),
    weigh: weighLocally(platform),
  }
}

/** The weights of a service on the local router. */
export function weighLocally(platform: LocalReference): Weigh {
  return (service, weights, opts) =>
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

/** Colours that only a cluster could run, each a line. */
function foreignColours({ services }: Plan): string[] {
  return Object.entries(services).flatMap(([service, { blue, green }]) =>
    Object.entries({ blue, green }).flatMap(([name, colour]) => {
      if (colour === 'none' || colour.command || colour.url !== undefined) return []
      if (colour.image === undefined && colour.existing === undefined) return []
      return [
        `plan.services.${service}.${name}: the local platform runs commands, not images or a cluster's Services; give a command with a port, or a url`,
      ]
    }),
  )
}

interface SupervisedColour {
  process: string
  colour: Colour & { command: string[]; port: number }
  health: string
}

interface Copier {
  process: string
  command: string[]
  ready: string
}

/** What copies the writes of dual-write services, while there are two colours to write to. */
export function copiersOf(plan: Plan, home: string, keepBlue: boolean): Copier[] {
  if (!keepBlue) return []
  return Object.entries(plan.services).flatMap(([service, { strategy }]) => {
    const [blue, green] = [urlOf(plan, service, 'blue', '/'), urlOf(plan, service, 'green', '/')]
    if (strategy !== 'dual-write' || !blue || !green) return []
    const places = copierOf(layoutOf(home), service)
    const settings = { service, ...places, blue, green, log: portsOf(plan).hook }
    return [
      {
        process: `${service}-copier`,
        command: ['node', 'platforms/local/copier.ts', JSON.stringify(settings)],
        ready: `unix:${places.socket}`,
      },
    ]
  })
}

/**
 * The colours that the platform starts; a colour with a url runs already and is left alone. A blue
 * whose process answers for a green stays.
 */
export function coloursOf(plan: Plan, keepBlue: boolean): SupervisedColour[] {
  const lent = new Set(Object.values(plan.services).map(({ green }) => green.servedBy))
  return Object.entries(plan.services).flatMap(([service, { blue, green, health }]) => {
    const keeps = keepBlue || lent.has(`${service}.blue`)
    return Object.entries({ ...(keeps ? { blue } : {}), green }).flatMap(([name, colour]) => {
      if (colour === 'none') return []
      const { command, port } = colour
      if (!command || port === undefined) return []
      return [{ process: `${service}-${name}`, colour: { ...colour, command, port }, health }]
    })
  })
}
