import { z } from 'zod'

/** The words that every part of the plan's schema is made of. */

const NAME =
  'give a name of lower-case letters, digits and hyphens, beginning with a letter, at most 40 long'
export const name = z.string({ error: NAME }).regex(/^[a-z][a-z0-9-]{0,39}$/, { error: NAME })
export const names = z.array(name).default([])

export const port = z.int().min(1).max(65535)

/** A value that is read from the environment of the process that uses it, never stored. */
const VARIABLE =
  'give the name of an environment variable as env:NAME; a secret itself never stands in a plan'
export const fromEnvironment = z
  .string({ error: VARIABLE })
  .regex(/^env:[A-Za-z_][A-Za-z0-9_]*$/, { error: VARIABLE })

export const path = z
  .string()
  .regex(/^\/[^\s\p{Cc}"'\\]*$/u, { error: 'give a path that begins with /, such as /healthz' })

export const command = z
  .array(z.string().min(1))
  .min(1)
  .describe('program and arguments; no shell reads it')

export const environment = z
  .record(z.string(), z.string())
  .default({})
  .describe('variables for the command; env:NAME passes one on')

export const httpUrl = z.url({
  protocol: /^http$/,
  error: 'give the http address of a running system, such as http://127.0.0.1:9001',
})

export const header = z
  .string()
  .regex(/^[A-Za-z0-9-]+$/, { error: 'give the name of a header, such as x-user-id' })

/** A query in Prometheus' language: https://prometheus.io/docs/prometheus/latest/querying/basics/ */
export const query = z
  .string()
  .min(1)
  .max(2_000)
  .describe("a query in Prometheus' language that gives one number")
