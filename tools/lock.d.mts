/**
 * Runs `work` while this process alone holds the lock at `folder`; waits for a living owner and
 * takes the lock of a dead one. `onWait` is told once which process is waited for.
 */
export function withLock<T>(
  folder: string,
  work: () => T | Promise<T>,
  onWait?: (pid: number) => void,
): Promise<T>
