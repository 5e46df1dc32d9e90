import { rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { claimRun } from '../checkpoint/claim.js'
import { load } from '../checkpoint/load-model.js'
import type { Quantization, Scheme } from '../checkpoint/quantized.js'
import { findRun, runName } from '../checkpoint/run-folder.js'
import { abortSignal, asyncDoor, callback, only, optional, withFields, word } from '../door.js'
import { badOption, LvmError } from '../errors.js'
import { temporary } from '../files/write.js'
import { native } from '../native.js'
import { resolve } from '../options.js'
import { type Gate, stoppable } from './compress-gate.js'
import { quantizeFields } from './quantize-fields.js'
import { measure, publish } from './quantize-publish.js'
import { examine, type Parent, search } from './quantize-search.js'

/** Options of `quantize`: the run, what hears of progress, and any field of `quantizeFields`. */
export interface QuantizeOptions {
  readonly run: string
  readonly to?: Scheme
  readonly say?: (line: string) => void
  readonly [option: string]: string | number | boolean | ((line: string) => void) | undefined
}
/** What became of a run, and what that costs. */
export interface Quantized {
  readonly version: 1
  readonly run: string
  readonly parent: string
  readonly model: string
  readonly scheme: Scheme
  readonly layers: Quantization['layers']
  readonly activations: Quantization['activations']
  readonly kernels: Quantization['kernels']
  readonly gate: Gate
  readonly size: { readonly parent_weights_bytes: number; readonly weights_bytes: number; readonly file_bytes: number }
  /** Milliseconds of a call, median, by batch size. */
  readonly latency: {
    readonly device: string
    readonly threads: number
    readonly batches: readonly { readonly batch: number; readonly parent_ms: number; readonly ms: number }[]
  }
  /** What else should be known. */
  readonly notes: readonly string[]
}

type Control = { signal?: AbortSignal }
const ARGS = { options: withFields({ run: word, say: optional(callback) }), more: only({ signal: optional(abortSignal) }) }

/**
 * Makes a smaller run of a run: matrices become whole numbers with scales. It is published only when it loses no more than allowed.
 *
 * Errors: those of load and of the data; RUN_EXISTS, BAD_OPTION; GATE_FAILED with the figures, or the reason of `signal`, and then nothing
 * is left behind.
 */
export const quantize = asyncDoor('quantize', ARGS, async (options: QuantizeOptions, more: Control = {}): Promise<Quantized> => {
  const { run, say: tell = () => {}, ...given } = options
  const { signal } = more
  const say = stoppable(tell, signal)
  const o = resolve('quantize', quantizeFields, given)
  const from = await findRun(run)
  const folder = join(dirname(from), o.name ?? `${basename(from)}_${o.to}`)
  if (folder === from) throw badOption('quantize', 'name', 'another name than that of the run', o.name)
  const store = await claimRun('quantize', folder, { overwrite: o.overwrite })
  const path = `${temporary(folder)}`
  let parent: Parent | undefined
  try {
    const model = await load(from, { device: 'cpu', ...(o.threads !== undefined && { threads: o.threads }) })
    if (model.manifest.quantized !== undefined) {
      model.dispose()
      throw new LvmError('BAD_OPTION', `quantize: expected a run as it was trained but ${model.name} is quantised already`, {
        hint: `quantise ${model.manifest.quantized.parent.run}, which it was made of`,
      })
    }
    parent = await examine(model, o, say, signal)
    const candidate = await search(parent, path, o, say)
    const { kernels, batches, notes } = await measure(parent, candidate, o, signal)
    const { layers, weights_bytes, file_bytes } = await publish(store, parent, candidate, o, kernels)
    return {
      version: 1,
      run: runName(folder),
      parent: model.name,
      model: model.manifest.model,
      scheme: o.to,
      layers,
      activations: candidate.activations,
      kernels,
      gate: candidate.gate,
      size: { parent_weights_bytes: model.manifest.weights_bytes, weights_bytes, file_bytes },
      latency: { device: 'cpu', threads: native.threads(), batches },
      notes,
    }
  } finally {
    parent?.chosen.dispose()
    await rm(path, { force: true })
    await store.close()
  }
})
