import { PolicyPack } from '@pulumi/policy'
import { limitStepSize } from './limit-step-size.ts'
import { requireAlarm } from './require-alarm.ts'
import { requireFreshBackup } from './require-fresh-backup.ts'

// A policy is added by a file beside this one and a line here. What they demand is configured with
// --policy-pack-config, for example: { "limit-step-size": { "maximumPoints": 25 } }
new PolicyPack('sluice', {
  enforcementLevel: 'mandatory',
  policies: [limitStepSize, requireAlarm, requireFreshBackup],
})
