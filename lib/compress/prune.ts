import { mkdir, rm } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { claimRun } from '../checkpoint/claim.js'
import { load } from '../checkpoint/load-model.js'
import type { Model } from '../checkpoint/model.js'
import { findRun, runName } from '../checkpoint/run-folder.js'
import { type Pruning, weightsFile } from '../checkpoint/run-manifest.js'
import { CONTROL, type Control, controlDoor } from '../control.js'
import { mainData, type WithData } from '../data/given-data.js'
import { callback, only, optional, withFields, word } from '../door.js'
import { badOption, LvmError } from '../errors.js'
import { type Chosen, chooseRows } from '../evaluate/subject.js'
import { temporary } from '../files/write.js'
import { writeSafetensors } from '../files/write-safetensors.js'
import { watchCpuShare } from '../libtorch/cpu-share.js'
import { native } from '../native.js'
import { type Given, resolve } from '../options.js'
import { count } from '../show.js'
import { BATCHES } from '../study/benchmark/benchmark-inputs.js'
import { type Gate, gateError, gateSentence, judgeGate, type Scored, score, stoppable } from './compress-gate.js'
import { medians } from './latency-medians.js'
import { pruneFields } from './prune-fields.js'
import { compressedBytes, publish, retrain } from './prune-publish.js'
import { type PrunedWeights, type Settings, withoutUnits, withoutWeights } from './prune-weights.js'

/** Options of `prune`: the run, a listener for progress (`say`), and any field of `pruneFields`. */
export interface PruneOptions extends WithData<Given<typeof pruneFields>> {
  /** Folder of the run, or its name below `artifacts/lvm/models`. */
  readonly run: string
  /** Receives each line of progress. */
  readonly say?: (line: string) => void
}
/** Result of pruning a run: its loss, size and latency. */
export interface Pruned {
  readonly version: 1
  readonly run: string
  readonly parent: string
  readonly model: string
  readonly pruning: Pruning
  readonly gate: Gate
  readonly parameters: { readonly parent: number; readonly result: number }
  readonly size: {
    readonly parent_weights_bytes: number
    readonly weights_bytes: number
    /** Size of the weights after gzip. */
    readonly parent_compressed_bytes: number
    readonly compressed_bytes: number
  }
  readonly latency: {
    readonly device: string
    readonly threads: number
    readonly batches: readonly { readonly batch: number; readonly parent_ms: number; readonly ms: number }[]
    /** Share of the processor time that the process was ready to use and got; null if unknown. */
    readonly cpu_share: number | null
  }
  readonly notes: readonly string[]
}

interface Examined {
  readonly scored: Scored
  readonly compressed: number
}

const ARGS = { options: withFields({ run: word, data: optional(mainData), say: optional(callback) }), more: only(CONTROL) }

/**
 * Prunes a run: removes the weights, heads or neurons with the lowest saliency and optionally trains the rest. The result is
 * published only when its loss is within the limits.
 *
 * Errors: those of load, of the data and of train; RUN_EXISTS, BAD_OPTION; GATE_FAILED with the figures; the reason of `signal`. After an
 * error no new run is left.
 */
export const prune = controlDoor('prune', ARGS, async (options: PruneOptions, { signal }: Control = {}): Promise<Pruned> => {
  const { run, say: tell = () => {}, ...given } = options
  const say = stoppable(tell, signal)
  const o = resolve('prune', pruneFields, given)
  const from = await findRun(run)
  const folder = join(dirname(from), o.name ?? `${basename(from)}_pruned`)
  if (folder === from) throw badOption('prune', 'name', 'a name that differs from that of the run', o.name)
  const store = await claimRun('prune', folder, { overwrite: o.overwrite })
  const stage = temporary(folder)
  const place = { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) }
  let chosen: Chosen | undefined
  try {
    await mkdir(stage, { recursive: true })
    using parent = await load(from, place)
    const { manifest } = parent
    requireFloatWeights(parent)
    chosen = await chooseRows(parent, { ...o, rows: 'auto' })
    const before = await examine(parent, chosen, say)
    const pruned = await pruneInto(stage, parent, chosen, o, say, signal)
    using result = await load(join(stage, 'run'), place)
    const after = await examine(result, chosen, say)
    const gate = await judgeGate(before.scored, after.scored, chosen, o)
    say(gateSentence(gate))
    if (!gate.pass) throw gateError('prune', gate)
    const share = watchCpuShare()
    const [was, is] = await medians([parent.native, result.native], chosen, o, signal)
    const cpu_share = share()
    const pruning = pruningOf(parent, o, pruned)
    await publish(store, stage, parent, pruning)
    return {
      version: 1,
      run: runName(folder),
      parent: parent.name,
      model: manifest.model,
      pruning,
      gate,
      parameters: { parent: parent.parameters, result: result.parameters },
      size: {
        parent_weights_bytes: manifest.weights_bytes,
        weights_bytes: result.manifest.weights_bytes,
        parent_compressed_bytes: before.compressed,
        compressed_bytes: after.compressed,
      },
      latency: {
        device: result.device,
        threads: native.threads(),
        batches: BATCHES.map((batch, i) => ({ batch, parent_ms: was![i]!, ms: is![i]! })),
        cpu_share,
      },
      notes:
        o.structured === 'none' ? ['zero weights take as much memory and time as others: only a compressed file is smaller'] : [],
    }
  } finally {
    chosen?.dispose()
    await rm(stage, { recursive: true, force: true })
    await store.close()
  }
})

/** Errors: BAD_OPTION for a quantised run. */
function requireFloatWeights({ name, manifest: { quantized } }: Model): void {
  if (quantized === undefined) return
  throw new LvmError('BAD_OPTION', `prune: expected a run with float weights but ${name} is quantised`, {
    hint: `prune ${quantized.parent.run}, its parent, and quantise the result`,
  })
}

/** Prunes the weights of a run and trains the rest; the new run is saved in `stage`. */
async function pruneInto(
  stage: string,
  parent: Model,
  chosen: Chosen,
  o: Settings,
  say: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<PrunedWeights> {
  const rows = chosen.train === undefined ? chosen : { ...chosen, ...chosen.train }
  say(`${o.structured === 'none' ? 'weights' : o.structured} by ${o.saliency}`)
  const pruned =
    o.structured === 'none' ? await withoutWeights(parent, o, rows) : await withoutUnits(parent, o.structured, o, rows)
  const file = join(stage, 'pruned.safetensors')
  await writeSafetensors(file, pruned.pieces, { format: 'pt' })
  await retrain(parent, pruned, relative(process.cwd(), file), stage, o, say, signal)
  return pruned
}

const pruningOf = ({ folder, manifest }: Model, o: Settings, { zeros, removed }: PrunedWeights): Pruning => ({
  parent: { run: basename(folder), weights_sha256: manifest.files[weightsFile(manifest)]!.sha256 },
  structured: o.structured,
  saliency: o.saliency,
  sparsity: o.sparsity,
  zeros,
  removed,
  finetune: o.finetune,
})

async function examine(model: Model, chosen: Chosen, say: (line: string) => void): Promise<Examined> {
  say(`${chosen.ids.length} ${chosen.part} windows with ${count(model.parameters)} parameters`)
  const scored = await score(model, chosen)
  return { scored, compressed: await compressedBytes(model) }
}
