import { openPlatform } from '../platforms/open.ts'
import { nameOf } from '../platforms/reference.ts'
import { NotDone, WrongUse } from './errors.ts'
import { runPulumi } from './pulumi.ts'
import type { Stack } from './stack.ts'
import { say } from './verb.ts'

/**
 * Takes a rollout off a platform that is no host: what the engine has made by the engine, and what
 * the rollout keeps beside its state by the platform.
 * @throws WrongUse for what is of the local platform; NotDone where the engine did not come to its end
 */
export async function tearDownFromHere(
  stack: Stack,
  { deleteData, withoutPulumi }: { deleteData?: string; withoutPulumi?: boolean },
): Promise<void> {
  const { platform: reference } = stack.settings
  if (deleteData !== undefined) {
    throw new WrongUse(
      `--delete-data: on ${reference.kind} databases and backups are not of this stack; delete them with its own tools`,
    )
  }
  if (withoutPulumi) {
    throw new WrongUse(
      `--without-pulumi: on ${reference.kind} only Pulumi knows what there is to delete; leave it out`,
    )
  }
  const name = nameOf(reference)
  const code = await runPulumi(stack, ['destroy', '--yes'], { SLUICE_TEARDOWN: name })
  if (code !== 0) {
    throw new NotDone(
      `pulumi destroy ended with ${code}; next: sluice teardown ${stack.name} again`,
    )
  }
  const platform = await openPlatform(reference)
  const stays = await platform.forget?.()
  say(
    stays === undefined
      ? `what ${name} keeps on ${reference.kind} beside Pulumi's state still stands`
      : `nothing of ${name} routes, watches or is remembered any more; ${stays}`,
    `the stack itself stands in Pulumi's state; to forget it: pulumi stack rm ${stack.name}`,
  )
}
