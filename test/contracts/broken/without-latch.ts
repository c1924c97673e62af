import type { Platform } from '../../../platforms/platform.ts'

/** Says that it rolled back, and has only lowered green: no latch stands behind it. */
export function withoutLatch(platform: Platform): Platform {
  return new Proxy(platform, {
    get(target, name) {
      if (name === 'rollback') {
        return async () => {
          const live = await target.readWeights()
          for (const service of Object.keys(live)) {
            await target.setWeights(service, { blue: 100, green: 0 })
          }
          return { latched: true, weights: await target.readWeights(), tookMs: 1, via: 'hook' }
        }
      }
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
