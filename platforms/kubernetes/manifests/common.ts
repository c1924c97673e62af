import { type Place, ROLLOUT_LABEL } from '../names.ts'

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

/** Nothing more than a process that serves needs. */
export const RESTRICTED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
}

export const USER = { runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000 }
