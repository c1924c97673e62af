import { open } from 'node:fs/promises'
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { PlanError, type PlanProblem, parsePlan } from '../rollout/parse-plan.ts'
import type { Plan } from '../rollout/plan.ts'
import { syntaxProblem } from './plan-syntax.ts'

/** A plan of a megabyte is none. */
const LARGEST = 1_048_576

/**
 * Reads a plan from a YAML file.
 *
 * @returns the plan, its hash, and the file as it was given
 * @throws PlanError with every mistake, each with the line and column where it stands
 */
export async function loadPlan(
  file: string,
): Promise<{ plan: Plan; planHash: string; file: string }> {
  const text = decode(await read(file), file)
  return { ...parsePlanText(text, file), file }
}

/**
 * Reads a plan from a YAML text.
 *
 * @param file where the text came from, for the messages
 * @throws PlanError
 */
export function parsePlanText(text: string, file?: string): { plan: Plan; planHash: string } {
  const lines = new LineCounter()
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const early = syntaxProblem(text)
  if (early) {
    for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1)
    lines.lineStarts.unshift(0)
    throw new PlanError([{ ...whole(early.message), ...at(early.offset) }], file)
  }
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    stringKeys: true,
    uniqueKeys: true,
    prettyErrors: false,
    lineCounter: lines,
  })
  const wrong = [...document.errors, ...document.warnings]
  if (wrong.length > 0) {
    const problems = wrong.map(({ code, message, pos }) => ({
      ...whole(SYNTAX[code] ?? `is no YAML: ${firstLine(message)}`),
      ...at(pos[0]),
    }))
    throw new PlanError(problems, file)
  }
  if (document.contents === null || isEmpty(document.contents)) {
    throw new PlanError(
      [whole('the file is empty; write a plan, such as stacks/huntred.plan.yaml')],
      file,
    )
  }
  let raw: unknown
  try {
    raw = document.toJS({ maxAliasCount: 20 })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const message = `has too many or wrong aliases (${firstLine(reason)}); write the values out`
    throw new PlanError([whole(message)], file)
  }
  try {
    return parsePlan(raw, file)
  } catch (error) {
    if (!(error instanceof PlanError)) throw error
    const problems = error.problems.map((problem) => {
      const offset = offsetOf(document.contents, problem.keys)
      return offset === undefined ? problem : { ...problem, ...at(offset) }
    })
    problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
    throw new PlanError(problems, file)
  }
}

const SYNTAX: Record<string, string> = {
  DUPLICATE_KEY: 'this key stands twice in its mapping; keep one',
  MULTIPLE_DOCS: 'has a second document; keep one plan in a file',
  NON_STRING_KEY: 'this key is no text; give a name',
}

function whole(message: string): PlanProblem {
  return { path: 'plan', message, keys: [] }
}

async function read(file: string): Promise<Buffer> {
  const refuse = (message: string): never => {
    throw new PlanError([whole(message)], file)
  }
  try {
    const handle = await open(file, 'r')
    try {
      const stat = await handle.stat()
      if (!stat.isFile()) refuse('is no file; give the path of a plan')
      if (stat.size > LARGEST) {
        refuse(`the file has ${stat.size} bytes, above ${LARGEST}; give a shorter plan`)
      }
      // The file may grow meanwhile: no more than the limit is ever read.
      const buffer = Buffer.alloc(stat.size)
      let length = 0
      while (length < buffer.length) {
        const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length)
        if (bytesRead === 0) break
        length += bytesRead
      }
      return buffer.subarray(0, length)
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof PlanError) throw error
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT')
      refuse('there is no such file; give the path of a plan, relative to stacks/')
    return refuse(`cannot be read (${code ?? String(error)}); give a file this user can read`)
  }
}

function decode(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    const offset = firstWrongByte(bytes)
    const message = `is no UTF-8 text: byte ${offset} is 0x${bytes[offset]?.toString(16).padStart(2, '0')}; save the file as UTF-8`
    throw new PlanError([whole(message)], file)
  }
}

/** The offset of the byte that no UTF-8 text can have there, or of a last character cut short. */
function firstWrongByte(bytes: Buffer): number {
  const decodes = (length: number) => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length), { stream: true })
      return true
    } catch {
      return false
    }
  }
  let [right, wrong] = [0, bytes.length + 1]
  while (wrong - right > 1) {
    const middle = (right + wrong) >> 1
    if (decodes(middle)) right = middle
    else wrong = middle
  }
  return Math.min(right, bytes.length - 1)
}

/** Where a place of the plan stands in the text; of what is missing, the nearest around it. */
function offsetOf(contents: unknown, keys: readonly (string | number)[]): number | undefined {
  let node = contents as Node | null
  let found = node?.range?.[0]
  for (const key of keys) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
      if (!pair) break
      const name = pair.key as Node
      const value = pair.value as Node | null
      // Of a scalar its value, of all else its key: this is where one would correct it.
      found = (isScalar(value) ? value : name).range?.[0] ?? found
      node = value
    } else if (isSeq(node)) {
      node = (node.items[Number(key)] as Node | undefined) ?? null
      found = node?.range?.[0] ?? found
    } else break
  }
  return found
}

function isEmpty(node: unknown): boolean {
  return isScalar(node) && node.value === null
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? ''
}
