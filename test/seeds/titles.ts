import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { checkout } from '../../tools/checkout.ts'
import { cvplus } from '../e2e/drills/cvplus.ts'
import { hexabuilders } from '../e2e/drills/hexabuilders.ts'
import { huntred } from '../e2e/drills/huntred.ts'
import { resumeReview } from '../e2e/drills/resume-review.ts'
import { supersmartmatch } from '../e2e/drills/supersmartmatch.ts'

const DRILLS = [huntred, hexabuilders, resumeReview, supersmartmatch, cvplus]
const read = new Map<string, string[]>()

/**
 * The titles of the tests of a file as they stand in it, `%s` and `${}` with them; those of a plan's
 * drills as they are when they run.
 * @param file below test/, without its ending
 */
export function titlesOf(file: string): string[] {
  const known = read.get(file)
  if (known) return known
  const drills = DRILLS.find(({ plan }) => file === `e2e/drills/${plan}`)
  const titles = drills ? drills.drills.map(({ title }) => title) : written(file)
  read.set(file, titles)
  return titles
}

/** The titles in a test file, and in the file of the same name that has a suite of several. */
function written(file: string): string[] {
  return [`${file}.test.ts`, `${file}.ts`]
    .map((name) => join(checkout, 'test', name))
    .filter((path) => existsSync(path))
    .flatMap((path) => {
      const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest)
      const found: string[] = []
      const visit = (node: ts.Node) => {
        const [title] = ts.isCallExpression(node) && isTest(node.expression) ? node.arguments : []
        if (title && ts.isStringLiteralLike(title)) found.push(title.text)
        if (title && ts.isTemplateExpression(title)) found.push(title.getText(source).slice(1, -1))
        ts.forEachChild(node, visit)
      }
      visit(source)
      return found
    })
}

/** `it`, `test.runIf(…)`, `it.each(…)` */
function isTest(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return callee.text === 'it' || callee.text === 'test'
  if (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) {
    return isTest(callee.expression)
  }
  return false
}
