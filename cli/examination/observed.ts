import type { Observation } from '../../rollout/observation.ts'
import type { OpenStack } from '../stack.ts'
import {
  alarmsFinding,
  driftFinding,
  guardFinding,
  journalFinding,
  latchFinding,
  programLooks,
  routerFinding,
} from './common.ts'
import type { Look } from './finding.ts'

/** The parts of a rollout on a platform whose own parts are not looked at one by one. */
export function observedParts(stack: OpenStack, observation: Observation): Look[] {
  const engine = programLooks([])
  if (!observation.deployed) {
    const found = 'nothing is deployed; pulumi up deploys with green at 0'
    return [...engine, ['platform', async () => ({ state: 'absent', found })]]
  }
  return [
    ...engine,
    ['router', async () => routerFinding(observation)],
    ['guard', async () => guardFinding(stack, observation)],
    ['alarms', async () => alarmsFinding(observation)],
    ['latch', async () => latchFinding(observation)],
    ['journal', async () => journalFinding(observation)],
    ['drift', async () => driftFinding(observation)],
  ]
}
