import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ClusterApi, ClusterObject } from '../../../platforms/kubernetes/api.ts'
import { expand } from './expand.ts'
import type { Container, Env, Pod } from './pod.ts'

const FOLLOW_EVERY_MS = 1_000
const SERVICE_ACCOUNT = '/run/secrets/kubernetes.io/serviceaccount'

/** Where a pod's inputs come from. */
export interface InputSources {
  api: ClusterApi
  /** The API server's certificate, and its port, as pods are told them. */
  ca: string
  apiPort: number
}

/** What a pod's container is given: variables, volumes, and the token of its account. */
export class PodInputs {
  readonly #pod: Pod
  readonly #address: string
  readonly #folder: string
  readonly #around: InputSources
  readonly #following: NodeJS.Timeout[] = []

  constructor(pod: Pod, address: string, folder: string, around: InputSources) {
    this.#pod = pod
    this.#address = address
    this.#folder = folder
    this.#around = around
  }

  get #container(): Container {
    return this.#pod.spec.containers[0] as Container
  }

  /** Its variables, those of the Secrets and ConfigMaps it names among them. */
  async environment(): Promise<Record<string, string>> {
    const from: Record<string, string> = {}
    for (const { secretRef } of this.#container.envFrom ?? []) {
      if (secretRef) Object.assign(from, texts(await this.#data('secrets', secretRef.name)))
    }
    const declared: Record<string, string> = {}
    for (const { name, value, valueFrom } of this.#container.env ?? []) {
      // A value may name those that are declared before it.
      declared[name] =
        value === undefined ? await this.#valueFrom(valueFrom) : expand(value, declared)
    }
    return {
      ...from,
      ...declared,
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: String(this.#around.apiPort),
      // All pods are on one loopback here: a program must listen on its pod's own address.
      HOST: this.#address,
    }
  }

  async #valueFrom(from: Env['valueFrom']): Promise<string> {
    const { metadata, spec } = this.#pod
    switch (from?.fieldRef?.fieldPath) {
      case 'metadata.name':
        return metadata.name
      case 'metadata.namespace':
        return String(metadata.namespace)
      case 'status.podIP':
        return this.#address
      case 'spec.serviceAccountName':
        return spec.serviceAccountName ?? 'default'
    }
    if (from?.secretKeyRef) {
      const { name, key } = from.secretKeyRef
      return String((await this.#data('secrets', name))[key] ?? '')
    }
    if (from?.configMapKeyRef) {
      const { name, key } = from.configMapKeyRef
      return String((await this.#data('configmaps', name))[key] ?? '')
    }
    return ''
  }

  /** Its volumes as folders of this machine, and where they belong; throws where one is not there. */
  async mounts(): Promise<{ from: string; to: string }[]> {
    this.close()
    const { spec, metadata } = this.#pod
    const mounts: { from: string; to: string }[] = []
    for (const { name, mountPath } of this.#container.volumeMounts ?? []) {
      const volume = spec.volumes?.find((each) => each.name === name)
      if (mountPath.startsWith('/var/run/secrets') || volume?.projected) continue
      const claim = volume?.persistentVolumeClaim?.claimName
      // A claim outlives its pods; here it is a folder of the bed.
      const from =
        claim === undefined
          ? join(this.#folder, 'volumes', name)
          : join(this.#folder, '..', '..', 'claims', claim)
      mkdirSync(from, { recursive: true })
      const map = volume?.configMap
      if (map?.optional) this.#follow(from, map.name)
      else if (map) this.#write(from, await this.#data('configmaps', map.name))
      if (volume?.secret) this.#write(from, await this.#data('secrets', volume.secret.secretName))
      mounts.push({ from, to: mountPath.replace(/^\/var\/run\//, '/run/') })
    }
    if (spec.automountServiceAccountToken === false) return mounts
    const account = spec.serviceAccountName ?? 'default'
    const { status } = await this.#around.api.ask<{ status: { token: string } }>(
      'POST',
      `/api/v1/namespaces/${metadata.namespace}/serviceaccounts/${account}/token`,
      { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} } },
    )
    const from = join(this.#folder, 'volumes', 'service-account')
    const files = {
      token: status.token,
      'ca.crt': this.#around.ca,
      namespace: String(metadata.namespace),
    }
    this.#write(from, files)
    return [...mounts, { from, to: SERVICE_ACCOUNT }]
  }

  /**
   * Keeps a folder as a ConfigMap says that may come later and change. A kubelet takes up to a minute
   * or so for it; this one a second.
   */
  #follow(folder: string, name: string): void {
    const look = async () => {
      const files = await this.#data('configmaps', name).catch(() => undefined)
      for (const [key, content] of Object.entries(files ?? {})) {
        const file = join(folder, key)
        if (existsSync(file) && readFileSync(file).equals(Buffer.from(content))) continue
        // Another file in its place, so that nobody reads half of one.
        writeFileSync(`${file}.new`, content, { mode: 0o600 })
        renameSync(`${file}.new`, file)
      }
    }
    void look()
    this.#following.push(setInterval(() => void look(), FOLLOW_EVERY_MS))
  }

  /** Ends what goes on while the pod runs. */
  close(): void {
    for (const timer of this.#following.splice(0)) clearInterval(timer)
  }

  async #data(
    kind: 'secrets' | 'configmaps',
    name: string,
  ): Promise<Record<string, string | Buffer>> {
    const path = `/api/v1/namespaces/${this.#pod.metadata.namespace}/${kind}/${name}`
    const { data = {}, binaryData = {} } = await this.#around.api.get<
      ClusterObject & { data?: Record<string, string>; binaryData?: Record<string, string> }
    >(path)
    const decoded = (all: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(all).map(([key, value]) => [key, Buffer.from(value, 'base64')]),
      )
    if (kind === 'configmaps') return { ...data, ...decoded(binaryData) }
    return decoded(data)
  }

  #write(folder: string, files: Record<string, string | Buffer>): void {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    for (const [name, content] of Object.entries(files)) {
      const file = join(folder, name)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content, { mode: 0o600 })
    }
  }
}
function texts(files: Record<string, string | Buffer>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([key, value]) => [key, String(value)]))
}
