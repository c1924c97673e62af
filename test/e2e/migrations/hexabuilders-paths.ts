import type { LoadPath } from '../../../examples/load.ts'

const partner = '00000000-0000-4000-8000-000000000007'

/** What the users of hexabuilders ask for. */
export const HEXABUILDERS_PATHS: LoadPath[] = [
  `/partners/${partner}`,
  `/commissions/${partner}`,
  `/campaigns?partner=${partner}`,
  `/contracts?partner=${partner}`,
  '/jobs',
  `/partners/${partner}`,
  {
    path: '/partners',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"nombre":"Registered under load"}',
  },
]
