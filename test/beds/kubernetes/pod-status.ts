/** What the node knows of a pod's one container. */
export interface ContainerState {
  container: string
  address: string
  /** Such as Pending, Running, Succeeded. */
  phase: string
  ready: boolean
  /** Whether its process is there. */
  runs: boolean
  restarts: number
  /** Why it waits or ended. */
  message: string
  /** Of one that has ended for good. */
  exitCode?: number
  at: Date
  /** When its process began, and when it was last found ready or not ready. */
  startedAt: Date
  turnedAt: Date
}

/** The status of a pod as the API takes it. Pure. */
export function podStatus(state: ContainerState): object {
  const { container, address, phase, ready, runs, restarts, message, exitCode } = state
  const [at, startedAt, turnedAt] = [state.at, state.startedAt, state.turnedAt].map((time) =>
    time.toISOString().replace(/\.\d+Z$/, 'Z'),
  )
  const condition = (type: string, is: boolean) => ({
    type,
    status: is ? 'True' : 'False',
    lastTransitionTime: turnedAt,
  })
  return {
    phase,
    podIP: address,
    podIPs: [{ ip: address }],
    hostIP: '127.0.0.1',
    startTime: startedAt,
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', true),
      condition('ContainersReady', ready),
      condition('Ready', ready),
    ],
    containerStatuses: [
      {
        name: container,
        ready,
        restartCount: restarts,
        image: 'none',
        imageID: 'none',
        started: phase === 'Running',
        state: runs
          ? { running: { startedAt } }
          : exitCode === undefined
            ? { waiting: { reason: 'Waiting', message } }
            : { terminated: { exitCode, message, finishedAt: at } },
      },
    ],
  }
}
