import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { buildSync } from 'esbuild'

/** The programs that run in the cluster on a plain Node image, as the values of a ConfigMap. */
export interface Bundle {
  data: Record<string, string>
  /** Base64 of gzip: as plain text they would not fit into a ConfigMap. */
  binaryData: Record<string, string>
  hash: string
}

/** Unpacks one of the programs beside it and runs it: node run.mjs hook <arguments>. */
const RUN = `import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'
const [name] = process.argv.splice(2, 1)
const scratch = '/run/sluice/scratch'
const file = join(mkdtempSync(join(existsSync(scratch) ? scratch : tmpdir(), 'sluice-')), name + '.mjs')
writeFileSync(file, gunzipSync(readFileSync(join(import.meta.dirname, name + '.mjs.gz'))))
await import(pathToFileURL(file).href)
`

/** A ConfigMap holds no more. */
const LIMIT = 1_000_000

/** @param folder the checkout */
export function bundleHook(folder: string): Bundle {
  const { outputFiles } = buildSync({
    absWorkingDir: folder,
    entryPoints: {
      hook: 'hooks/cluster.ts',
      backup: 'hooks/cluster-backup.ts',
      command: 'hooks/cluster-command.ts',
    },
    outdir: join(folder, 'out'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    write: false,
    legalComments: 'none',
    external: ['pg-native'],
    // What is CommonJS inside asks for `require`.
    banner: {
      js: "import { createRequire as sluiceRequire } from 'node:module'; const require = sluiceRequire(import.meta.url);",
    },
  })
  const binaryData = Object.fromEntries(
    outputFiles.map(({ path, contents }) => [
      `${basename(path)}.gz`,
      gzipSync(contents, { level: 9 }).toString('base64'),
    ]),
  )
  const data = { 'run.mjs': RUN }
  const bytes = Buffer.byteLength(JSON.stringify({ data, binaryData }))
  if (bytes > LIMIT) {
    throw new Error(`the bundled hook has ${bytes} bytes; a ConfigMap holds ${LIMIT}`)
  }
  const hash = createHash('sha256').update(JSON.stringify(outputFiles.map(({ hash }) => hash)))
  return { data, binaryData, hash: hash.digest('hex').slice(0, 16) }
}
