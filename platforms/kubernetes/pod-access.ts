import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import type { Access } from './api.ts'

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** As the service account of the pod that this runs in. Its token is replaced now and then. */
export function podAccess(): Access {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env
  if (!host || !port) throw new Error('this runs in no pod: there is no KUBERNETES_SERVICE_HOST')
  const agent = new Agent({ ca: readFileSync(`${ACCOUNT}/ca.crt`), keepAlive: true })
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    options: async () => ({
      agent,
      headers: { authorization: `Bearer ${readFileSync(`${ACCOUNT}/token`, 'utf8').trim()}` },
    }),
  }
}

/** The namespace of this pod. */
export function podNamespace(): string {
  return readFileSync(`${ACCOUNT}/namespace`, 'utf8').trim()
}
