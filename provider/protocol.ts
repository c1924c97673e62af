/**
 * The provider protocol, without a framework: `serve` answers the Pulumi engine for a table of
 * resource types. Our own provider uses it, and so do the stand-ins for plugins in the tests.
 */
export { type Change, type Changes, changes } from './protocol/diff.ts'
export {
  type Checked,
  type Context,
  type Failure,
  Partial,
  type ProviderOptions,
  type ResourceType,
} from './protocol/resource.ts'
export { type ServeOptions, serve } from './protocol/serve.ts'
export { Provider } from './protocol/service.ts'
export { hasUnknowns, isUnknown, type Props, UNKNOWN } from './protocol/values.ts'
