import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { planSchema } from '../rollout/plan.ts'

/** The JSON Schema that editors complete and check plans by; committed, so that no one must build it. */
export const SCHEMA_FILE = fileURLToPath(new URL('../rollout/plan.schema.json', import.meta.url))

/** The text of the JSON Schema, made from the plan's own schema as a plan is written. */
export function planSchemaText(): string {
  const schema = z.toJSONSchema(planSchema, { io: 'input', target: 'draft-7' })
  const { $schema, ...rest } = schema
  return `${JSON.stringify({ $schema, title: 'A plan of Sluice', ...rest }, null, 2)}\n`
}

/** `plan-schema.ts` writes the file; with `--check` it only says whether the file is current. */
if (import.meta.main) {
  if (!process.argv.includes('--check')) writeFileSync(SCHEMA_FILE, planSchemaText())
  else if (readFileSync(SCHEMA_FILE, 'utf8') !== planSchemaText()) {
    console.error('rollout/plan.schema.json is not current; run: npm run schema')
    process.exitCode = 1
  }
}
