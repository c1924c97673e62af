// The inside of the bed: the first process of its namespaces. When it ends, everything ends.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { ApiError, ClusterApi } from '../../../platforms/kubernetes/api.ts'
import { kubeconfigAccess } from '../../../platforms/kubernetes/kubeconfig.ts'
import { tellMemory } from './metrics-server-stand-in.ts'
import { writePrometheusConfig, writeTargets } from './monitoring.ts'
import { podMonitorDefinition } from './pod-monitor.ts'
import { PodRunner } from './pods.ts'
import { prometheusRuleDefinition } from './prometheus-rule.ts'
import { relay } from './relay.ts'
import { followRules } from './rules.ts'
import {
  ADMIN_TOKEN,
  API_ADDRESS,
  type BedSettings,
  CARRIED,
  PORTS,
  RULES_FOLDER,
  TRAEFIK_TOKEN,
} from './settings.ts'
import { gatewayObjects } from './traefik.ts'

const settings = JSON.parse(process.argv[2] ?? '') as BedSettings
const { folder, programs, throttle } = settings
const at = (...parts: string[]) => join(folder, ...parts)
const children = new Map<string, ChildProcess>()
const url = `https://127.0.0.1:${PORTS.api}`

for (const line of [
  ['link', 'set', 'lo', 'up'],
  ['addr', 'add', `${API_ADDRESS}/32`, 'dev', 'lo'],
]) {
  spawnSync('ip', line, { stdio: 'inherit' })
}
for (const name of ['logs', 'etcd', 'certs', 'pods', 'prometheus/rules', 'prometheus/data']) {
  mkdirSync(at(name), { recursive: true })
}
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
writeFileSync(at('sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
writeFileSync(at('sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 })
writeFileSync(
  at('tokens.csv'),
  `${ADMIN_TOKEN},admin,admin-uid,"system:masters"\n${TRAEFIK_TOKEN},traefik,traefik-uid,"system:masters"\n`,
  { mode: 0o600 },
)

/** What the outside may take away and give back, by name. */
const starters: Record<string, () => void> = {
  etcd: () =>
    start('etcd', programs.etcd, [
      `--data-dir=${at('etcd')}`,
      '--unsafe-no-fsync',
      `--listen-client-urls=http://127.0.0.1:${PORTS.etcd}`,
      `--advertise-client-urls=http://127.0.0.1:${PORTS.etcd}`,
      `--listen-peer-urls=http://127.0.0.1:${PORTS.etcd + 1}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${PORTS.etcd + 1}`,
      `--initial-cluster=default=http://127.0.0.1:${PORTS.etcd + 1}`,
      '--log-level=error',
    ]),
  api: () =>
    start('api', programs.apiserver, [
      `--etcd-servers=http://127.0.0.1:${PORTS.etcd}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${PORTS.api}`,
      `--cert-dir=${at('certs')}`,
      `--token-auth-file=${at('tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.0.0.0/16',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${at('sa.pub')}`,
      `--service-account-signing-key-file=${at('sa.key')}`,
      `--advertise-address=${API_ADDRESS}`,
    ]),
  controllers: () => {
    writeKubeconfig(at('kubeconfig'))
    start('controllers', programs.controllerManager, [
      `--kubeconfig=${at('kubeconfig')}`,
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
      `--cert-dir=${at('certs')}`,
      `--service-account-private-key-file=${at('sa.key')}`,
      `--controllers=${[
        ...['deployment', 'replicaset', 'endpointslice', 'job', 'serviceaccount', 'namespace'],
        ...['garbage-collector', 'persistentvolumeclaim-protection'],
      ]
        .map((name) => `${name}-controller`)
        .join(',')}`,
    ])
  },
  traefik: () =>
    start('traefik', programs.traefik, [
      `--entrypoints.web.address=127.0.0.1:${PORTS.gateway}`,
      `--entrypoints.metrics.address=127.0.0.1:${PORTS.traefik}`,
      '--providers.kubernetesgateway=true',
      `--providers.kubernetesgateway.endpoint=${url}`,
      `--providers.kubernetesgateway.token=${TRAEFIK_TOKEN}`,
      `--providers.kubernetesgateway.certauthfilepath=${at('certs', 'apiserver.crt')}`,
      `--providers.providersthrottleduration=${throttle}`,
      '--metrics.prometheus=true',
      '--metrics.prometheus.entrypoint=metrics',
      '--metrics.prometheus.addserviceslabels=true',
      '--metrics.prometheus.buckets=0.002,0.005,0.01,0.025,0.05,0.1,0.25,1,2.5,5,10',
      '--global.checknewversion=false',
      '--global.sendanonymoususage=false',
    ]),
  prometheus: () => {
    writePrometheusConfig(settings)
    start('prometheus', programs.prometheus, [
      `--config.file=${at('prometheus', 'prometheus.yml')}`,
      `--storage.tsdb.path=${at('prometheus', 'data')}`,
      `--web.listen-address=127.0.0.1:${PORTS.prometheus}`,
      '--rules.alert.resend-delay=1s',
      '--query.lookback-delta=5s',
      '--log.level=warn',
    ])
  },
}

function start(name: string, program: string, args: string[]): void {
  const log = openSync(at('logs', `${name}.log`), 'a')
  const child = spawn(program, args, { stdio: ['ignore', log, log], cwd: folder })
  children.set(name, child)
}

function writeKubeconfig(file: string): void {
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'bed',
          cluster: { server: url, 'certificate-authority': at('certs', 'apiserver.crt') },
        },
      ],
      users: [{ name: 'admin', user: { token: ADMIN_TOKEN } }],
      contexts: [{ name: 'bed', context: { cluster: 'bed', user: 'admin' } }],
      'current-context': 'bed',
    }),
    { mode: 0o600 },
  )
}

async function until(what: string, is: () => Promise<boolean>, seconds = 60): Promise<void> {
  const end = performance.now() + seconds * 1_000
  while (!(await is().catch(() => false))) {
    if (performance.now() > end) throw new Error(`the bed waited ${seconds} s for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Creates whatever is not there yet; what needs a definition that is still coming is tried again. */
async function ensure(api: ClusterApi, path: string, object: object): Promise<void> {
  const { kind, metadata } = object as { kind: string; metadata: { name: string } }
  await until(`${kind} ${metadata.name}`, async () => {
    try {
      await api.create(path, object)
      return true
    } catch (error) {
      return error instanceof ApiError && error.reason === 'AlreadyExists'
    }
  })
}

const say = (line: string) => process.stdout.write(`${line}\n`)

starters['etcd']?.()
starters['api']?.()
await until('the certificate of the API server', async () =>
  readFileSync(at('certs', 'apiserver.crt'), 'utf8').includes('END'),
)
writeKubeconfig(at('kubeconfig'))
const api = new ClusterApi(kubeconfigAccess(undefined, at('kubeconfig')))
await until('the API server', async () => (await api.raw('GET', '/readyz')).status === 200)
say('api')
starters['controllers']?.()
const definitions = readdirSync(programs.gatewayDefinitions)
  .flatMap((file) =>
    parseAllDocuments(readFileSync(join(programs.gatewayDefinitions, file), 'utf8')),
  )
  .map((document) => document.toJS() as { kind: string; metadata: { name: string } })
await Promise.all(
  [...definitions, prometheusRuleDefinition].map((object) =>
    object?.kind === 'CustomResourceDefinition'
      ? ensure(api, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', object)
      : undefined,
  ),
)
for (const { path, object } of gatewayObjects()) await ensure(api, path, object)
await until('the default service account', async () => {
  await api.get('/api/v1/namespaces/default/serviceaccounts/default')
  return true
})
starters['traefik']?.()
starters['prometheus']?.()
const certificate = readFileSync(at('certs', 'apiserver.crt'), 'utf8')
const pods = new PodRunner(api, folder, certificate, PORTS.api, (targets) =>
  writeTargets(folder, targets),
)
await pods.start()
await ensure(api, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', podMonitorDefinition)
await tellMemory(api, () => pods.memory())
for (const name of CARRIED) await relay({ path: at(`${name}.sock`) }, { port: PORTS[name] })
await until('Prometheus', async () => {
  const answer = await fetch(`http://127.0.0.1:${PORTS.prometheus}/-/ready`)
  return answer.ok
})
followRules(api, at(RULES_FOLDER), () => children.get('prometheus')?.kill('SIGHUP'))
say('ready')

// The outside takes parts away and gives them back: `stop api`, `start api`, `kill api`.
process.stdin.setEncoding('utf8')
process.stdin.on('data', (text: string) => {
  for (const line of text.split('\n')) {
    const [verb, name = ''] = line.split(' ')
    const child = children.get(name)
    const done = () => say(`done ${line}`)
    if (verb === 'start') {
      starters[name]?.()
      done()
    } else if (verb === 'stop' && child) {
      if (child.exitCode !== null || child.signalCode !== null) done()
      else {
        child.once('exit', done)
        child.kill('SIGKILL')
      }
    }
  }
})
process.stdin.on('end', () => process.exit(0))
