// Loaded before a program. For the case that a function is serialised into the cloud, the SDK loads
// the TypeScript compiler and npm's whole resolver, and attaches a debugger, with a flag under which
// V8 refuses all compiled code that was kept; it reads source maps into the stack that each resource
// remembers. Together more than a third of a preview. The first three come when somebody uses them;
// the last has nothing to read where Node strips the types in place.
const Module = require('node:module')

const load = Module._load
const stripsTypes = process.env.PULUMI_NODEJS_TYPESCRIPT === 'false'

/** A module that is loaded when the first of its properties is read. */
const onFirstUse = (real) =>
  new Proxy({}, { get: (_, name) => (name === '__esModule' ? true : real()[name]) })

Module._load = function lean(request, ...rest) {
  const real = () => load.call(this, request, ...rest)
  if (request === '@npmcli/arborist') return onFirstUse(real)
  if (request.endsWith('/runtime/closure/v8Hooks')) {
    return { isInitializedAsync: async () => undefined }
  }
  if (stripsTypes && request === 'typescript') return onFirstUse(real)
  if (stripsTypes && request === 'source-map-support/register') return {}
  return real()
}
