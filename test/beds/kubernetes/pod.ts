import type { ClusterObject } from '../../../platforms/kubernetes/api.ts'

/** Of a pod's specification what the bed's node carries out. */
export interface Env {
  name: string
  value?: string
  valueFrom?: {
    fieldRef?: { fieldPath: string }
    secretKeyRef?: { name: string; key: string; optional?: boolean }
    configMapKeyRef?: { name: string; key: string; optional?: boolean }
  }
}
export interface Probe {
  httpGet?: { path?: string; port: number | string }
  periodSeconds?: number
  timeoutSeconds?: number
  failureThreshold?: number
}
export interface Container {
  name: string
  command?: string[]
  args?: string[]
  env?: Env[]
  envFrom?: { secretRef?: { name: string; optional?: boolean } }[]
  ports?: { name?: string; containerPort: number }[]
  readinessProbe?: Probe
  lifecycle?: { preStop?: { sleep?: { seconds: number } } }
  volumeMounts?: { name: string; mountPath: string }[]
  terminationMessagePath?: string
}
export interface Volume {
  name: string
  configMap?: { name: string; optional?: boolean }
  secret?: { secretName: string }
  emptyDir?: object
  projected?: object
  persistentVolumeClaim?: { claimName: string }
}
export interface Pod extends ClusterObject {
  spec: {
    nodeName?: string
    serviceAccountName?: string
    automountServiceAccountToken?: boolean
    restartPolicy?: string
    terminationGracePeriodSeconds?: number
    containers: Container[]
    volumes?: Volume[]
  }
  status?: { phase?: string }
}
