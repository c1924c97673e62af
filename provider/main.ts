import { serve } from './protocol.ts'
import { admission } from './resources/admission.ts'
import { backup } from './resources/backup.ts'
import { guard } from './resources/kubernetes/guard.ts'
import { tokens } from './resources/kubernetes/tokens.ts'
import { alarms } from './resources/local/alarms.ts'
import { home } from './resources/local/home.ts'
import { hook } from './resources/local/hook.ts'
import { postgres } from './resources/local/postgres.ts'
import { supervised } from './resources/local/process.ts'
import { router } from './resources/local/router.ts'
import { weights } from './resources/local/weights.ts'
import { verdict } from './resources/verdict.ts'
import { verification } from './resources/verification.ts'

await serve({
  name: 'sluice',
  version: '0.1.0',
  types: {
    'sluice:index:Admission': admission,
    'sluice:index:Backup': backup,
    'sluice:index:Verdict': verdict,
    'sluice:index:Verification': verification,
    'sluice:kubernetes:Guard': guard,
    'sluice:kubernetes:Tokens': tokens,
    'sluice:local:Alarms': alarms,
    'sluice:local:Home': home,
    'sluice:local:Hook': hook,
    'sluice:local:Postgres': postgres,
    'sluice:local:Process': supervised,
    'sluice:local:Router': router,
    'sluice:local:Weights': weights,
  },
})
