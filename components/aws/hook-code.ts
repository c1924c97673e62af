import { join } from 'node:path'
import { build } from 'esbuild'
import type { Guarded } from '../../platforms/hook-answer.ts'
import type { AwsReference } from '../../platforms/reference.ts'
import { planText } from '../../rollout/plan-text.ts'

/** The runtime of the function; what it is bundled for. */
export const RUNTIME = 'nodejs22.x'

/** The files of the function, by name. */
export interface HookCode {
  'index.mjs': string
  'charge.json': string
}

/**
 * The hook as one file with all that it imports, and what it guards beside it. The same text for the
 * same sources, so that a preview shows a change only where there is one.
 */
export async function hookCode(reference: AwsReference, charge: Guarded): Promise<HookCode> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, '..', '..', 'hooks', 'lambda.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    minify: true,
    write: false,
    logLevel: 'silent',
    // What the SDK still requires finds its require here.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  })
  return {
    'index.mjs': outputFiles[0]?.text ?? '',
    'charge.json': chargeText(reference, charge),
  }
}

/** The engine reorders the keys of a plan: equal plans have equal texts. */
function chargeText(reference: AwsReference, { plan, ...charge }: Guarded): string {
  return JSON.stringify({ reference, ...charge, plan: JSON.parse(planText(plan)) })
}
