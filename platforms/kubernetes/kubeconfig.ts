import type { RequestOptions } from 'node:https'
// Only what reads a kubeconfig: the generated clients take a second to load, and nobody needs them.
import { KubeConfig } from '@kubernetes/client-node/dist/config.js'
import { Unavailable } from '../platform.ts'
import type { Access } from './api.ts'

/** So long one answer of the kubeconfig's own ways to log in is used. */
const KEPT_MS = 60_000

/**
 * From KUBECONFIG, else ~/.kube/config.
 * @param context default: its current one
 * @param file only this one
 */
export function kubeconfigAccess(context?: string, file?: string): Access {
  const config = new KubeConfig()
  try {
    if (file === undefined) config.loadFromDefault()
    else config.loadFromFile(file)
  } catch (error) {
    throw new Unavailable(
      `the kubeconfig cannot be read: ${(error as Error).message}; next: kubectl config view`,
    )
  }
  if (context !== undefined) config.setCurrentContext(context)
  const server = config.getCurrentCluster()?.server
  if (!server) throw new Unavailable('the kubeconfig names no cluster; next: kubectl config view')
  let kept: { at: number; options: Promise<RequestOptions> } | undefined
  return {
    server,
    options: () => {
      const now = performance.now()
      if (!kept || now - kept.at > KEPT_MS) {
        const options: RequestOptions = {}
        kept = { at: now, options: config.applyToHTTPSOptions(options).then(() => options) }
      }
      return kept.options
    },
  }
}
