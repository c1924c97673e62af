// Loaded before a program. Node 24.9 never ends (it fails after 25 seconds with gigabytes of text)
// when it colours a stack trace with a line such as `node_modules/@scope/file.ts:1:1`, and the SDK's
// source maps put exactly that into every error that a program throws.
const util = require('node:util')

const inspect = util.inspect
const endless = /[/\\]node_modules[/\\]@[^/\\\s]+[/\\][^/\\\s)]+\)?$/m

function guarded(value, options, ...rest) {
  const colours = typeof options === 'object' && options?.colors
  if (colours && util.types.isNativeError(value) && endless.test(String(value.stack))) {
    return inspect.call(this, value, { ...options, colors: false }, ...rest)
  }
  return inspect.call(this, value, options, ...rest)
}

util.inspect = Object.assign(guarded, inspect)
