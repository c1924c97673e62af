import { layoutOf } from '../../../platforms/local/layout.ts'
import { serviceStatus } from '../../../platforms/local/supervisor.ts'
import type { ResourceType } from '../../protocol.ts'
import { isOffline } from '../request.ts'

/**
 * A diff that sees what the inputs cannot show: a supervised program that is not up. The update
 * then brings it back, though nothing of its definition has changed.
 * @param nameOf the service's name, by the resource's id
 */
export function whereDown(nameOf: (id: string) => string): NonNullable<ResourceType['diff']> {
  return async (_ctx, id, olds) => {
    if (isOffline()) return undefined
    const { up } = await serviceStatus(layoutOf(String(olds['home'])), nameOf(id))
    return up ? undefined : { changed: true }
  }
}
