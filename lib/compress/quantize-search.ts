import { rm } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Model } from '../checkpoint/model.js'
import { loadQuantized } from '../checkpoint/open-model.js'
import { type ModelMatrix, matricesOf } from '../checkpoint/quantize-matrix.js'
import { openQuantized, type Quantization, type QuantizedMatrix, type Scheme } from '../checkpoint/quantized.js'
import { weightsFile } from '../checkpoint/run-manifest.js'
import { badOption } from '../errors.js'
import { type Chosen, chooseRows } from '../evaluate/subject.js'
import { trainedShare } from '../evaluate/trained-on.js'
import { native } from '../native.js'
import type { Options } from '../options.js'
import { bytes, fixed } from '../show.js'
import { stage, tally } from '../stages.js'
import { sampled } from '../statistics/random.js'
import { openWeights, type WeightsFile } from '../weights/open-weights.js'
import { type Gate, gateError, gateSentence, judgeGate, type Scored, score } from './compress-gate.js'
import { medians, SMALL } from './latency-medians.js'
import type { quantizeFields } from './quantize-fields.js'
import { bytesOf, writeQuantized } from './quantize-weights.js'
import { effects, searchWindows } from './sensitivity.js'

export type Settings = Options<typeof quantizeFields>

/** The next larger scheme: a result of that size has no advantage over it. */
const NEXT = { int4: 'int8', int8: 'bf16', bf16: 'fp32' } as const

/** Returns the bytes of all matrices when some of them are kept in float32. */
const bytesWith = (matrices: readonly ModelMatrix[], kept: ReadonlySet<string>, scheme: Scheme): number =>
  matrices.reduce((sum, matrix) => sum + bytesOf(kept.has(matrix.name) ? 'fp32' : scheme, matrix), 0)

/** The parent's scores and sources, which are used after its model is freed. */
export interface Parent {
  readonly model: Model
  readonly source: WeightsFile
  readonly chosen: Chosen
  readonly matrices: readonly ModelMatrix[]
  readonly scored: Scored
  /** Median latencies by batch size if the parent is too large to be loaded beside a candidate. */
  readonly alone: readonly number[] | undefined
  readonly drops: ReadonlyMap<string, number>
}

/** Returns the matrices that `keep` names. Errors: BAD_OPTION for a name without a matrix. */
function named(keep: string, matrices: readonly ModelMatrix[]): string[] {
  if (keep === 'auto' || keep === 'none') return []
  return keep.split(',').flatMap((word) => {
    const found = matrices.filter(({ name }) => name === word || name.startsWith(`${word}.`))
    if (found.length === 0)
      throw badOption('quantize', 'keep', `auto, none or names among ${matrices.map(({ name }) => name).join(', ')}`, word)
    return found.map(({ name }) => name)
  })
}

/** Scores the parent and measures the sensitivity of each matrix; frees the parent's model afterwards. */
export async function examine(
  model: Model,
  o: Settings,
  say: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<Parent> {
  const { manifest } = model
  const source = await openWeights(model.folder)
  const chosen = await chooseRows(model, o)
  try {
    if (trainedShare(chosen, chosen.train))
      // on training rows the gate would measure memorisation
      throw badOption('quantize', 'rows', 'rows that the run was not trained on', o.rows, 'leave out --rows, or use --rows test')
    say(`${model.name}: ${chosen.ids.length} ${chosen.part} windows, unchanged`)
    const scored = await stage('score the run', () => score(model, chosen))
    const alone =
      manifest.weights_bytes > SMALL ? (await stage('latency', () => medians([model.native], chosen, o, signal)))[0] : undefined
    const matrices = matricesOf(model.native)
    const from = chosen.train ?? chosen
    const ids = sampled(from.ids, searchWindows(matrices.length, manifest.parameters), manifest.seed)
    say(`each of ${matrices.length} matrices alone, on ${ids.length} ${chosen.train ? 'training' : chosen.part} windows`)
    let reportedAt = performance.now()
    const drops = await stage('each matrix alone', () =>
      effects(model.native, matrices, { ...from, ids }, o.to, (count) => {
        tally(count, matrices.length)
        if (performance.now() - reportedAt < 5000) return
        reportedAt = performance.now()
        say(`  ${count} of ${matrices.length}`)
      }),
    )
    for (const [name, drop] of [...drops].sort((a, b) => b[1] - a[1])) say(`  ${fixed(drop, 6).padStart(10)}  ${name}`)
    return { model, source, chosen, matrices, scored, alone, drops }
  } catch (error) {
    chosen.dispose()
    throw error
  } finally {
    model.dispose()
  }
}

/** A candidate file and the result of its gate. */
export interface Candidate {
  readonly path: string
  readonly kept: ReadonlySet<string>
  readonly activations: Quantization['activations']
  readonly gate: Gate
}

const quantizedMatrices = ({ matrices }: Parent, kept: ReadonlySet<string>, scheme: Scheme): Map<string, QuantizedMatrix> =>
  new Map(matrices.flatMap(({ name, shape, layout }) => (kept.has(name) ? [] : [[name, { scheme, shape, layout }]])))

/** Returns the quantised matrices with the largest loss that `mayKeep` admits, as many as make up for the excess loss. */
function mostSensitive({ drops }: Parent, excess: number, mayKeep: (names: readonly string[]) => boolean): string[] {
  const taken: string[] = []
  let won = 0
  for (const [name, drop] of [...drops].sort((a, b) => b[1] - a[1])) {
    if (taken.length > 0 && (won >= 1.5 * excess || drop <= 0)) break
    if (!mayKeep([...taken, name])) continue
    taken.push(name)
    won += drop
  }
  return taken
}

/** Writes candidates until one passes the gate; each keeps more of the most sensitive matrices. Errors: GATE_FAILED. */
export async function search(parent: Parent, path: string, o: Settings, say: (line: string) => void): Promise<Candidate> {
  const { model, source, chosen, matrices } = parent
  const { manifest } = model
  const largest = matrices.reduce((sum, matrix) => sum + bytesOf(NEXT[o.to], matrix), 0)
  const kept = new Set(named(o.keep, matrices))
  const facts = {
    model: manifest.model,
    context: String(manifest.context),
    dim: String(manifest.dim),
    space: manifest.data?.space ?? '',
    spec: JSON.stringify(manifest.spec),
    spec_hash: manifest.spec_hash,
    parent: basename(model.folder),
    parent_sha256: manifest.files[weightsFile(manifest)]!.sha256,
  }
  const judge = async (activations: Quantization['activations']): Promise<Gate> => {
    const { spec, context } = manifest
    const { model: made } = await loadQuantized(await openQuantized(path), path, {
      spec,
      device: 'cpu',
      context,
      exact: false,
      activations,
    })
    try {
      const gate = await stage('score a candidate', async () =>
        judgeGate(parent.scored, await score({ native: made }, chosen), chosen, o),
      )
      say(`${activations === 'int8' ? '' : 'activations not in 8 bits: '}${gateSentence(gate)}`)
      return gate
    } finally {
      native.dispose(made)
    }
  }
  for (;;) {
    await rm(path, { force: true }) // the previous candidate, which failed the gate
    await stage('write a candidate', () => writeQuantized(path, source.tensors, quantizedMatrices(parent, kept, o.to), facts))
    let gate = await judge('int8')
    if (gate.pass) return { path, kept, activations: 'int8', gate }
    if (o.to === 'int8') {
      gate = await judge('bf16')
      if (gate.pass) return { path, kept, activations: 'bf16', gate }
    }
    const lost = gate.cosine.pass ? 0 : gate.cosine.drop - gate.cosine.limit
    const mayKeep = (names: readonly string[]) =>
      !names.some((name) => kept.has(name)) && bytesWith(matrices, new Set([...kept, ...names]), o.to) < largest
    const more = o.keep === 'auto' ? mostSensitive(parent, lost, mayKeep) : []
    if (more.length === 0) {
      const stopped = [...parent.drops].sort((a, b) => b[1] - a[1]).slice(0, 3)
      const costs = stopped.map(([name, drop]) => `${name} alone costs ${drop.toFixed(5)}`).join(', ')
      const full = o.keep === 'auto' ? `; with more of them kept it would be as large as ${NEXT[o.to]}` : ''
      throw gateError('quantize', gate, `, with ${kept.size} of ${matrices.length} matrices kept; ${costs}${full}`)
    }
    for (const name of more) {
      kept.add(name)
      const matrix = matrices.find((one) => one.name === name)!
      say(`  kept: ${name}, ${bytes(bytesOf('fp32', matrix) - bytesOf(o.to, matrix))} more`)
    }
  }
}
