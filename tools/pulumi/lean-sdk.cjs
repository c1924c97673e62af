// Loaded before a program. The SDK loads npm's whole resolver for the case that a function is
// serialised into the cloud, and reads source maps into the stack that each resource remembers;
// together a fifth of a preview. The first comes when somebody uses it; the second has nothing to
// read where Node strips the types in place.
const Module = require('node:module')

const load = Module._load
const stripsTypes = process.env.PULUMI_NODEJS_TYPESCRIPT === 'false'

Module._load = function lean(request, ...rest) {
  const real = () => load.call(this, request, ...rest)
  if (request === '@npmcli/arborist') {
    return {
      __esModule: true,
      get Arborist() {
        return real().Arborist
      },
    }
  }
  if (request === 'source-map-support/register' && stripsTypes) return {}
  return real()
}
