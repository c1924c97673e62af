// A lock between processes: a folder that holds one file named after its owner.
//
// Plain JavaScript, because tools/start.mjs needs it before node_modules exists.
//
// Why it is safe without a server: taking it is one rename of a folder that already contains the
// owner's file, and rename replaces only a missing or an empty folder. Breaking a dead owner's lock
// removes that owner's file by its own name, so it can never remove the file of a newer owner.
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { hostname } from 'node:os'
import path from 'node:path'

/** A lock of another machine (a shared home folder) cannot be asked whether it lives: wait so long. */
const FOREIGN_STALE_MS = 60 * 60 * 1000
const POLL_MS = 150

/** The moment a process started, so that a reused pid is not taken for the old owner. */
function startOf(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0'
  } catch {
    return '0' // no /proc: the pid alone has to do
  }
}

function lives(owner, file) {
  if (owner.host !== hostname()) {
    try {
      return Date.now() - fs.statSync(file).mtimeMs < FOREIGN_STALE_MS
    } catch {
      return false
    }
  }
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if (error.code !== 'EPERM') return false // EPERM: it lives, and belongs to another user
  }
  const start = startOf(owner.pid)
  return start === '0' || owner.start === '0' || start === owner.start
}

/** The file in the lock folder says who owns it; undefined when nobody does. */
function ownerOf(folder) {
  let names
  try {
    names = fs.readdirSync(folder)
  } catch {
    return undefined
  }
  for (const name of names) {
    const match = /^owner-(\d+)-(\d+)-([0-9a-f]+)-(.*)$/.exec(name)
    if (match) return { name, pid: Number(match[1]), start: match[2], host: match[4] }
  }
  return undefined
}

/** One attempt: a function that releases the lock, or the owner who has it. */
function tryLock(folder) {
  const mark = `${process.pid}-${startOf(process.pid)}-${randomBytes(4).toString('hex')}`
  const name = `owner-${mark}-${hostname()}`
  const mine = `${folder}.taking-${mark}`
  fs.mkdirSync(mine, { recursive: true })
  fs.writeFileSync(path.join(mine, name), '')
  try {
    fs.renameSync(mine, folder)
  } catch (error) {
    fs.rmSync(mine, { recursive: true, force: true })
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    return { owner: ownerOf(folder) }
  }
  return {
    release() {
      fs.rmSync(path.join(folder, name), { force: true })
      try {
        fs.rmdirSync(folder)
      } catch {
        // Somebody else has it already: an empty folder may be replaced at any moment.
      }
    },
  }
}

/**
 * Runs `work` while this process alone holds the lock at `folder`; waits for a living owner and
 * takes the lock of a dead one. `onWait` is told once which process is waited for.
 */
export async function withLock(folder, work, onWait = () => {}) {
  fs.mkdirSync(path.dirname(folder), { recursive: true })
  let told = false
  for (;;) {
    const { release, owner } = tryLock(folder)
    if (release) {
      try {
        return await work()
      } finally {
        release()
      }
    }
    if (owner) {
      const file = path.join(folder, owner.name)
      if (!lives(owner, file)) {
        fs.rmSync(file, { force: true })
        continue
      }
      if (!told) onWait(owner.pid)
      told = true
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
