import type { Journal } from './journal.ts'
import { gainsOf, gainText } from './targets.ts'

/**
 * The text of an announcement with `{gain}` as what was measured: the p95 of each service before the
 * first step and now. Where nothing was, it says so. Pure.
 * @param services whose gain is told
 */
export function announcementText(
  text: string,
  services: readonly string[],
  { green, baselines }: Pick<Journal, 'green' | 'baselines'>,
): string {
  if (!text.includes(GAIN)) return text
  const gains = gainsOf(green, baselines).filter(
    ({ metric, service }) => metric === 'p95' && services.includes(service),
  )
  const told = gains.map(
    (gain) => `p95 of ${gain.service} ${gain.green}, before ${gain.blue} (${gainText(gain)})`,
  )
  // A name of a service may hold what a pattern of a replacement means.
  return text.replaceAll(GAIN, () => told.join(', ') || 'performance was not measured')
}

const GAIN = '{gain}'
