import { z } from 'zod'

/**
 * What latch and journal must look like to be believed. The plan inside a journal is a parsed one,
 * in milliseconds and ratios, so it is checked for its outline only.
 */
const percent = z.number().min(0).max(100)
const weights = z.record(z.string(), z.looseObject({ blue: percent, green: percent }))
const time = z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'is no time')
const count = z.number().min(0)
const measurement = z.looseObject({ requests: count, errors: count })

export const latchSchema = z.looseObject({
  trips: z.int().min(0),
  attempt: z.int().min(1),
  latched: z.boolean(),
  ceiling: weights,
  trip: z
    .looseObject({
      number: z.int().min(1),
      attempt: z.int().min(1),
      position: z.string(),
      landing: z.string(),
      cause: z.string(),
      value: z.string(),
      threshold: z.string(),
      at: time,
      reason: z.string(),
    })
    .optional(),
})

export const journalSchema = z.looseObject({
  plan: z.looseObject({
    name: z.string(),
    services: z.record(z.string(), z.looseObject({})),
    steps: z.array(z.unknown()),
  }),
  planHash: z.string(),
  verified: z.looseObject({ position: z.string(), at: time }),
  weights,
  intent: z.looseObject({ position: z.string(), from: weights, to: weights, at: time }).optional(),
  attempt: z.int().min(1),
  guardedMs: count,
  green: z.record(z.string(), measurement),
  baselines: z.record(z.string(), measurement),
  verdicts: z.array(z.looseObject({ gate: z.string(), position: z.string(), at: time })),
  backups: z.array(z.looseObject({ name: z.string(), id: z.string(), takenAt: time })),
  commands: z
    .array(z.looseObject({ key: z.string(), token: z.string(), startedAt: time }))
    .optional(),
})
