import { serve } from '../service.ts'
import { build, SERVICES, type ServiceName } from './services.ts'

// A modular package: one service, with data of its own.

const name = process.argv[2] as ServiceName
if (!SERVICES.includes(name)) {
  console.error(`${name}: is no service; give one of ${SERVICES.join(', ')}`)
  process.exit(2)
}
const { routes, metrics, store } = build([name], 'package')

serve({
  name,
  version: 'package',
  metrics,
  routes,
  faults: ['performance', 'functionality', 'integration', 'integrity'],
  stop: () => store.close(),
})
