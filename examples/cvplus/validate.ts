import { ask, command, must, words } from '../command.ts'
import { open } from '../database.ts'
import { SCHEMA, SERVICES } from './services.ts'

// The pre-migration validation and that of a phase, a part at a time.

const { positionals, option } = words()
const functions = option('functions')
const packages = option('packages')
  .split(',')
  .map((port) => `http://127.0.0.1:${port}`)
const CATEGORIES = ['performance', 'functionality', 'integration', 'integrity']
const COLLECTIONS = [...SCHEMA.matchAll(/create table if not exists (\w+)/g)].map(
  ([, name]) => name,
)

const parts: Record<string, () => Promise<string>> = {
  /** The functions are healthy in each category. */
  async health() {
    for (const category of CATEGORIES) await ask(`${functions}/health/${category}`)
    return `the functions are healthy: ${CATEGORIES.join(', ')}`
  },
  /** Every package answers, with the interface that the functions have. */
  async packages() {
    const { routes } = await ask<{ routes: string[] }>(`${functions}/interface`)
    const found: string[] = []
    for (const url of packages) {
      await ask(`${url}/healthz`)
      found.push(...(await ask<{ routes: string[] }>(`${url}/interface`)).routes)
    }
    const missing = routes.filter((route) => !found.includes(route) && !route.includes('generator'))
    must(missing.length === 0, `no package has ${missing.join(', ')}`)
    return `${packages.length} packages have all of ${routes.length} routes`
  },
  /** Every collection is there on both sides. */
  async collections() {
    for (const variable of ['CVPLUS_URL', 'CVPLUS_PACKAGES_URL']) {
      const store = open(variable)
      const rows = await store.query<{ table_name: string }>(
        "select table_name from information_schema.tables where table_schema = 'public'",
      )
      await store.close()
      const missing = COLLECTIONS.filter((name) => !rows.some((row) => row.table_name === name))
      must(missing.length === 0, `${variable} has no ${missing.join(', ')}`)
    }
    return `${COLLECTIONS.length} collections on both sides`
  },
  /** Every service has its flag, and before the first step it is off for everybody. */
  async flags() {
    const flags = await ask<Record<string, boolean[]>>(`${functions}/flags`)
    const on = SERVICES.filter((name) => flags[`use-${name}`]?.some(Boolean) !== false)
    must(on.length === 0, `not off by default: ${on.join(', ')}`)
    return `${SERVICES.length} flags are off by default`
  },
  /** What the services do together works. */
  async integration() {
    for (const url of [functions, ...packages]) await ask(`${url}/health/integration`)
    const analysed = await ask<{ skills: string[] }>(`${functions}/cv-analyzer/cvs/1`)
    must(analysed.skills.length > 0, 'cv 1 has no skills')
    const store = open('CVPLUS_URL')
    const [row] = await store.query<{ lost: number }>(
      'select count(*)::int as lost from recommendations r left join user_cvs c on c.id = r.cv where c.id is null',
    )
    await store.close()
    must(row?.lost === 0, `${row?.lost} recommendations are of no cv`)
    return 'the services work together'
  },
}

await command(async () => {
  const part = parts[positionals[0] ?? '']
  must(part !== undefined, `give one of ${Object.keys(parts).join(', ')}`)
  return part()
})
