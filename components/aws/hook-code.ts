import { readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { build } from 'esbuild'
import type { Guarded } from '../../platforms/hook-answer.ts'
import type { AwsReference } from '../../platforms/reference.ts'
import type { Plan } from '../../rollout/plan.ts'
import { planText } from '../../rollout/plan-text.ts'

/** The runtime of the function; what it is bundled for. */
export const RUNTIME = 'nodejs22.x'

/** The files of the function, by their path in it. */
export type HookCode = Record<string, string>

/**
 * The hook as one file with all that it imports, what it guards beside it, and the files that its
 * gates read. The same text for the same sources, so that a preview shows a change only where there
 * is one.
 * @param checkout what the plan's paths are relative to
 * @throws pulumi.RunError where a gate's file cannot be read
 */
export async function hookCode(
  reference: AwsReference,
  charge: Guarded,
  checkout: string,
): Promise<HookCode> {
  const files = filesOf(charge.plan, checkout)
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, '..', '..', 'hooks', 'lambda.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    minify: true,
    write: false,
    logLevel: 'silent',
    // The pg library works without; what is there only elsewhere is not looked for.
    external: ['pg-native', 'cloudflare:sockets'],
    // What the SDK still requires finds its require here.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  })
  return {
    ...files,
    'index.mjs': outputFiles[0]?.text ?? '',
    'charge.json': chargeText(reference, charge),
  }
}

/** The files that gates read, where the function finds them: its own folder is its working one. */
function filesOf(plan: Plan, checkout: string): Record<string, string> {
  const named = Object.entries(plan.gates).flatMap(([name, { replay, cases, load }]) =>
    Object.entries({ replay, cases, 'load.requests': load?.requests }).flatMap(([field, file]) =>
      file === undefined ? [] : [{ at: `plan.gates.${name}.${field}`, file }],
    ),
  )
  return Object.fromEntries(
    named.map(({ at, file }) => {
      const path = normalize(file)
      if (path.startsWith('..') || path.startsWith('/')) {
        const what = 'is not in the project, so it is not brought to AWS with the function'
        throw new pulumi.RunError(`${at}: ${file} ${what}; give a path inside the project`)
      }
      try {
        return [path, readFileSync(join(checkout, path), 'utf8')]
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        throw new pulumi.RunError(
          `${at}: ${file} cannot be read (${code}); give a file of the project`,
        )
      }
    }),
  )
}

/** The engine reorders the keys of a plan: equal plans have equal texts. */
function chargeText(reference: AwsReference, { plan, ...charge }: Guarded): string {
  return JSON.stringify({ reference, ...charge, plan: JSON.parse(planText(plan)) })
}
