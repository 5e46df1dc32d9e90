import { rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { claimRun } from '../checkpoint/claim.js'
import { load } from '../checkpoint/load-model.js'
import type { Quantization, Scheme } from '../checkpoint/quantized.js'
import { findRun, runName } from '../checkpoint/run-folder.js'
import { CONTROL, type Control, controlDoor } from '../control.js'
import { mainData, type WithData } from '../data/given-data.js'
import { callback, only, optional, withFields, word } from '../door.js'
import { badOption, LvmError } from '../errors.js'
import { temporary } from '../files/write.js'
import { native } from '../native.js'
import { type Given, resolve } from '../options.js'
import { stage } from '../stages.js'
import { type Gate, stoppable } from './compress-gate.js'
import { quantizeFields } from './quantize-fields.js'
import { measure, publish } from './quantize-publish.js'
import { examine, type Parent, search } from './quantize-search.js'

/** Options of `quantize`: the run, a listener for progress (`say`), and any field of `quantizeFields`. */
export interface QuantizeOptions extends WithData<Given<typeof quantizeFields>> {
  /** Folder of the run, or its name below `artifacts/lvm/models`. */
  readonly run: string
  /** Receives each line of progress. */
  readonly say?: (line: string) => void
}
/** Result of quantising a run: its loss, size and latency. */
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
  /** Median latency by batch size. Units: milliseconds. */
  readonly latency: {
    readonly device: string
    readonly threads: number
    readonly batches: readonly { readonly batch: number; readonly parent_ms: number; readonly ms: number }[]
    /** Share of the processor time that the process was ready to use and got; null if unknown. */
    readonly cpu_share: number | null
  }
  /** Remarks on kernels and latency. */
  readonly notes: readonly string[]
}

const ARGS = { options: withFields({ run: word, data: optional(mainData), say: optional(callback) }), more: only(CONTROL) }

/**
 * Quantises the matrices of a run to integers with scales, or to bfloat16. The result is published only when its loss is within the limits.
 *
 * Errors: those of load and of the data; RUN_EXISTS, BAD_OPTION; GATE_FAILED with the figures; the reason of `signal`. After an error
 * no new run is left.
 */
export const quantize = controlDoor(
  'quantize',
  ARGS,
  async (options: QuantizeOptions, more: Control = {}): Promise<Quantized> => {
    const { run, say: tell = () => {}, ...given } = options
    const { signal } = more
    const say = stoppable(tell, signal)
    const o = resolve('quantize', quantizeFields, given)
    const from = await findRun(run)
    const folder = join(dirname(from), o.name ?? `${basename(from)}_${o.to}`)
    if (folder === from) throw badOption('quantize', 'name', 'a name that differs from that of the run', o.name)
    const store = await claimRun('quantize', folder, { overwrite: o.overwrite })
    const path = `${temporary(folder)}`
    let parent: Parent | undefined
    try {
      const model = await load(from, { device: 'cpu', ...(o.threads !== undefined && { threads: o.threads }) })
      if (model.manifest.quantized !== undefined) {
        model.dispose()
        throw new LvmError('BAD_OPTION', `quantize: expected a run with float weights but ${model.name} is quantised already`, {
          hint: `quantise ${model.manifest.quantized.parent.run}, its parent`,
        })
      }
      parent = await examine(model, o, say, signal)
      const candidate = await search(parent, path, o, say)
      const { kernels, batches, cpu_share, notes } = await stage('latency', () => measure(parent!, candidate, o, signal))
      const { layers, weights_bytes, file_bytes } = await stage('publish', () => publish(store, parent!, candidate, o, kernels))
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
        latency: { device: 'cpu', threads: native.threads(), batches, cpu_share },
        notes,
      }
    } finally {
      parent?.chosen.dispose()
      await rm(path, { force: true })
      await store.close()
    }
  },
)
