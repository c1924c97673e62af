import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { type Layout, layoutOf } from '../platforms/local/layout.ts'
import { openPlatform } from '../platforms/open.ts'
import { loadPlan } from '../platforms/plan-file.ts'
import type { Platform } from '../platforms/platform.ts'
import { type PlatformReference, referenceFrom } from '../platforms/reference.ts'
import type { Plan } from '../rollout/plan.ts'
import { findPosition, type Position, positionsOf } from '../rollout/positions.ts'
import type { Request } from '../rollout/request.ts'
import { WrongUse } from './errors.ts'
import { selectedStack } from './pulumi.ts'

/** The options that every verb takes. */
export interface StackOptions {
  stack?: string
  configFile?: string
  cwd?: string
}

/** The stack's config under `sluice:`, read without starting Pulumi. */
export interface StackSettings {
  /** Absolute path of the plan. */
  planFile: string
  platform: PlatformReference
  /** sluice:step as it is written: a position's name or number. */
  step: string
  attempt: number
  confirmed: string[]
  clock: number
  /** sluice:environment, where the plan has environments. */
  environment?: string
}

/** A stack: where its config is, what it says, and what it speaks of. */
export interface Stack {
  name: string
  /** The project's folder, where Pulumi.yaml is. */
  cwd: string
  configFile: string
  /** True where the config file is not where Pulumi looks by itself. */
  elsewhere: boolean
  settings: StackSettings
  /**
   * Where everything of a rollout on this host stands.
   * @throws WrongUse on every other platform: what asks for it is of the local one
   */
  readonly layout: Layout
}

/** A stack with its plan and its platform. */
export interface OpenStack extends Stack {
  plan: Plan
  planHash: string
  positions: Position[]
  platform: Platform
  /** What `pulumi up` asks for as the config stands; another position may be put in. */
  request(position?: string): Request
}

/**
 * Finds the stack and reads its config.
 * @param how `withoutPulumi` where Pulumi may be the very thing that does not answer
 * @throws WrongUse naming the stacks there are, or the line of config to correct
 */
export function findStack(options: StackOptions, how?: 'withoutPulumi'): Stack {
  const cwd = resolve(options.cwd ?? projectFolder())
  const folder = join(cwd, stackFolder(cwd))
  const name = stackName(options, cwd, folder, how)
  const usual = join(folder, `Pulumi.${name}.yaml`)
  const configFile = options.configFile ? resolve(options.configFile) : usual
  if (!existsSync(configFile)) {
    const known = stacksIn(folder)
    throw new WrongUse(
      `${configFile} does not exist; ${known.length > 0 ? `stacks here: ${known.join(', ')}; type: sluice <verb> -s ${known[0]}` : 'type: pulumi stack init <name>'}`,
    )
  }
  const settings = readSettings(readFileSync(configFile, 'utf8'), configFile, name, folder)
  return {
    name,
    cwd,
    configFile,
    elsewhere: configFile !== usual,
    settings,
    get layout() {
      return localLayout(settings.platform)
    },
  }
}

/** Reads the plan too, and opens the platform. */
export async function openStack(options: StackOptions, how?: 'withoutPulumi'): Promise<OpenStack> {
  const stack = findStack(options, how)
  const { plan, planHash } = await loadPlan(stack.settings.planFile)
  const { name, cwd, configFile, elsewhere, settings } = stack
  const { step, attempt, confirmed, clock, environment, platform } = settings
  const positions = positionsOf(plan)
  const nameOf = (cursor: string) => findPosition(positions, cursor)?.name ?? cursor
  return {
    ...{ name, cwd, configFile, elsewhere, settings },
    // Not spread: on another platform than the local one it throws as soon as it is read.
    get layout() {
      return stack.layout
    },
    plan,
    planHash,
    positions,
    platform: await openPlatform(platform),
    request: (position = step) => ({
      plan,
      planHash,
      position: nameOf(position),
      attempt,
      confirmed,
      clock,
      ...(environment === undefined ? {} : { environment }),
    }),
  }
}

/**
 * Reads `sluice:` values from the text of a config file.
 * @param folder where a relative path of the plan is looked up, as the stack's program does
 */
export function readSettings(
  text: string,
  file: string,
  stack: string,
  folder: string,
): StackSettings {
  const wrong = (key: string, problem: string): never => {
    throw new WrongUse(`${file}: sluice:${key}: ${problem}`)
  }
  let config: Record<string, unknown>
  try {
    config = (parse(text) as { config?: Record<string, unknown> } | null)?.config ?? {}
  } catch (error) {
    throw new WrongUse(`${file} is no YAML: ${(error as Error).message}`)
  }
  const get = (key: string): string | undefined => {
    const value = config[`sluice:${key}`]
    if (value === undefined || value === null) return undefined
    if (typeof value !== 'object') return String(value)
    return wrong(key, 'is no plain value; write it as text, not as a secret')
  }
  const plan = get('plan') ?? wrong('plan', 'is missing; pulumi config set sluice:plan <plan file>')
  const platform = platformIn({ get, stack, project: dirname(folder) }, file)
  const attempt = Number(get('attempt') ?? '1')
  if (!Number.isInteger(attempt) || attempt < 1) {
    wrong('attempt', `"${get('attempt')}" is no whole number from 1`)
  }
  const clock = Number(get('clock') ?? '1')
  if (!(clock >= 1 && clock <= 1_000_000)) {
    wrong('clock', `"${get('clock')}" is no number from 1 to 1000000`)
  }
  return {
    planFile: resolve(folder, plan),
    platform,
    step: get('step') ?? 'start',
    attempt,
    confirmed:
      listOf(config['sluice:confirmed']) ??
      wrong('confirmed', 'is no list; write sluice:confirmed: [huntred@25]'),
    clock,
    environment: get('environment'),
  }
}

function platformIn(source: Parameters<typeof referenceFrom>[0], file: string): PlatformReference {
  try {
    return referenceFrom(source)
  } catch (error) {
    throw new WrongUse(`${file}: ${(error as Error).message}`)
  }
}

function localLayout(platform: PlatformReference): Layout {
  if (platform.kind === 'local') return layoutOf(platform.home)
  throw new WrongUse(
    `this works on the local platform only so far, and this stack is on ${platform.kind}; there, type pulumi preview, pulumi up, sluice status or sluice rollback`,
  )
}

function listOf(value: unknown): string[] | undefined {
  if (value === undefined || value === null) return []
  if (typeof value === 'string') {
    try {
      return listOf(JSON.parse(value))
    } catch {
      return undefined
    }
  }
  return Array.isArray(value) ? value.map(String) : undefined
}

function stackName(
  options: StackOptions,
  cwd: string,
  folder: string,
  how: 'withoutPulumi' | undefined,
): string {
  const given = options.stack ?? process.env['PULUMI_STACK']
  if (given) return checkedName(given)
  const file = /^Pulumi\.(.+)\.yaml$/.exec(basename(options.configFile ?? ''))
  if (file?.[1]) return file[1]
  const known = stacksIn(folder)
  if (how === 'withoutPulumi' && known.length === 1) return known[0]!
  const selected = selectedStack(cwd)
  if (selected) return selected
  if (known.length === 1) return known[0]!
  throw new WrongUse(
    known.length === 0
      ? `no stack is selected and ${folder} has no Pulumi.<stack>.yaml; type: pulumi stack init <name>`
      : `no stack is selected; type -s with one of: ${known.join(', ')}`,
  )
}

/** A name goes into a path: organisation and project before it are left out. */
function checkedName(given: string): string {
  const name = given.split('/').at(-1) ?? ''
  if (/^[A-Za-z0-9._-]+$/.test(name)) return name
  throw new WrongUse(`-s: "${given}" is no name of a stack`)
}

function stacksIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .map((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1])
    .filter((name) => name !== undefined)
    .sort()
}

/** The folder above that has a Pulumi.yaml, else the checkout of this command. */
function projectFolder(): string {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'Pulumi.yaml'))) return folder
    if (folder === dirname(folder)) return dirname(import.meta.dirname)
  }
}

function stackFolder(cwd: string): string {
  try {
    const project = parse(readFileSync(join(cwd, 'Pulumi.yaml'), 'utf8')) as {
      stackConfigDir?: string
    }
    return project.stackConfigDir ?? '.'
  } catch {
    throw new WrongUse(`${cwd} has no Pulumi.yaml that can be read; give --cwd <the checkout>`)
  }
}
