import { randomInt } from 'node:crypto'
import {
  type Service as AwsService,
  type ContainerDefinition,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  ListClustersCommand,
  ListServicesCommand,
  ListTasksCommand,
} from '@aws-sdk/client-ecs'
import {
  DeregisterTargetsCommand,
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { type ContainerProcess, startContainer } from './container-process.ts'

const LOOK_MS = 150
/** Its own calls are told from those of what is tested. */
const AS_ECS = { credentials: { accessKeyId: 'ecs', secretAccessKey: 'none of the real ones' } }

export interface EcsOptions {
  /** Of the bed's moto. */
  endpoint: string
  /** What an image would run by itself, by its name; its processes start in `cwd`. */
  images: Record<string, string[]>
  cwd: string
  /** How often it looks; default 150. */
  lookMs?: number
}

/** A task of a service, and where it answers. */
interface Served {
  process: ContainerProcess
  definition: string
  target?: { group: string; Id: string; Port: number }
  ready: boolean
}

/**
 * What moto lacks of ECS: it runs something. Tasks that are stored as RUNNING, and the tasks of
 * services, are processes of this machine, each on an address of its own on loopback; how they end is
 * reported, and those of services are replaced and registered with their target groups. A stand-in: no
 * image is pulled, nothing is placed, isolated or limited, and no role is taken.
 */
export class EcsHarness {
  readonly #options: EcsOptions
  readonly #ecs = new ECSClient(AS_ECS)
  readonly #secrets = new SecretsManagerClient(AS_ECS)
  readonly #elb = new ElasticLoadBalancingV2Client(AS_ECS)
  readonly #tasks = new Map<string, ContainerProcess>()
  readonly #served = new Map<string, Served[]>()
  readonly #definitions = new Map<string, ContainerDefinition>()
  readonly #net = `127.${randomInt(64, 120)}.${randomInt(1, 250)}`
  #next = 1
  #stopped = false
  #looping: Promise<void> = Promise.resolve()
  /** Every command that was started, in order. */
  readonly started: { name: string; command: string[] }[] = []
  readonly problems: string[] = []

  constructor(options: EcsOptions) {
    this.#options = options
  }

  start(): void {
    this.#looping = this.#loop()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#looping
    const served = [...this.#served.values()].flat().map(({ process }) => process)
    await Promise.all([...this.#tasks.values(), ...served].map((one) => one.end('SIGKILL')))
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      await this.#look().catch((error: Error) => this.problems.push(error.message))
      await new Promise((resolve) => setTimeout(resolve, this.#options.lookMs ?? LOOK_MS))
    }
  }

  async #look(): Promise<void> {
    const { clusterArns = [] } = await this.#ecs.send(new ListClustersCommand({}))
    for (const cluster of clusterArns) {
      await this.#lookAtTasks(cluster)
      await this.#lookAtServices(cluster)
    }
  }

  async #lookAtTasks(cluster: string): Promise<void> {
    const { taskArns = [] } = await this.#ecs.send(
      new ListTasksCommand({ cluster, desiredStatus: 'RUNNING' }),
    )
    for (const [arn, process] of this.#tasks) {
      // Somebody has stopped it.
      if (!taskArns.includes(arn) && !process.ended) await process.end('SIGTERM')
    }
    const fresh = taskArns.filter((arn) => !this.#tasks.has(arn))
    if (fresh.length === 0) return
    const { tasks = [] } = await this.#ecs.send(new DescribeTasksCommand({ cluster, tasks: fresh }))
    for (const { taskArn = '', taskDefinitionArn = '', overrides } of tasks) {
      const own = overrides?.containerOverrides?.[0]
      const process = await this.#run(taskDefinitionArn, {
        command: own?.command,
        environment: own?.environment,
      })
      this.#tasks.set(taskArn, process)
      void process.over.then(async ({ code, reason }) => {
        await this.#tell('tasks', { arn: taskArn, code, reason })
      })
    }
  }

  async #lookAtServices(cluster: string): Promise<void> {
    const { serviceArns = [] } = await this.#ecs.send(new ListServicesCommand({ cluster }))
    if (serviceArns.length === 0) return
    const { services = [] } = await this.#ecs.send(
      new DescribeServicesCommand({ cluster, services: serviceArns.slice(0, 10) }),
    )
    for (const service of services) await this.#keep(service)
  }

  /** As many healthy tasks of the present definition as are wanted; then those of the one before go. */
  async #keep(service: AwsService): Promise<void> {
    const { serviceArn = '', status, taskDefinition = '', loadBalancers = [] } = service
    const wanted = status === 'ACTIVE' ? (service.desiredCount ?? 0) : 0
    const all = (this.#served.get(serviceArn) ?? []).filter(({ process }) => !process.ended)
    const now = all.filter(({ definition }) => definition === taskDefinition)
    for (let more = now.length; more < wanted; more++) {
      const process = await this.#run(taskDefinition, {})
      const one: Served = { process, definition: taskDefinition, ready: false }
      now.push(one)
      all.push(one)
    }
    const [behind] = loadBalancers
    for (const one of now) {
      if (one.ready) continue
      if (behind?.targetGroupArn === undefined) one.ready = true
      else await this.#register(one, behind.targetGroupArn, behind.containerPort ?? 80)
    }
    const settled = now.slice(0, wanted).every(({ ready }) => ready)
    const going = all.filter(
      (one) => (one.definition !== taskDefinition && settled) || now.indexOf(one) >= wanted,
    )
    for (const one of going) await this.#take(one)
    const kept = all.filter((one) => !going.includes(one))
    this.#served.set(serviceArn, kept)
    const count = now.filter((one) => one.ready && !going.includes(one)).length
    if (count !== service.runningCount) await this.#tell('services', { arn: serviceArn, count })
  }

  async #register(one: Served, group: string, port: number): Promise<void> {
    const { TargetGroups } = await this.#elb.send(
      new DescribeTargetGroupsCommand({ TargetGroupArns: [group] }),
    )
    const path = TargetGroups?.[0]?.HealthCheckPath ?? '/'
    const url = `http://${one.process.address}:${port}${path}`
    const answers = await fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
      ({ ok }) => ok,
      () => false,
    )
    if (!answers) return
    one.target = { group, Id: one.process.address, Port: port }
    const Targets = [{ Id: one.target.Id, Port: port }]
    await this.#elb.send(new RegisterTargetsCommand({ TargetGroupArn: group, Targets }))
    one.ready = true
  }

  async #take({ process, target }: Served): Promise<void> {
    if (target) {
      const Targets = [{ Id: target.Id, Port: target.Port }]
      // A group that is deleted with its service has no targets any more.
      await this.#elb
        .send(new DeregisterTargetsCommand({ TargetGroupArn: target.group, Targets }))
        .catch(() => {})
    }
    await process.end('SIGTERM')
  }

  async #run(
    definitionArn: string,
    own: { command?: string[]; environment?: { name?: string; value?: string }[] },
  ): Promise<ContainerProcess> {
    const definition = await this.#definition(definitionArn)
    const { image = '', name = '', environment = [], secrets = [] } = definition
    const command = own.command ?? definition.command ?? this.#options.images[image]
    const variables = [...environment, ...(own.environment ?? [])].map((one) => [
      one.name ?? '',
      one.value ?? '',
    ])
    const read = await Promise.all(
      secrets.map(async (one) => [one.name ?? '', await this.#secret(one.valueFrom ?? '')]),
    )
    this.started.push({ name, command: command ?? [] })
    return startContainer({
      command: command ?? [],
      cwd: this.#options.cwd,
      address: `${this.#net}.${this.#next++}`,
      environment: Object.fromEntries([...variables, ...read]),
    })
  }

  async #definition(arn: string): Promise<ContainerDefinition> {
    const known = this.#definitions.get(arn)
    if (known) return known
    const { taskDefinition } = await this.#ecs.send(
      new DescribeTaskDefinitionCommand({ taskDefinition: arn }),
    )
    const definition = taskDefinition?.containerDefinitions?.[0] ?? {}
    this.#definitions.set(arn, definition)
    return definition
  }

  /** `<arn>:<key>::`, as ECS takes one value of an entry. */
  async #secret(valueFrom: string): Promise<string> {
    const [, SecretId, key] = /^(.+):([^:]*)::$/.exec(valueFrom) ?? []
    const { SecretString } = await this.#secrets.send(new GetSecretValueCommand({ SecretId }))
    const value = (JSON.parse(SecretString ?? '{}') as Record<string, string>)[key ?? '']
    if (value === undefined) throw new Error(`the secret ${SecretId} has no key ${key}`)
    return value
  }

  async #tell(what: 'tasks' | 'services', body: object): Promise<void> {
    await fetch(`${this.#options.endpoint}/bed/${what}`, {
      method: 'PUT',
      body: JSON.stringify(body),
    }).catch(() => {})
  }
}
