/** Waits, or until it is stopped; at once where it is stopped already. */
export function pause(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stopped.aborted) return resolve()
    const over = () => {
      clearTimeout(timer)
      stopped.removeEventListener('abort', over)
      resolve()
    }
    const timer = setTimeout(over, ms)
    stopped.addEventListener('abort', over, { once: true })
  })
}
