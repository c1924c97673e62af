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
  [
    'an operation that is never run',
    { operations: { sync: { run: ['./sync.sh'] } } },
    [
      'plan.operations.sync: is never run; give a moment such as at: before-first-step, or until: retired where it is supervised',
    ],
  ],
  [
    'an operation once and all the time',
    { operations: { sync: { run: ['./sync.sh'], at: 'promoted', until: 'retired' } } },
    ['plan.operations.sync: has both at and until; keep one, or make two operations'],
  ],
  [
    'an operation at an unknown moment',
    { operations: { sync: { run: ['./sync.sh'], at: 'before-first-stp' } } },
    [
      'plan.operations.sync.at: "before-first-stp" does not fit; did you mean before-first-step? give before-first-step, before-step, after-step, on-rollback, promoted or retired (run once at this moment; a failure holds the step)',
    ],
  ],
  [
    'a supervised operation with a way back',
    { operations: { sync: { run: ['./sync.sh'], until: 'retired', down: ['./unsync.sh'] } } },
    ['plan.operations.sync.down: belongs to an operation with at, this is supervised; take it out'],
  ],
  [
    'metrics of an operation that runs once',
    {
      operations: {
        sync: { run: ['./sync.sh'], at: 'promoted', metrics: 'http://127.0.0.1:9600' },
      },
    },
    [
      'plan.operations.sync.metrics: is read while an operation is supervised, this runs once; take it out',
    ],
  ],
  [
    'metrics at a port that a service has',
    {
      operations: { sync: { run: ['./sync.sh'], until: 'retired', metrics: { port: 9500 } } },
      services: {
        api: {
          blue: { url: 'http://127.0.0.1:9001' },
          green: { command: ['node', 'api.ts'], port: 9500 },
        },
      },
    },
    [
      'plan.operations.sync.metrics.port: 9500 is taken by plan.services.api.green.port; give another port',
    ],
  ],
  [
    'an outbox that is neither a path nor an address a colour',
    { 'gates.parity.outbox': 'outbox' },
    [
      'plan.gates.parity.outbox: "outbox" does not fit; give a path that begins with /, such as /healthz',
    ],
  ],
  [
    'a way back of a way back',
    { operations: { undo: { run: ['./undo.sh'], at: 'on-rollback', down: ['./redo.sh'] } } },
    ['plan.operations.undo.down: takes back what a rollback itself has run; take it out'],
  ],
  [
    'an operation without time',
    { operations: { sync: { run: ['./sync.sh'], at: 'promoted', timeout: '0s' } } },
    ['plan.operations.sync.timeout: is 0; give a time such as 10m'],
  ],
  [
    'a bad variable of an operation',
    { operations: { sync: { run: ['./sync.sh'], at: 'promoted', environment: { 'A B': 'c' } } } },
    [
      'plan.operations.sync.environment["A B"]: "A B" is no name of a variable; give letters, digits and _, not beginning with a digit',
    ],
  ],
  [
    'a flag that follows nobody',
    { flags: { fast: { follows: ['apy'] } } },
    [
      'plan.flags.fast.follows[0]: "apy" is no service of this plan; did you mean api? known: api, web',
    ],
  ],
  [
    'a flag under an unknown one',
    { flags: { fast: { parent: 'ai' } } },
    ['plan.flags.fast.parent: "ai" is no flag of this plan; known: fast'],
  ],
  [
    'a flag under itself',
    { flags: { fast: { parent: 'fast' } } },
    ['plan.flags.fast.parent: is the flag itself; take it out'],
  ],
  [
    'flags that keep each other off',
    { flags: { b: { parent: 'c' }, a: { parent: 'b' }, c: { parent: 'a' }, d: { parent: 'a' } } },
    ['plan.flags.a.parent: comes back to where it began (a → b → c → a); take one of them out'],
  ],
  [
    'a table of a backup twice',
    { 'backups.orders.tables': ['orders', 'orders'] },
    ['plan.backups.orders.tables[1]: "orders" stands twice; keep one'],
  ],
]
