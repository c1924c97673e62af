import { admit } from '../rollout/admission.ts'
import type { TestStack } from '../test/e2e/test-stack.ts'

/**
 * Moves a deployed stack to a position as the provider does, without an engine in between: it
 * waits until nothing holds the move, is admitted, sets the weights and verifies them.
 * @param attempt raised by one it acknowledges the last trip
 */
export async function move(stack: TestStack, position: string, attempt = 1): Promise<void> {
  const { attempt: lastAttempt } = stack.request(position)
  stack.set({ attempt })
  const request = stack.request(position)
  let held = ''
  const free = async () => {
    const { refusals } = admit(request, await stack.platform.observe(), 'preview', lastAttempt)
    held = refusals.map(({ message }) => message).join('; ')
    return refusals.length === 0
  }
  await stack.until(`nothing to hold ${position}`, free).catch((error: Error) => {
    throw new Error(`${error.message}: ${held}`)
  })
  const { permitted } = await stack.platform.admit(request, lastAttempt)
  for (const [service, weights] of Object.entries(permitted)) {
    await stack.platform.setWeights(service, weights)
  }
  await stack.platform.verify(request)
}

/** Deploys a stack at `start`. */
export async function deploy(stack: TestStack): Promise<void> {
  // Bakes are not what is measured: the clock runs through them.
  stack.set({ clock: 1_000 })
  const { code, output } = await stack.up()
  if (code !== 0) throw new Error(output)
}
