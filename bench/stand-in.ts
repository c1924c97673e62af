import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AdminSocket } from '../platforms/local/admin-socket.ts'
import { waitFor } from '../platforms/local/wait-for.ts'
import type { ColourName, PlanInput } from '../rollout/plan.ts'
import { freePorts } from '../test/e2e/free-ports.ts'
import { findProgram } from '../tools/programs.ts'

/**
 * Both colours of a service, as fast as can be: an HAProxy of its own that answers by itself, so
 * that what is measured is what stands before it. It counts what each colour answered.
 */
export class StandIn {
  readonly folder: string
  readonly ports: Record<ColourName, number>
  readonly #socket: AdminSocket
  readonly #child: ChildProcess

  private constructor(folder: string, blue: number) {
    this.folder = folder
    this.ports = { blue, green: blue + 1 }
    this.#socket = new AdminSocket(join(folder, 'admin.sock'))
    const config = join(folder, 'haproxy.cfg')
    writeFileSync(config, configuration(folder, this.ports))
    this.#child = spawn(findProgram('haproxy'), ['-db', '-f', config], { stdio: 'ignore' })
  }

  static async start(): Promise<StandIn> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
    const standIn = new StandIn(folder, await freePorts(2))
    await waitFor(() => standIn.answered().catch(() => undefined), {
      timeoutMs: 5_000,
      what: 'the stand-in for both colours',
    })
    return standIn
  }

  url(colour: ColourName): string {
    return `http://127.0.0.1:${this.ports[colour]}`
  }

  /** How many requests each colour has answered, health checks left out. */
  async answered(): Promise<Record<ColourName, number>> {
    const [head = '', ...lines] = (await this.#socket.ask('show stat')).trim().split('\n')
    const column = head.split(',').indexOf('hrsp_2xx')
    const of = (colour: ColourName) =>
      Number(lines.find((line) => line.startsWith(`${colour}_users,BACKEND,`))?.split(',')[column])
    return { blue: of('blue'), green: of('green') }
  }

  /** A plan whose colours are this. */
  planned(plan: PlanInput): PlanInput {
    return {
      ...plan,
      services: {
        huntred: {
          blue: { url: this.url('blue') },
          green: { url: this.url('green') },
          affinity: { header: 'x-user-id' },
        },
      },
      backups: {},
      local: { listen: plan.local?.listen },
    }
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function configuration(folder: string, ports: Record<ColourName, number>): string {
  return `global
  stats socket ${folder}/admin.sock mode 600
  nbthread 1
defaults
  mode http
  timeout client 60s
  timeout connect 1s
  timeout server 5s
backend health
  http-request return status 200
${(['blue', 'green'] as const)
  .map(
    (colour) => `frontend ${colour}
  bind 127.0.0.1:${ports[colour]}
  use_backend health if { path /healthz }
  default_backend ${colour}_users
backend ${colour}_users
  http-request return status 200 content-type text/plain string ok hdr x-version ${colour}
`,
  )
  .join('')}`
}
