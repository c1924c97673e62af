import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runInJob } from '../../hooks/cluster-jobs.ts'
import { runCommand } from '../../hooks/command.ts'
import { outcomeText, readOutcome } from '../../hooks/command-outcome.ts'
import { LEFT } from '../../hooks/surroundings.ts'
import { ClusterApi } from '../../platforms/kubernetes/api.ts'
import { OUTCOME_BYTES } from '../../platforms/kubernetes/manifests/command.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { json, Site } from '../site.ts'

const { plan } = parsePlan({
  name: 'shop',
  services: { api: { blue: { existing: 'a', port: 80 }, green: { existing: 'b', port: 80 } } },
  steps: [50, 100],
  guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
  runner: { image: 'tools:1' },
  kubernetes: { secret: 'shop-env' },
})
const place = { name: 'shop', namespace: 'default' }
const command = {
  what: 'copy',
  run: ['copy', '--all'],
  environment: { SLUICE_POSITION: 'start', TOKEN: 'env:COPY_TOKEN' },
  timeoutMs: 60_000,
}

interface Manifest {
  metadata: { name: string; labels: Record<string, string> }
  spec: { template: { spec: { automountServiceAccountToken: boolean; containers: Container[] } } }
}
interface Container {
  image: string
  env: object[]
  envFrom: object[]
}

/** Just enough of an API server: Jobs that are kept, and a pod of each as a test wants it. */
class Jobs {
  readonly kept = new Map<string, Manifest & { status?: object }>()
  readonly deleted: string[] = []
  pod: object | undefined
  #site: Site | undefined

  async start(): Promise<ClusterApi> {
    this.#site = await Site.open((request, response) => {
      const url = new URL(request.url, 'http://api')
      const name = url.pathname.split('/').at(-1) as string
      const send = (value: unknown, status = 200) => json(response, value, status)
      if (name === 'pods') return send({ items: this.pod ? [this.pod] : [] })
      if (request.method === 'POST') {
        const job = JSON.parse(request.body) as Manifest
        this.kept.set(job.metadata.name, job)
        return send(job, 201)
      }
      if (request.method === 'DELETE') {
        this.deleted.push(name)
        this.kept.delete(name)
        return send({})
      }
      if (name === 'jobs') {
        const [key, value] = (url.searchParams.get('labelSelector') ?? '').split('=') as [
          string,
          string,
        ]
        const items = [...this.kept.values()].filter(
          ({ metadata }) => metadata.labels[key] === value,
        )
        return send({ items })
      }
      const found = this.kept.get(name)
      return found ? send(found) : send({ reason: 'NotFound', message: 'no such Job' }, 404)
    })
    return new ClusterApi({ server: this.#site.url, options: async () => ({}) })
  }

  ends(message: string, exitCode = 0): void {
    const state = {
      terminated: { exitCode, message, reason: exitCode === 0 ? 'Completed' : 'Error' },
    }
    this.pod = { metadata: { name: 'pod' }, status: { containerStatuses: [{ state }] } }
  }

  async close(): Promise<void> {
    await this.#site?.close()
  }
}

describe('a command in a Job', () => {
  let jobs: Jobs
  let api: ClusterApi
  beforeEach(async () => {
    jobs = new Jobs()
    api = await jobs.start()
  })
  afterEach(() => jobs.close())
  const made = () => [...jobs.kept.values()]

  it('runs in the image of the runner, without rights, and tells exit code and last words', async () => {
    jobs.ends(
      JSON.stringify({ ok: true, code: 0, output: '3 tables', how: 'exit code 0', tookMs: 7 }),
    )
    const result = await runInJob(api, place, plan, command)
    expect(result).toEqual({
      ...{ ok: true, code: 0, output: '3 tables', tookMs: 7 },
      reason: 'exit code 0: 3 tables',
    })
    const [job] = made()
    const { automountServiceAccountToken, containers } = job!.spec.template.spec
    expect(automountServiceAccountToken).toBe(false)
    expect(containers[0]?.image).toBe('tools:1')
    expect(containers[0]?.envFrom).toEqual([{ secretRef: { name: 'shop-env' } }])
    expect(containers[0]?.env).toContainEqual({
      name: 'TOKEN',
      valueFrom: { secretKeyRef: { name: 'shop-env', key: 'COPY_TOKEN' } },
    })
  })

  it('that a hook before this one has begun is waited for, and is not run twice at once', async () => {
    const stopped = new AbortController()
    const first = runInJob(api, place, plan, command, stopped.signal)
    await expect.poll(() => made().length).toBe(1)
    const second = runInJob(api, place, plan, command)
    const other = runInJob(api, place, plan, { ...command, run: ['other'] })
    await expect.poll(() => made().length).toBe(2)
    jobs.ends(JSON.stringify({ ok: true, code: 0, output: '', how: 'exit code 0', tookMs: 7 }))
    const all = await Promise.all([first, second, other])
    expect(all.map(({ ok }) => ok)).toEqual([true, true, true])
    expect(made()).toHaveLength(2)
  })

  it('is deleted where what it is for is over', async () => {
    const stopped = new AbortController()
    const running = runInJob(api, place, plan, command, stopped.signal)
    await expect.poll(() => made().length).toBe(1)
    const [job] = made()
    stopped.abort()
    expect(await running).toMatchObject({ ok: false, reason: 'ended, as the hook stops' })
    expect(jobs.deleted).toEqual([job?.metadata.name])
  })

  it('is left to the next hook where only this one ends', async () => {
    const stopped = new AbortController()
    const running = runInJob(api, place, plan, command, stopped.signal)
    await expect.poll(() => made().length).toBe(1)
    stopped.abort(LEFT)
    expect((await running).ok).toBe(false)
    expect(jobs.deleted).toEqual([])
  })

  it('that leaves no word has failed, and says what the cluster knows', async () => {
    const running = runInJob(api, place, plan, command)
    await expect.poll(() => made().length).toBe(1)
    jobs.ends('', 137)
    const conditions = [{ type: 'Failed', status: 'True', message: 'the pod was evicted' }]
    made()[0]!.status = { conditions }
    const { ok, code, reason } = await running
    expect([ok, code]).toEqual([false, 137])
    expect(reason).toMatch(/exit code 137, it left no word \(.*Error\)/)
  })

  it('is refused in words where the plan has no runner', async () => {
    const { runner: _runner, ...without } = plan
    const { ok, reason } = await runInJob(api, place, without as typeof plan, command)
    expect([ok, reason]).toEqual([false, 'runner is missing in the plan: runner: { image: … }'])
    expect(made()).toEqual([])
  })
})

describe('the last word of a command', () => {
  it('keeps the end of what was said, in what a status holds', async () => {
    const said = 'console.log("ä".repeat(5000) + "the end"); process.exitCode = 3'
    const result = await runCommand({
      run: [process.execPath, '-e', said],
      environment: process.env,
      timeoutMs: 60_000,
    })
    const text = outcomeText(result)
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(OUTCOME_BYTES)
    const read = readOutcome(text)
    expect(read).toMatchObject({ ok: false, code: 3, tookMs: result.tookMs })
    expect(read?.reason).toMatch(/exit code 3: ä+the end$/)
  })

  it('is left by the program in the Job, which joins two commands where there are two', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-word-'))
    const outcome = join(folder, 'message')
    const given = {
      run: [process.execPath, '-e', 'console.log("three carts")'],
      into: [
        process.execPath,
        '-e',
        'process.stdin.on("data", (all) => console.log(`${process.env.SLUICE_TO}: ${all}`))',
      ],
      timeoutMs: 60_000,
    }
    const ran = await runCommand({
      run: [process.execPath, 'hooks/cluster-command.ts'],
      environment: {
        ...process.env,
        SLUICE_COMMAND: JSON.stringify(given),
        SLUICE_OUTCOME: outcome,
        SLUICE_TO: 'green',
      },
      timeoutMs: 60_000,
    })
    const read = readOutcome(readFileSync(outcome, 'utf8'))
    rmSync(folder, { recursive: true })
    expect(ran.output).toContain('green: three carts')
    expect(read).toMatchObject({ ok: true, code: 0, output: 'green: three carts' })
  })

  it('is none where the program did not come to its end', () => {
    for (const text of [undefined, '', 'exit code 1', '{"ok":true}']) {
      expect(readOutcome(text)).toBeUndefined()
    }
  })
})
