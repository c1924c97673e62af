import { chmod, chown, lstat, mkdir } from 'node:fs/promises'
import { UNPRIVILEGED } from './run-script.ts'

export const isRoot = () => process.getuid?.() === 0

/** For `spawn`: PostgreSQL refuses to run as root, so there it and its helpers run as nobody. */
export function serverUser(): { uid: number; gid: number } | Record<string, never> {
  return isRoot() ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {}
}

/** Gives a file or folder to the server's user, where that is another one. */
export async function giveToServer(path: string): Promise<void> {
  if (isRoot()) await chown(path, UNPRIVILEGED, UNPRIVILEGED)
}

/** A folder that is the server's user's alone. One that somebody else put there is refused. */
export async function ensureOwned(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const owner = isRoot() ? UNPRIVILEGED : (process.getuid?.() ?? 0)
  const found = await lstat(folder)
  const trusted = found.isDirectory() && [owner, process.getuid?.() ?? 0].includes(found.uid)
  if (!trusted) {
    throw new Error(
      `${folder} is not a folder of this user (owner ${found.uid}), so PostgreSQL will not use it; next: look who made it, and remove it`,
    )
  }
  await chmod(folder, 0o700)
  await giveToServer(folder)
}
