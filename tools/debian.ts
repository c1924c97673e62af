// Programs from Debian's packages (or Ubuntu's), unpacked without root and without installing.
import * as fs from 'node:fs'
import path from 'node:path'
import { cacheDirectory } from './cache.ts'
import { lastLines, runChild } from './child.ts'
import { withLock } from './lock.mjs'
import type { ProgramGroup } from './program-list.ts'
import { isExecutable, pathDirectories } from './programs.ts'
import { duration, type Say, withProgress } from './progress.ts'

/** One package as apt names it. */
export type DebianPackage = { name: string; version: string; architecture: string; file: string }

/** The C library and the compilers' runtimes are the system's: a second copy would not fit it. */
const FROM_SYSTEM =
  /^(libc6|libc-bin|libgcc-s1|libstdc\+\+6|gcc-\d+-base|libcrypt1|libc-l10n|libperl[\d.]+|libllvm.*|libz3-.*)$/
const LIBRARY = /^(lib|zlib1g)/

/** Whether packages can be had here. */
export function hasApt(): boolean {
  const find = (name: string) =>
    pathDirectories(process.env).some((directory) => isExecutable(path.join(directory, name)))
  return find('apt-get') && find('dpkg')
}

/** What, next to the names of the packages, determines what a download brings. */
export function distribution(): string {
  try {
    const release = fs.readFileSync('/etc/os-release', 'utf8')
    const field = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(release)?.[1] ?? ''
    return `${field('ID')} ${field('VERSION_ID')} ${process.arch}`
  } catch {
    return `${process.platform} ${process.arch}`
  }
}

/** Reads the lines of `apt-get --print-uris`: 'url' file size hash. */
export function parsePrintedUris(output: string): DebianPackage[] {
  const packages: DebianPackage[] = []
  for (const line of output.split('\n')) {
    const file = /^'[^']+' (\S+\.deb) /.exec(line)?.[1]
    const [name, version, architecture] =
      file?.slice(0, -4).split('_').map(decodeURIComponent) ?? []
    if (file && name && version && architecture) {
      packages.push({ name, version, architecture, file })
    }
  }
  return packages
}

/** Of a whole closure, the packages whose files are needed: the programs and their libraries. */
export function neededPackages(closure: DebianPackage[], wanted: string[]): DebianPackage[] {
  // `postgresql` only names the package of the current version.
  const isWanted = (name: string) =>
    wanted.some((one) => name === one || new RegExp(`^${one}(-client)?-\\d+$`).test(name))
  return closure.filter(
    ({ name, architecture }) =>
      isWanted(name) || (LIBRARY.test(name) && architecture !== 'all' && !FROM_SYSTEM.test(name)),
  )
}

/** Downloads a group's packages and unpacks them with wrappers in `directory`/bin. */
export async function unpackGroup(
  group: ProgramGroup,
  directory: string,
  say: Say,
): Promise<{ [name: string]: string }> {
  const downloads = path.join(cacheDirectory(), 'downloads')
  return withLock(
    path.join(cacheDirectory(), 'downloads.lock'),
    async () => {
      const since = performance.now()
      const apt = await preparedApt(downloads, say)
      const packages = await withProgress(
        say,
        `downloading ${group.debian.join(', ')} and what it needs`,
        (elapsed) => `still downloading, ${elapsed}`,
        () => download(group, apt, downloads),
      )
      const root = path.join(directory, 'root')
      fs.mkdirSync(root)
      for (const { file } of packages) {
        await mustRun('dpkg', ['-x', path.join(downloads, file), root], downloads)
      }
      prune(root)
      writeWrappers(group, directory)
      say(`unpacked after ${duration(performance.now() - since)}`)
      return Object.fromEntries(packages.map(({ name, version }) => [name, version]))
    },
    (pid) => say(`waiting for process ${pid}, which is downloading`),
  )
}

let updated: string[] | undefined

/** apt's lists in the cache, as against a system where nothing is installed: so nothing is missed. */
async function preparedApt(downloads: string, say: Say): Promise<string[]> {
  const state = path.join(downloads, 'apt')
  // Another set-up may have finished meanwhile and forgotten the downloads.
  if (updated && fs.existsSync(path.join(state, 'status'))) return updated
  fs.mkdirSync(path.join(state, 'lists', 'partial'), { recursive: true })
  fs.mkdirSync(path.join(state, 'cache', 'archives', 'partial'), { recursive: true })
  fs.writeFileSync(path.join(state, 'status'), '')
  const options = [
    `Dir::State=${state}`,
    `Dir::State::status=${state}/status`,
    `Dir::Cache=${state}/cache`,
    'Debug::NoLocking=1',
    // As root, apt would download as a user that cannot write here.
    'APT::Sandbox::User=',
    'Acquire::Retries=2',
  ].flatMap((option) => ['-o', option])
  await withProgress(
    say,
    'reading the lists of packages',
    (elapsed) => `still reading the lists of packages, ${elapsed}`,
    () => mustRun('apt-get', [...options, 'update'], state),
  )
  updated = options
  return options
}

async function download(group: ProgramGroup, apt: string[], into: string) {
  const install = ['--print-uris', '-y', '--no-install-recommends', 'install', ...group.debian]
  const closure = parsePrintedUris(await mustRun('apt-get', [...apt, ...install], into))
  const packages = neededPackages(closure, group.debian)
  // apt-get checks each file against the signed lists, those of an interrupted download too.
  const names = packages.map(({ name, version }) => `${name}=${version}`)
  await mustRun('apt-get', [...apt, 'download', ...names], into)
  return packages
}

async function mustRun(command: string, args: string[], cwd: string): Promise<string> {
  const { code, output } = await runChild(command, args, { cwd })
  if (code === 0) return output
  const task = args.filter((argument) => !argument.includes('::') && argument !== '-o')
  throw new Error(
    `\`${command} ${task.slice(0, 6).join(' ')}\` ended with code ${code}:\n${lastLines(output)}\n` +
      'Check the network, then run `npm run setup` again; what has been downloaded is kept.',
  )
}

/** PostgreSQL's compiler of queries needs LLVM, 100 MB; without its plugin it does without. */
function prune(root: string): void {
  for (const folder of fs.globSync('usr/lib/postgresql/*/lib', { cwd: root })) {
    for (const name of ['llvmjit.so', 'llvmjit_types.bc', 'bitcode']) {
      fs.rmSync(path.join(root, folder, name), { recursive: true, force: true })
    }
  }
  fs.rmSync(path.join(root, 'usr', 'share', 'doc'), { recursive: true, force: true })
}

/** The libraries stand where the system's loader does not look, so a wrapper names their folders. */
function writeWrappers(group: ProgramGroup, directory: string): void {
  const root = path.join(directory, 'root')
  const bin = path.join(directory, 'bin')
  fs.mkdirSync(bin)
  const libraries = fs
    .globSync(['usr/lib/*-linux-*', 'lib/*-linux-*'], { cwd: root })
    .map((folder) => `$root/${folder}`)
  for (const program of group.programs) {
    const real = fs
      .globSync([`usr/lib/postgresql/*/bin/${program}`, `usr/{bin,sbin}/${program}`], { cwd: root })
      .concat(fs.globSync(`{bin,sbin}/${program}`, { cwd: root }))[0]
    if (!real) {
      throw new Error(
        `The Debian package ${group.debian.join(', ')} of this system has no \`${program}\`.\n` +
          `Install ${group.name} so that it is on PATH, then run \`npm run setup\` again.`,
      )
    }
    const script = [
      '#!/bin/sh',
      'root=${0%/*}/../root',
      `LD_LIBRARY_PATH="${libraries.join(':')}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"`,
      'export LD_LIBRARY_PATH',
      `exec "$root/${real}" "$@"`,
    ]
    fs.writeFileSync(path.join(bin, program), `${script.join('\n')}\n`, { mode: 0o755 })
  }
}

/** Forgets the downloads, which are worth something only until their programs are in place. */
export function forgetDownloads(): Promise<void> {
  const downloads = path.join(cacheDirectory(), 'downloads')
  if (!fs.existsSync(downloads)) return Promise.resolve()
  return withLock(`${downloads}.lock`, () => fs.rmSync(downloads, { recursive: true, force: true }))
}
