import { PutMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import type { Clients } from '../../../platforms/aws/clients.ts'

/** The namespace of the figures. */
export const AGENT_NAMESPACE = 'Huntred'

/** A name in CloudWatch, its dimensions, and how its value is had now; undefined puts nothing. */
export interface Figure {
  metric: string
  dimensions?: Record<string, string>
  value(): Promise<number | undefined>
}

/**
 * What an agent beside the services puts into CloudWatch: figures that the load balancer does not
 * have. A stand-in for whatever does so in an account.
 */
export class AgentHarness {
  readonly #clients: Pick<Clients, 'metrics'>
  readonly #figures: Figure[]
  readonly #everyMs: number
  #stopped = false
  #looping: Promise<void> = Promise.resolve()

  constructor(clients: Pick<Clients, 'metrics'>, figures: Figure[], everyMs: number) {
    this.#clients = clients
    this.#figures = figures
    this.#everyMs = everyMs
  }

  start(): void {
    this.#looping = this.#loop()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#looping
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      // What cannot be had now is missing, as it would be of an agent.
      await this.#put().catch(() => {})
      const next = Date.now() + this.#everyMs
      while (!this.#stopped && Date.now() < next) {
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }

  async #put(): Promise<void> {
    const Timestamp = new Date()
    const data = await Promise.all(
      this.#figures.map(async ({ metric: MetricName, dimensions = {}, value }) => {
        const Value = await value().catch(() => undefined)
        const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }))
        return Value === undefined ? [] : [{ MetricName, Dimensions, Value, Timestamp }]
      }),
    )
    const MetricData = data.flat()
    if (MetricData.length === 0) return
    await this.#clients.metrics.send(
      new PutMetricDataCommand({ Namespace: AGENT_NAMESPACE, MetricData }),
    )
  }
}
