// The end of the set-up: a preview of a stack that is thrown away. It shows that engine, language
// runtime, program and provider work together here, and leaves their compiled code behind, from
// which every later preview starts. Elsewhere that code is only used where it is: to write it makes
// a single preview, such as one in CI, slower by a fifth.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { checkout, compiledDirectory } from './checkout.ts'
import { type Ended, lastLines, runChild } from './child.ts'
import { sluiceEnvironment } from './environment.ts'
import { duration, type Say } from './progress.ts'

/** Previews once in a checkout. One that fails is told: the program may be in the middle of an edit. */
export async function ensureFirstPreview(say: Say): Promise<void> {
  if (existsSync(compiledDirectory)) return
  const started = performance.now()
  const { code, output } = await preview()
  if (code === 0) {
    mkdirSync(compiledDirectory, { recursive: true })
    return say(`a first preview works, ${duration(performance.now() - started)}`)
  }
  rmSync(compiledDirectory, { recursive: true, force: true })
  say(
    `a first preview, of a stack that is made for it, ended with code ${code}:\n` +
      `${lastLines(output)}\n` +
      '  Nothing else was changed. If this checkout has no edits of yours, node_modules are damaged: ' +
      'rm -rf node_modules, then type the same again.',
  )
}

async function preview(): Promise<Ended> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-setup-'))
  try {
    // Pulumi writes the config of a new stack beside the project: so that it is not the checkout's.
    writeFileSync(path.join(folder, 'Pulumi.yaml'), 'name: sluice\nruntime: nodejs\n')
    mkdirSync(path.join(folder, 'state'))
    const config = path.join(folder, 'Pulumi.setup.yaml')
    const env = {
      ...process.env,
      ...sluiceEnvironment(),
      PULUMI_BACKEND_URL: `file://${path.join(folder, 'state')}`,
      PULUMI_HOME: path.join(folder, 'pulumi'),
      PULUMI_CONFIG_PASSPHRASE: '',
      PULUMI_STACK: '',
      SLUICE_HOME: path.join(folder, 'homes'),
      NODE_COMPILE_CACHE: compiledDirectory,
    }
    const pulumi = (...args: string[]) =>
      runChild('pulumi', [...args, '--non-interactive'], { cwd: checkout, env })
    const made = await pulumi('stack', 'init', 'setup', '-C', folder)
    if (made.code !== 0) return made
    writeFileSync(
      config,
      'config:\n  sluice:plan: huntred.plan.yaml\n  sluice:platform: local\n  sluice:step: start\n',
    )
    return await pulumi('preview', '-s', 'setup', '--config-file', config)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
