/** What a pod's own status and metrics tell of it. Pure. */

export interface PodStatus {
  conditions?: { type: string; status: string; lastTransitionTime?: string }[]
  containerStatuses?: {
    restartCount?: number
    state?: { running?: { startedAt?: string } }
  }[]
}

/**
 * Seconds from the start of a pod's container to its being ready: to the whole second, and no finer
 * than its readiness probe asks.
 * @returns undefined while it is not ready, and of one that was restarted: its first start is gone
 */
export function startSeconds(status: PodStatus | undefined): number | undefined {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  const container = status?.containerStatuses?.[0]
  const startedAt = Date.parse(container?.state?.running?.startedAt ?? '')
  const readyAt = Date.parse(ready?.lastTransitionTime ?? '')
  if (ready?.status !== 'True' || (container?.restartCount ?? 0) > 0) return undefined
  const seconds = (readyAt - startedAt) / 1_000
  return seconds >= 0 ? seconds : undefined
}

const UNITS: Record<string, number> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/**
 * The memory of all containers of a pod, in bytes, from quantities such as 51200Ki:
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 * @throws Error for what is no quantity
 */
export function workingSetBytes(quantities: readonly string[]): number {
  return quantities.reduce((sum, text) => {
    const [, number, unit = ''] = /^(\d+(?:\.\d+)?(?:e\d+)?)([a-zA-Z]{0,2})$/.exec(text) ?? []
    const factor = UNITS[unit]
    if (number === undefined || factor === undefined) throw new Error(`${text} is no quantity`)
    return sum + Number(number) * factor
  }, 0)
}
