import { readFlags } from '../flags.ts'
import { serve } from '../service.ts'
import { build, SERVICES } from './services.ts'

// The monolithic functions: one process answers for all seven services, and, of the generator, for
// its new implementation too, behind a flag.

const { routes, metrics, store } = build(SERVICES, 'functions')

serve({
  name: 'cvplus',
  version: 'functions',
  metrics,
  faults: ['performance', 'functionality', 'integration', 'integrity'],
  stop: () => store.close(),
  routes: {
    ...routes,
    // What this process reads in the flag file now, for somebody in bucket 0 and in bucket 99.
    'GET /flags': () => ({
      body: Object.fromEntries(
        SERVICES.map((name) => [
          `use-${name}`,
          [0, 99].map((bucket) => readFlags()(`use-${name}`, { bucket })),
        ]),
      ),
    }),
  },
})
