import { type Admission, admit } from '../../rollout/admission.ts'
import type { TestStack } from './test-stack.ts'

/** What a preview of a position would decide now. */
export async function decided(stack: TestStack, position: string): Promise<Admission> {
  const request = stack.request(position)
  return admit(request, await stack.platform.observe(), 'preview', request.attempt)
}
