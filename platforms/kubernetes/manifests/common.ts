import { FLAGS_FOLDER, objectName, type Place, ROLLOUT_LABEL } from '../names.ts'

/** What the objects of a rollout have in common. Pure: every file here only makes values. */

export interface Manifest {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
  }
  [part: string]: unknown
}

export function metadata(
  { name: rollout, namespace }: Place,
  name: string,
  labels: Record<string, string> = {},
) {
  return {
    name,
    namespace,
    labels: { [ROLLOUT_LABEL]: rollout, 'app.kubernetes.io/managed-by': 'sluice', ...labels },
  }
}

/** A text of a plan in a container's variables, command or arguments: a kubelet reads `$(NAME)` and `$$` there. */
export const literal = (text: string): string => text.replaceAll('$', () => '$$')

interface Variable {
  name: string
  value?: string
  valueFrom?: { secretKeyRef: { name: string; key: string } }
}

/** Variables of a plan as a container takes them: `env:NAME` is a key of the plan's Secret. */
export function variables(
  environment: Record<string, string>,
  secret: string | undefined,
): Variable[] {
  return Object.entries(environment).map(([name, value]) =>
    value.startsWith('env:') && secret !== undefined
      ? { name, valueFrom: { secretKeyRef: { name: secret, key: value.slice('env:'.length) } } }
      : { name, value: literal(value) },
  )
}

/** All keys of the plan's Secret as variables. */
export const variablesFrom = (secret: string | undefined) =>
  secret === undefined ? [] : [{ secretRef: { name: secret } }]

/**
 * The flag file in a pod. The ConfigMap is not there before the hook is, and a file that is not there
 * is one without flags.
 */
export const flagsIn = (place: Place) => ({
  variable: { name: 'SLUICE_FLAGS', value: `${FLAGS_FOLDER}/flags.json` },
  mount: { name: 'flags', mountPath: FLAGS_FOLDER },
  volume: { name: 'flags', configMap: { name: objectName(place, 'flags'), optional: true } },
})

/** Asks whatever scrapes pods by the usual annotations to read these metrics. */
export const scraped = (port: number, path: string) => ({
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': String(port),
  'prometheus.io/path': path,
})

/** Nothing more than a process that serves needs. */
export const RESTRICTED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
}

export const USER = { runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000 }
