/**
 * Milliseconds that each answer of an example takes at least: EXAMPLE_WORK, by default 0. The
 * examples do next to nothing, real services have other work to do; where a guardrail compares with
 * a baseline, a baseline of 2 ms would measure the machine.
 */
export const leastWorkMs = Number(process.env['EXAMPLE_WORK'] ?? 0)
