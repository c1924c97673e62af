import * as fs from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * Writes a whole file so that a crash at any moment leaves the old content or the new one, and so
 * that it is on the disk when this returns: temporary file, fsync, rename, fsync of the folder.
 * Synchronous on purpose: the write of a latch must not stand in a queue behind other I/O.
 * @param mode of the file; only its owner may read it by default
 */
export function writeDurably(path: string, content: string, mode = 0o600): void {
  const folder = dirname(path)
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  // No reader ever opens this name, so that half of a file never counts.
  const temporary = join(folder, `.${basename(path)}.${process.pid}.tmp`)
  try {
    fs.rmSync(temporary, { force: true })
    const file = fs.openSync(temporary, 'wx', mode)
    try {
      fs.writeFileSync(file, content)
      fs.fchmodSync(file, mode)
      fs.fsyncSync(file)
    } finally {
      fs.closeSync(file)
    }
    fs.renameSync(temporary, path)
  } catch (error) {
    fs.rmSync(temporary, { force: true })
    throw error
  }
  syncFolder(folder)
}

/** Reads a file; undefined where there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function syncFolder(folder: string): void {
  const descriptor = fs.openSync(folder, 'r')
  try {
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
}
