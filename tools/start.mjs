// The way in: `npm run setup | demo | bench` and `npm test` from a fresh clone.
//
// Plain JavaScript for Node 20 and newer, because it runs on the system's Node, before node_modules
// exist. It brings node_modules up to date, has the set-up run on the Node of the lock file, and
// then starts the task's own program in the environment that the set-up answers with.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import path from 'node:path'
import { withLock } from './lock.mjs'

const root = path.dirname(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname))
const modules = path.join(root, 'node_modules')
const marker = path.join(modules, '.sluice-lock-hash')
const node = path.join(modules, '.bin', 'node')

const tasks = {
  setup: { setup: [] },
  demo: { setup: ['--quiet', '--without-bench'], program: 'tools/demo.ts' },
  test: { setup: ['--quiet'], program: 'tools/test.ts' },
  bench: { setup: ['--quiet'], program: 'bench/run.ts' },
}

class Stop extends Error {}

const say = (line) => process.stderr.write(`${line}\n`)

async function main([name, ...args]) {
  const task = Object.hasOwn(tasks, name ?? '') ? tasks[name] : undefined
  if (!task) {
    throw new Stop(
      `tools/start.mjs: the task is one of ${Object.keys(tasks).join(', ')}; ` +
        `given: ${name ?? 'nothing'}.\nType for example: npm run demo`,
    )
  }
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new Stop(
      `This is Node ${process.versions.node}; Sluice starts on Node 20 or newer, and then brings ` +
        'its own.\nInstall a newer one (https://nodejs.org), then type the same again.',
    )
  }
  await installModules()
  const answer = await child(node, [file('tools/setup.ts'), ...task.setup], process.env, true)
  if (!task.program) return
  if (!fs.existsSync(file(task.program))) {
    throw new Stop(`The program of this task is missing: ${task.program}. Type: git status`)
  }
  await child(node, [file(task.program), ...args], { ...process.env, ...answer?.environment })
}

function file(relative) {
  return path.join(root, relative)
}

async function installModules() {
  const wanted = createHash('sha256')
    .update(fs.readFileSync(file('package-lock.json')))
    .digest('hex')
  if (upToDate(wanted)) return
  await withLock(
    file('.sluice/install.lock'),
    async () => {
      if (upToDate(wanted)) return
      if (!installedMatches()) await npmCi()
      fs.writeFileSync(marker, wanted)
    },
    (pid) => say(`Waiting for process ${pid}, which is installing node modules here.`),
  )
}

function upToDate(wanted) {
  try {
    return fs.readFileSync(marker, 'utf8') === wanted && fs.existsSync(node)
  } catch {
    return false
  }
}

/** Whether somebody's own `npm ci` has already put there what the lock file says. */
function installedMatches() {
  try {
    const read = (name) => JSON.parse(fs.readFileSync(name, 'utf8')).packages
    const installed = read(path.join(modules, '.package-lock.json'))
    const wanted = Object.entries(read(file('package-lock.json'))).filter(([name]) => name !== '')
    return (
      fs.existsSync(node) &&
      wanted.every(([name, { version, optional }]) =>
        installed[name] ? installed[name].version === version : optional,
      ) &&
      Object.keys(installed).every((name) => wanted.some(([known]) => known === name))
    )
  } catch {
    return false
  }
}

async function npmCi() {
  say('Installing node modules: usually half a minute to two minutes.')
  const since = Date.now()
  const timer = setInterval(
    () => say(`Still installing node modules, ${Math.round((Date.now() - since) / 1000)} s.`),
    15_000,
  )
  // The development dependencies are needed whatever NODE_ENV says: Node itself is one of them.
  const options = ['--include=dev', '--no-audit', '--no-fund']
  try {
    let { code, output } = await npm(['ci', ...options])
    // A registry that does not carry the builds of other systems makes npm write a lock file
    // without them, which `npm ci` then refuses. What is locked is still what gets installed here,
    // and that is checked below.
    if (code !== 0 && /^npm error Missing: .* from lock file$/m.test(output)) {
      ;({ code, output } = await npm(['install', '--no-save', ...options]))
    }
    if (code !== 0) {
      throw new Stop(
        `npm could not install the packages (code ${code}):\n${output.trimEnd().slice(-3000)}\n` +
          'If the registry could not be reached: check the network and the `registry` of ' +
          '`npm config list`, then type the same again.',
      )
    }
  } finally {
    clearInterval(timer)
  }
  if (!fs.existsSync(node)) {
    throw new Stop(
      'npm has installed the packages, but not the Node that Sluice runs on (node_modules/.bin/node).\n' +
        'Are install scripts switched off? Type: npm rebuild node --ignore-scripts=false',
    )
  }
  if (!installedMatches()) {
    throw new Stop(
      'What npm has installed is not what package-lock.json says.\n' +
        'Type: rm -rf node_modules, then the same again.',
    )
  }
  say(`Node modules are installed, ${Math.round((Date.now() - since) / 1000)} s.`)
}

/** Runs npm; its warnings about engines are no news, so its output is kept for a failure. */
function npm(args) {
  return new Promise((resolve, reject) => {
    const running = spawn('npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [running.stdout, running.stderr]) {
      stream.on('data', (data) => {
        output += data
      })
    }
    const stopListening = passSignals(running)
    running.once('error', (error) => {
      stopListening()
      if (error.code !== 'ENOENT') return reject(error)
      reject(
        new Stop(
          '`npm` is not on PATH. It comes with Node: install Node 20 or newer ' +
            '(https://nodejs.org), then type the same again.',
        ),
      )
    })
    running.once('close', (code, signal) => {
      stopListening()
      if (signal) process.kill(process.pid, signal)
      else resolve({ code, output })
    })
  })
}

/** Passes signals on to a child; returns how to stop that. */
function passSignals(running) {
  const handlers = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => {
    const pass = () => {
      // Ctrl-C reaches the whole foreground group by itself; twice would mean "at once" to Pulumi.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) running.kill(signal)
    }
    process.on(signal, pass)
    return [signal, pass]
  })
  return () => {
    for (const [signal, pass] of handlers) process.off(signal, pass)
  }
}

/** Runs a program to its end, passing on signals; a failure ends this process in the same way. */
function child(command, args, env, answers = false) {
  return new Promise((resolve, reject) => {
    const stdio = answers ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit'
    const running = spawn(command, args, { cwd: root, env, stdio })
    let answer
    running.on('message', (message) => {
      answer = message
    })
    const stopListening = passSignals(running)
    running.once('error', (error) => {
      stopListening()
      reject(error)
    })
    running.once('close', (code, signal) => {
      stopListening()
      if (signal) process.kill(process.pid, signal)
      else if (code !== 0) process.exit(code ?? 1)
      else resolve(answer)
    })
  })
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  say(error instanceof Stop ? error.message : (error.stack ?? String(error)))
  process.exitCode = 1
}
