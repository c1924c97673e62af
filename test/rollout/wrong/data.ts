import type { WrongPlan } from './wrong-plan.ts'

export const DATA: WrongPlan[] = [
  [
    'a secret for a name',
    { 'backups.orders.postgres': 'postgres://u:secret@db/x' },
    [
      'plan.backups.orders.postgres: what was given is no such name and is not shown; give the name of an environment variable as env:NAME; a secret itself never stands in a plan',
    ],
  ],
  [
    'a backup of age 0',
    { 'backups.orders.maximumAge': '0s' },
    [
      'plan.backups.orders.maximumAge: is 0, and no backup is ever that young; give a time such as 15m',
    ],
  ],
  [
    'an empty backup',
    { 'backups.orders': null },
    ['plan.backups.orders: is empty; give a mapping with postgres'],
  ],
  [
    'a port without an address',
    { 'local.listen': '8380' },
    ['plan.local.listen: "8380" does not fit; give an address and a port, such as 127.0.0.1:8380'],
  ],
  [
    'a port without two after it',
    { 'local.listen': '127.0.0.1:65534' },
    [
      'plan.local.listen: port 65534 cannot be used; give 1 to 65533, the hook and Prometheus take the two after it',
    ],
  ],
  [
    'an address with a space',
    { 'local.listen': 'a b:80' },
    [
      'plan.local.listen: "a b:80" does not fit; give an address and a port, such as 127.0.0.1:8380',
    ],
  ],
  [
    'a variable of two databases',
    { 'local.postgres.databases': { a: 'X_URL', b: 'X_URL' } },
    [
      'plan.local.postgres.databases.b: X_URL carries the address of a already; give each its own variable',
    ],
  ],
]
