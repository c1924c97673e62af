import type { WrongPlan } from './wrong-plan.ts'

export const SERVICES: WrongPlan[] = [
  [
    'no services',
    { services: undefined },
    ['plan.services: is missing; give a mapping with a name for each entry (what is moved)'],
  ],
  [
    'empty services',
    { services: {} },
    ['plan.services: is empty; give at least one service to move'],
  ],
  [
    'services of nothing',
    { services: null },
    ['plan.services: is empty; give a mapping with a name for each entry (what is moved)'],
  ],
  [
    'a service without green',
    { 'services.api.green': undefined },
    [
      'plan.services.api.green: is missing; give a mapping with command, image, existing, url, servedBy, targetGroupArn, flag, port or environment (what is being rolled out)',
    ],
  ],
  [
    'a service with a bad name',
    { 'services.Api': {} },
    [
      'plan.services.Api: "Api" is no good name; give a name of lower-case letters, digits and hyphens, beginning with a letter, at most 40 long',
    ],
  ],
  [
    'an unknown field of a service',
    { 'services.api.colour': 'red' },
    [
      'plan.services.api.colour: is not known here; rollout/plan.schema.json lists the 12 words that are',
    ],
  ],
  [
    'a misspelt command',
    { 'services.api.green': { comand: ['x'], port: 9002 } },
    ['plan.services.api.green.comand: is not known here; did you mean command?'],
  ],
  [
    'a command as one text',
    { 'services.api.green.command': 'node v2.ts' },
    [
      'plan.services.api.green.command: "node v2.ts" is text; give a list with at least one entry (started and supervised by the platform; relative to the project)',
    ],
  ],
  [
    'an empty command',
    { 'services.api.green.command': [] },
    [
      'plan.services.api.green.command: is empty; give a list with at least one entry (started and supervised by the platform; relative to the project)',
    ],
  ],
  [
    'an empty argument',
    { 'services.api.green.command': ['node', ''] },
    ['plan.services.api.green.command[1]: is empty; give text'],
  ],
  [
    'a NUL in an argument',
    { 'services.api.green.command': ['node', 'a\0b'] },
    ['plan.services.api.green.command[1]: has a NUL character; take it out'],
  ],
  [
    'a command without a port',
    { 'services.api.green.port': undefined },
    [
      'plan.services.api.green.port: is missing; give the port where the command listens, from 1 to 65535',
    ],
  ],
  [
    'a port that is too high',
    { 'services.api.green.port': 70_000 },
    [
      'plan.services.api.green.port: 70000 is above 65535; give a whole number from 1 to 65535 (where a command listens on loopback; given to it as PORT)',
    ],
  ],
  [
    'port 0',
    { 'services.api.green.port': 0 },
    [
      'plan.services.api.green.port: 0 is below 1; give a whole number from 1 to 65535 (where a command listens on loopback; given to it as PORT)',
    ],
  ],
  [
    'a port in quotes',
    { 'services.api.green.port': '9002' },
    [
      'plan.services.api.green.port: "9002" is text; give a whole number from 1 to 65535 (where a command listens on loopback; given to it as PORT)',
    ],
  ],
  [
    'half a port',
    { 'services.api.green.port': 90.5 },
    [
      'plan.services.api.green.port: 90.5 is not whole; give a whole number from 1 to 65535 (where a command listens on loopback; given to it as PORT)',
    ],
  ],
  [
    'both a command and a url',
    { 'services.api.blue.url': 'http://127.0.0.1:9' },
    [
      'plan.services.api.blue: has both a command and a url; keep the command with a port, or the url',
    ],
  ],
  [
    'a colour of nothing',
    { 'services.api.green': {} },
    [
      'plan.services.api.green: has neither a command nor a url; give a command with a port, or a url',
    ],
  ],
  [
    'a port beside a url',
    { 'services.web.green.port': 9 },
    ['plan.services.web.green.port: 9 has no effect beside a url; take it out'],
  ],
  [
    'a url of another protocol',
    { 'services.web.green.url': 'ftp://x' },
    [
      'plan.services.web.green.url: "ftp://x" does not fit; give the http address of a running system, such as http://127.0.0.1:9001',
    ],
  ],
  [
    'a url with a password',
    { 'services.web.green.url': 'http://u:secret@x' },
    ['plan.services.web.green.url: carries a user or a password; a secret never stands in a plan'],
  ],
  [
    'a url with a path',
    { 'services.web.green.url': 'http://x:1/y' },
    ['plan.services.web.green.url: "http://x:1/y" goes on after the port; give http://x:1'],
  ],
  [
    "blue's url as green's",
    { 'services.web.green.url': 'http://127.0.0.1:9003' },
    [
      'plan.services.web.green.url: "http://127.0.0.1:9003" is blue\'s address too; give the address of the new system',
    ],
  ],
  [
    "a url at a command's port",
    { 'services.web.green.url': 'http://localhost:9002' },
    [
      'plan.services.web.green.url: 9002 is taken by plan.services.api.green.port; give another port',
    ],
  ],
  [
    'one port for both colours',
    { 'services.api.green.port': 9001 },
    [
      'plan.services.api.green.port: 9001 is taken by plan.services.api.blue.port; give another port',
    ],
  ],
  [
    "the router's port",
    { 'services.api.green.port': 8380 },
    [
      'plan.services.api.green.port: 8380 is taken by the router (plan.local.listen); give another port',
    ],
  ],
  [
    "the hook's port",
    { 'services.api.green.port': 8381 },
    [
      'plan.services.api.green.port: 8381 is taken by the hook (the port after plan.local.listen); give another port',
    ],
  ],
  [
    "Prometheus' port",
    { 'services.api.green.port': 8382 },
    [
      'plan.services.api.green.port: 8382 is taken by Prometheus (the second port after plan.local.listen); give another port',
    ],
  ],
  [
    'PORT in the environment',
    { 'services.api.green.environment': { PORT: '1' } },
    ['plan.services.api.green.environment.PORT: is given by the platform from port; take it out'],
  ],
  [
    'a bad name of a variable',
    { 'services.api.green.environment': { 'A-B': '1' } },
    [
      'plan.services.api.green.environment.A-B: "A-B" is no name of a variable; give letters, digits and _, not beginning with a digit',
    ],
  ],
  [
    'a number in the environment',
    { 'services.api.green.environment': { A: 1 } },
    ['plan.services.api.green.environment.A: 1 is a number; give text, in quotes'],
  ],
  [
    'env: without a name',
    { 'services.api.green.environment': { A: 'env:' } },
    [
      'plan.services.api.green.environment.A: "env:" names no variable; give env:NAME to pass one on',
    ],
  ],
  [
    'an environment for a url',
    { 'services.web.green.environment': { A: 'b' } },
    [
      'plan.services.web.green.environment.A: has no effect on a system that runs already; take it out',
    ],
  ],
  [
    'a route of two services',
    { 'services.web.routes': ['/'] },
    [
      'plan.services.web.routes[0]: "/" belongs to api already; give each service its own path prefixes',
    ],
  ],
  [
    'two services without routes',
    { 'services.web.routes': undefined },
    [
      'plan.services.web.routes[0]: "/" belongs to api already; give each service its own path prefixes',
    ],
  ],
  [
    'a route without a slash',
    { 'services.web.routes': ['web'] },
    [
      'plan.services.web.routes[0]: "web" does not fit; give a path that begins with /, such as /healthz',
    ],
  ],
  [
    'two kinds of affinity',
    { 'services.web.affinity': { header: 'a', cookie: 'b' } },
    ['plan.services.web.affinity: has both a header and a cookie; keep one'],
  ],
  [
    'a dependency on nothing',
    { 'services.web.dependsOn': ['apis'] },
    [
      'plan.services.web.dependsOn[0]: "apis" is no service or external system of this plan; did you mean api? known: api, web',
    ],
  ],
  [
    'a dependency on itself',
    { 'services.api.dependsOn': ['api'] },
    ['plan.services.api.dependsOn[0]: is the service itself; take it out'],
  ],
  [
    'a dependency twice',
    { 'services.web.dependsOn': ['api', 'api'] },
    ['plan.services.web.dependsOn[1]: "api" stands twice; keep one'],
  ],
  [
    'together with nothing',
    { 'services.api.together': ['wep'] },
    [
      'plan.services.api.together[0]: "wep" is no service of this plan; did you mean web? known: api, web',
    ],
  ],
  [
    'together with itself',
    { 'services.api.together': ['api'] },
    ['plan.services.api.together[0]: is the service itself; take it out'],
  ],
  [
    'together across tiers',
    {
      'services.api.together': ['web'],
      'services.api.tier': 'critical',
      'services.web.tier': 'low',
    },
    [
      'plan.services.api.together[0]: web is of tier low, api of critical, and tiers move one after the other; give both one tier, or give phases',
    ],
  ],
  [
    'a tier in other words',
    { 'services.api.tier': 'hihg' },
    ['plan.services.api.tier: "hihg" does not fit; give low, medium or critical'],
  ],
  [
    'an external system that is never checked',
    { external: { redis: {} } },
    [
      'plan.external.redis: is never checked; give check: [redis-cli, ping], or url: http://127.0.0.1:9200',
    ],
  ],
  [
    'an external system that is checked twice',
    { external: { redis: { check: ['redis-cli', 'ping'], url: 'http://127.0.0.1:6380' } } },
    ['plan.external.redis: has both a check and a url; keep one'],
  ],
  [
    'an external system with the name of a service',
    { external: { api: { check: ['true'] } } },
    ['plan.external.api: is the name of a service too; give another name'],
  ],
  [
    'a colour served by nobody',
    { 'services.web.green': { servedBy: 'apis.green' } },
    [
      'plan.services.web.green.servedBy: "apis" is no service of this plan; did you mean api? known: api, web',
    ],
  ],
  [
    'a colour served by itself',
    { 'services.web.green': { servedBy: 'web.green' } },
    ['plan.services.web.green.servedBy: is itself; give the colour of another process'],
  ],
  [
    'a colour served by no colour',
    { 'services.web.green': { servedBy: 'api.red' } },
    [
      'plan.services.web.green.servedBy: "api.red" does not fit; give a colour of another service, such as auth.blue',
    ],
  ],
  [
    'a colour served by none',
    { 'services.api.blue': 'none', 'services.web.green': { servedBy: 'api.blue' } },
    [
      'plan.services.web.green.servedBy: api.blue is none, which answers for nobody; give a process',
    ],
  ],
  [
    'two colours that serve each other',
    {
      'services.web.green': { servedBy: 'web.blue' },
      'services.web.blue': { servedBy: 'web.green' },
    },
    [
      'plan.services.web.green.servedBy: web.blue is served by web.green in turn; give one of them a process',
    ],
  ],
  [
    'a colour served by one that is served',
    {
      'services.web.green': { servedBy: 'web.blue' },
      'services.web.blue': { servedBy: 'api.blue' },
    },
    [
      'plan.services.web.green.servedBy: web.blue has no process either; give api.blue, which serves it',
    ],
  ],
  [
    'a colour with a process and another that serves it',
    { 'services.web.green': { servedBy: 'api.green', port: 9005 } },
    ['plan.services.web.green: has servedBy and port; keep servedBy, or a process of its own'],
  ],
  [
    'an environment for a process of another colour',
    { 'services.web.green': { servedBy: 'api.green', environment: { A: 'b' } } },
    [
      'plan.services.web.green.environment.A: has no effect on the process of api.green; take it out',
    ],
  ],
  [
    'a colour with an unknown flag',
    { flags: { 'new-web': {} }, 'services.web.green': { servedBy: 'api.green', flag: 'new-wep' } },
    [
      'plan.services.web.green.flag: "new-wep" is no flag of this plan; did you mean new-web? known: new-web',
    ],
  ],
  [
    'a flag without a process',
    { flags: { 'new-web': {} }, 'services.web.green': { flag: 'new-web' } },
    [
      'plan.services.web.green: has a flag, but no process that reads it; give servedBy, such as auth.green',
    ],
  ],
  [
    'an unknown strategy',
    { 'services.api.strategy': 'dual-writes' },
    [
      'plan.services.api.strategy: "dual-writes" does not fit; did you mean dual-write? give one of direct, dual-write, feature-toggle, state-preservation, compensation, distributed-transaction',
    ],
  ],
  [
    'a strategy without its commands',
    {
      'services.api.strategy': 'state-preservation',
      'services.api.state': { export: ['./export.sh'] },
    },
    [
      'plan.services.api.state.import: is missing; state-preservation runs it, give a program and its arguments',
    ],
  ],
  [
    'a compensation of nothing',
    { 'services.api.strategy': 'compensation' },
    [
      'plan.services.api.state.compensate: is missing; compensation runs it, give a program and its arguments',
    ],
  ],
  [
    'a transaction that is never aborted',
    {
      'services.api.strategy': 'distributed-transaction',
      'services.api.state': { prepare: ['./p'], commit: ['./c'] },
    },
    [
      'plan.services.api.state.abort: is missing; distributed-transaction runs it, give a program and its arguments',
    ],
  ],
  [
    'a command of another strategy',
    { 'services.api.state': { compensate: ['./undo.sh'] } },
    ['plan.services.api.state.compensate: belongs to compensation, this is direct; take it out'],
  ],
  [
    'methods of another strategy',
    { 'services.api.state': { writes: ['POST'] } },
    ['plan.services.api.state.writes: belongs to dual-write, this is direct; take it out'],
  ],
  [
    'a method in small letters',
    { 'services.api.strategy': 'dual-write', 'services.api.state': { writes: ['post'] } },
    ['plan.services.api.state.writes[0]: "post" does not fit; give a method, such as POST'],
  ],
  [
    'dual-write without a blue',
    { 'services.web.blue': 'none', 'services.web.strategy': 'dual-write' },
    [
      'plan.services.web.strategy: dual-write writes to both colours, but blue is none; give another',
    ],
  ],
  [
    'state of a blue that is none',
    {
      'services.web.blue': 'none',
      'services.web.strategy': 'state-preservation',
      'services.web.state': { export: ['./e'], import: ['./i'] },
    },
    [
      "plan.services.web.strategy: state-preservation carries blue's state, but blue is none; give another",
    ],
  ],
  [
    'a toggle without a flag',
    { 'services.web.green': { servedBy: 'web.blue' }, 'services.web.strategy': 'feature-toggle' },
    [
      'plan.services.web.green.flag: is missing; feature-toggle shifts the flag of green, not the route',
    ],
  ],
  [
    'a drain of nothing',
    {
      'services.api.strategy': 'compensation',
      'services.api.state': { compensate: ['./undo.sh'], drain: 2 },
    },
    [
      'plan.services.api.state.drain: has no effect without inFlight; give the query, or take it out',
    ],
  ],
  [
    'an unknown gate of a strategy',
    { 'services.api.state': { gate: 'parities' } },
    [
      'plan.services.api.state.gate: "parities" is no gate of this plan; known: parity, steady, approval',
    ],
  ],
  [
    'a flag of a colour that has a process of its own',
    {
      flags: { 'new-web': {} },
      'services.web.green': { url: 'http://127.0.0.1:9004', flag: 'new-web' },
    },
    [
      'plan.services.web.green.flag: has no effect where web.green has a process of its own; give servedBy, or take it out',
    ],
  ],
]
