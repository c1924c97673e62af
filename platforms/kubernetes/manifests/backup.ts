import type { Plan } from '../../../rollout/plan.ts'
import { kubernetesPart } from '../../../rollout/schema/kubernetes.ts'
import { objectName, type Place } from '../names.ts'
import { literal, type Manifest, metadata, RESTRICTED, USER } from './common.ts'
import { CODE_FOLDER } from './hook.ts'

/** Where a backup's Job finds the claim. */
export const BACKUP_FOLDER = '/run/sluice/backups'
/** A Job that is done is removed after this. */
const KEPT_SECONDS = 86_400

/** The Job of one backup. It needs nothing of the cluster but to write down what came of it. */
export function backupJob(place: Place, name: string, plan: Plan, now: number): Manifest {
  const { secret, claim } = kubernetesPart(plan)
  const job = `sluice-${place.name}-backup-${name}-${now.toString(36)}`.toLowerCase()
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metadata(place, job),
    spec: {
      backoffLimit: 0,
      ttlSecondsAfterFinished: KEPT_SECONDS,
      template: {
        metadata: { labels: { 'app.kubernetes.io/component': 'backup' } },
        spec: {
          restartPolicy: 'Never',
          serviceAccountName: `sluice-${place.name}-backup`,
          securityContext: USER,
          containers: [
            {
              name: 'backup',
              image: plan.runner?.image,
              command: ['node', `${CODE_FOLDER}/run.mjs`, 'backup', place.name, job, name],
              env: [{ name: 'SLUICE_BACKUP', value: literal(JSON.stringify(plan.backups[name])) }],
              envFrom: secret === undefined ? [] : [{ secretRef: { name: secret } }],
              volumeMounts: [
                { name: 'code', mountPath: CODE_FOLDER },
                { name: 'backups', mountPath: BACKUP_FOLDER },
              ],
              securityContext: RESTRICTED,
            },
          ],
          volumes: [
            { name: 'code', configMap: { name: objectName(place, 'code') } },
            { name: 'backups', persistentVolumeClaim: { claimName: claim } },
          ],
        },
      },
    },
  }
}
