import * as fs from 'node:fs'
import { join } from 'node:path'

/** A supervised service as its supervisor sees it. */
export interface ServiceStatus {
  /** `unsupervised`: it is installed, but nothing watches it. */
  state: 'absent' | 'unsupervised' | 'down' | 'up'
  up: boolean
  pid?: number
  /** Since when it is up or down. */
  since?: Date
  /** What the supervisor is to keep it at. */
  wanted?: 'up' | 'down'
}

/** TAI's label of 1970, with the ten seconds by which it began ahead. */
const TAI_EPOCH = 2n ** 62n + 10n

/** Reads the state of the service in a folder of runit's, from runsv's own files. */
export function statusOf(folder: string): ServiceStatus {
  if (!fs.existsSync(folder)) return { state: 'absent', up: false }
  if (!isSupervised(folder)) return { state: 'unsupervised', up: false }
  const record = readStatus(folder)
  if (record.length < 20) return { state: 'down', up: false }
  const seconds = record.readBigUInt64BE(0) - TAI_EPOCH
  const since = new Date(Number(seconds) * 1_000 + record.readUInt32BE(8) / 1_000_000)
  const wanted = record[17] === 'u'.charCodeAt(0) ? 'up' : 'down'
  const pid = record.readUInt32LE(12)
  // 1 is running; 2 is its finish script, which ours have none of.
  if (record[19] !== 1 || pid === 0) return { state: 'down', up: false, since, wanted }
  return { state: 'up', up: true, pid, since, wanted }
}

/** Empty for the moment between runsv's start and its first status. */
function readStatus(folder: string): Buffer {
  try {
    return fs.readFileSync(join(folder, 'supervise', 'status'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}

/** True while a runsv watches the folder. */
export function isSupervised(folder: string): boolean {
  return writeFifo(join(folder, 'supervise', 'ok'), '')
}

/**
 * Sends runsv its commands, one letter each.
 * @returns false where none listens
 */
export function control(folder: string, letters: string): boolean {
  return writeFifo(join(folder, 'supervise', 'control'), letters)
}

/** Without blocking: a pipe that nobody reads says so. */
function writeFifo(path: string, text: string): boolean {
  let pipe: number
  try {
    pipe = fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENXIO' || code === 'ENOENT' || code === 'ENOTDIR') return false
    throw error
  }
  try {
    if (text !== '') fs.writeSync(pipe, text)
    return true
  } finally {
    fs.closeSync(pipe)
  }
}
