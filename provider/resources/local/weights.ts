import { greenOf, type Weights } from '../../../rollout/weights.ts'
import { isUnknown, type Props, type ResourceType } from '../../protocol.ts'
import { isOffline, platformOf } from '../request.ts'

/** The weights of one service on the local router. The hook sets them, or refuses. */
export const weights: ResourceType = {
  replaceOn: ['service'],
  async diff(_ctx, _id, _olds, news) {
    if (isOffline() || isUnknown(news['green'])) return undefined
    // What is live decides, not what was tried: a change by another hand shows here.
    const live = await platformOf(news)
      .then((platform) => platform.readWeights())
      .catch(() => undefined)
    if (live === undefined) return undefined
    const differs = greenOf(live, String(news['service'])) !== news['green']
    return differs ? { changed: true, paths: ['blue', 'green'] } : undefined
  },
  async create(ctx, inputs) {
    return { id: ctx.name, outputs: await set(inputs) }
  },
  async update(ctx, _id, olds, news) {
    ctx.progress(
      `blue ${olds['blue']} → ${news['blue']}, green ${olds['green']} → ${news['green']}`,
    )
    return set(news)
  },
  async read(_ctx, _id, olds) {
    if (!olds || isOffline()) return olds && { outputs: olds }
    const live = await (await platformOf(olds)).readWeights()
    const green = greenOf(live, String(olds['service']))
    return { outputs: { ...olds, blue: 100 - green, green } }
  },
}

async function set(inputs: Props): Promise<Props> {
  const asked: Weights = { blue: Number(inputs['blue']), green: Number(inputs['green']) }
  const reached = await (await platformOf(inputs)).setWeights(String(inputs['service']), asked)
  return { ...inputs, ...reached }
}
