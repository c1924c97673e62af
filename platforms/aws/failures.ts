import { Refused, Unavailable } from '../platform.ts'

/** What the SDK says of a call that came to nothing. */
interface SdkError {
  name: string
  message: string
  $metadata?: { httpStatusCode?: number; attempts?: number }
}

/** True for an error of the SDK with one of these names. */
export function isNamed(error: unknown, ...names: string[]): boolean {
  const { name = '' } = error as SdkError
  return names.some((one) => name === one || name === `${one}Exception`)
}

/**
 * Turns what a call to AWS threw into what the platform throws: the call, the reason, the next
 * command. An error of the platform's own stays what it is.
 * @param what the call, such as `ssm:PutParameter`
 */
export function failed(error: unknown, what: string): Error {
  if (error instanceof Refused || error instanceof Unavailable) return error
  const { name, message, $metadata } = error as SdkError
  const attempts = ($metadata?.attempts ?? 1) > 1 ? ` after ${$metadata?.attempts} attempts` : ''
  const next = /AccessDenied|NotAuthorized|UnrecognizedClient|ExpiredToken|Credentials/.test(name)
    ? 'aws sts get-caller-identity, and see that its policy allows the call'
    : 'sluice doctor'
  return new Unavailable(`${what} failed${attempts}: ${name}: ${message}; next: ${next}`)
}

/** Waits for a call and throws what {@link failed} makes of its error. */
export async function call<T>(what: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    throw failed(error, what)
  }
}
