// What the engine starts. Pulumi would compile a TypeScript pack with ts-node at every start (two
// seconds); bundling it here, in memory, takes some hundredths of one, and is never stale.
const { buildSync } = require('esbuild')
const { Module } = require('node:module')
const path = require('node:path')

const { outputFiles } = buildSync({
  entryPoints: [path.join(__dirname, 'index.ts')],
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  write: false,
  logLevel: 'silent',
})

const bundle = new Module(path.join(__dirname, 'index.cjs'), module)
bundle.filename = bundle.id
bundle.paths = module.paths
bundle._compile(outputFiles[0].text, bundle.filename)
