import { samplesOf } from '../../baselines/baselines-rows.js'
import { load } from '../../checkpoint/load-model.js'
import type { Model } from '../../checkpoint/model.js'
import { atOnce, lengthOf } from '../../data/windows.js'
import { type Chosen, chooseRows } from '../../evaluate/subject.js'
import { trainedShare } from '../../evaluate/trained-on.js'
import { byQuantiles } from '../../evaluate/window-sentences.js'
import { type NativeSamples, native } from '../../native.js'
import type { Options } from '../../options.js'
import { atQuantiles } from '../../statistics/at-quantiles.js'
import { Tensor } from '../../torch/tensor.js'
import { vectorsOfLength } from '../../torch/unit-vectors.js'
import type { decodeFields } from './decode-fields.js'
import type { Source } from './decode-source.js'

/** Chooses the windows to decode: all in their order, or `limit` of them by the cosine of their predictions. */
async function limited(model: Model, samples: NativeSamples, ids: Int32Array, context: number, limit: number | undefined) {
  if (limit === undefined || limit >= ids.length) return { ids, chosen: 'all windows in their order' }
  if (limit === 0) return { ids: new Int32Array(0), chosen: 'none' }
  const { cosine } = await native.evaluate(model.native, samples, ids, { batch: atOnce(context), centre: null })
  return { ids: atQuantiles(cosine, limit).map((i) => ids[i]!), chosen: byQuantiles(limit) }
}

function sourceOf(
  model: Model,
  all: Chosen,
  samples: NativeSamples,
  { ids, chosen }: { ids: Int32Array; chosen: string },
): Source {
  const { base, windows } = all
  const { data, space } = model.manifest
  return {
    of: {
      path: base.path,
      hash: base.hash,
      space: base.space ?? data?.space ?? space ?? undefined,
      encoder: base.encoder ?? data?.encoder ?? undefined,
      dim: base.dim,
    },
    head: {
      run: model.name,
      model: model.manifest.model,
      weights_sha256: model.weights,
      vectors: null,
      part: all.part,
      trained_on: trainedShare(all, all.train),
      of: all.ids.length,
      chosen,
    },
    rows: ids.map((id) => windows.target[id]!),
    article: (i) => base.articles?.ids[windows.article[ids[i]!]!] ?? null,
    titles: base.titles,
    truth: {
      base,
      rows: ids.map((id) => windows.target[id]!),
      context: (i) => lengthOf(windows, ids[i]!),
      first: (i) => windows.first[ids[i]!]!,
    },
    bank: base,
    async vectors(at, count) {
      const part = ids.subarray(at, at + count)
      using raw = Tensor.wrap(await native.predict(model.native, samples, part, atOnce(windows.context)))
      return vectorsOfLength(raw, base.norms.mean) // a decoder may need the length of the data
    },
    dispose() {
      native.dispose(samples)
      all.dispose()
      model.dispose()
    },
  }
}

/** Opens the predictions of a run. Errors: those of load and of the data. */
export async function openRunVectors(run: string, o: Options<typeof decodeFields>): Promise<Source> {
  const model = await load(run, { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) })
  let all: Chosen | undefined
  let samples: NativeSamples | undefined
  try {
    all = await chooseRows(model, o)
    samples = samplesOf(all)
    return sourceOf(model, all, samples, await limited(model, samples, all.ids, all.windows.context, o.limit))
  } catch (error) {
    if (samples !== undefined) native.dispose(samples)
    all?.dispose()
    model.dispose()
    throw error
  }
}
