import { randomBytes } from 'node:crypto'
import { hashOf } from '../../../rollout/hash.ts'
import type { Plan } from '../../../rollout/plan.ts'
import { kubernetesPart } from '../../../rollout/schema/kubernetes.ts'
import { COMMAND_LABEL, objectName, type Place } from '../names.ts'
import {
  literal,
  type Manifest,
  metadata,
  RESTRICTED,
  USER,
  variables,
  variablesFrom,
} from './common.ts'
import { CODE_FOLDER } from './hook.ts'

/** A Job that is done is removed after this; what it said at its end stands in the record. */
const KEPT_SECONDS = 600
/** How long a node may take to fetch the runner's image and to start it. */
export const START_MS = 120_000
/** Where the program in the Job writes what came of it; it becomes a part of its pod's status. */
export const OUTCOME_FILE = '/run/sluice/outcome/message'
/** Of which a pod's status holds no more, in bytes. */
export const OUTCOME_BYTES = 4_096

/** A command as its Job has it. */
export interface JobCommand {
  /** What it is for, such as `copy` or `gate suite`. */
  what: string
  run: readonly string[]
  into?: readonly string[]
  /** Variables; `env:NAME` is a key of the plan's Secret. */
  environment: Record<string, string>
  timeoutMs: number
}

/** What the program in the Job is given, as JSON in SLUICE_COMMAND. */
export type GivenCommand = Pick<JobCommand, 'run' | 'into' | 'timeoutMs'>

/** What tells the Jobs of one command at one place from those of others. */
export function commandKey({ what, run, into, environment }: JobCommand): string {
  return hashOf({ what, run, into: into ?? [], environment })
}

/**
 * The Job of one run of a command, in the runner's image. It has no rights in the cluster: what came
 * of it is its pod's last word.
 */
export function commandJob(place: Place, plan: Plan, command: JobCommand): Manifest {
  const { what, environment, timeoutMs, run, into } = command
  const { secret } = kubernetesPart(plan)
  const word = what
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 30)
  const name = `sluice-${place.name}-${word}-${randomBytes(4).toString('hex')}`
  const given: GivenCommand = { run, into, timeoutMs }
  const labels = { [COMMAND_LABEL]: commandKey(command) }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metadata(place, name, labels),
    spec: {
      backoffLimit: 0,
      ttlSecondsAfterFinished: KEPT_SECONDS,
      activeDeadlineSeconds: Math.ceil((timeoutMs + START_MS) / 1_000),
      template: {
        metadata: { labels: { 'app.kubernetes.io/component': 'command', ...labels } },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          securityContext: USER,
          containers: [
            {
              name: 'command',
              image: plan.runner?.image,
              command: ['node', `${CODE_FOLDER}/run.mjs`, 'command'],
              env: [
                ...variables(environment, secret),
                { name: 'SLUICE_COMMAND', value: literal(JSON.stringify(given)) },
                { name: 'SLUICE_OUTCOME', value: OUTCOME_FILE },
              ],
              envFrom: variablesFrom(secret),
              terminationMessagePath: OUTCOME_FILE,
              volumeMounts: [{ name: 'code', mountPath: CODE_FOLDER }],
              securityContext: RESTRICTED,
            },
          ],
          volumes: [{ name: 'code', configMap: { name: objectName(place, 'code') } }],
        },
      },
    },
  }
}
