import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LvmError } from '../../errors.js'
import { parseJson } from '../../files/json.js'
import type { Limits } from '../../files/limits.js'
import { damaged } from '../../files/read-file.js'
import { Tensor } from '../../torch/tensor.js'
import { openWeights, type WeightsFile } from '../../weights/open-weights.js'
import { readWeight } from '../generate/read-weights.js'
import { requireShapes, type T5Part, t5Part } from '../generate/t5-layout.js'
import { T5 } from '../generate/t5-model.js'
import { below } from './embedding-transform.js'
import type { GtrSpace } from './gtr-space.js'
import type { InverterFiles } from './inverter-files.js'
import { padded, type T5Tokens } from './t5-tokens.js'

/** The encoder that made a decoder's vectors. */
export interface ReEmbedder {
  readonly width: number
  /** Weights of the dense layer, which the decoder's own space may lack. Shapes: [width, width]. */
  readonly dense: Tensor | undefined
  /** Vectors of texts in a space. Shapes: → [texts, width]. */
  embed(texts: readonly string[], space?: GtrSpace): Promise<Tensor>
  dispose(): void
}

/** Names of an encoder inside a hypothesizer: as its class, or as sentence-transformers writes it. */
const INSIDE = ['embedder.0.auto_model.', 'embedder.']
const DENSE_INSIDE = 'embedder.2.linear.weight'

/** Weights of the encoder: those in the hypothesizer, unless its file has none or a folder is given. */
async function encoderPart({ hypothesizer, embedder }: InverterFiles, o: { own: boolean; limits: Limits }): Promise<T5Part> {
  const tensors = new Map([...hypothesizer.tensors].filter(([name]) => name !== DENSE_INSIDE))
  const prefix = INSIDE.find((start) => [...tensors.keys()].some((name) => name.startsWith(start)))
  if (prefix !== undefined && o.own) return t5Part({ path: hypothesizer.path, tensors, config: {} }, prefix)
  if (embedder !== undefined) return t5Part(await openWeights(embedder, undefined, o.limits), '')
  throw new LvmError('FILE_MISSING', `${hypothesizer.path}: expected the encoder's weights (embedder.*) but the file has none`, {
    hint: 'name the folder of gtr-t5-base with --embedder, or put it beside the hypothesizer',
  })
}

/** Weights of the Dense module of a sentence-transformers folder. Errors: DATA_FORMAT. */
async function denseFile(folder: string, limits: Limits): Promise<WeightsFile | undefined> {
  const path = join(folder, 'modules.json')
  if (!existsSync(path)) return undefined
  const modules = parseJson(await readFile(path, 'utf8'), limits.jsonDepth)
  if (!Array.isArray(modules)) throw damaged(path, 'expected a list of modules')
  const dense = modules.find((module) => /\bDense$/.test(String(module?.type)))
  if (dense === undefined) return undefined
  if (typeof dense.path !== 'string' || /(^|[\\/])\.\.([\\/]|$)/.test(dense.path))
    throw damaged(path, 'expected a folder for the Dense module')
  return openWeights(join(folder, dense.path), undefined, limits)
}

/** Reads the dense layer. Errors: BAD_CHECKPOINT when a decoder of gtr-st has none. */
async function readDense(
  { hypothesizer, embedder, space }: InverterFiles,
  width: number,
  limits: Limits,
): Promise<Tensor | undefined> {
  const inside = hypothesizer.tensors.get(DENSE_INSIDE)
  if (inside !== undefined && space === 'gtr-mean')
    throw new LvmError(
      'SPACE_MISMATCH',
      `${hypothesizer.path}: expected no dense layer for gtr-mean, which its config.json names, but its weights have "${DENSE_INSIDE}", as gtr-st has`,
    )
  const own =
    inside === undefined
      ? undefined
      : { path: hypothesizer.path, prefix: 'embedder.2.', tensors: below(hypothesizer.tensors, 'embedder.2.') }
  const beside = own === undefined && embedder !== undefined ? await denseFile(embedder, limits) : undefined
  const found = own ?? (beside && { path: beside.path, prefix: '', tensors: beside.tensors })
  if (found === undefined) {
    if (space === 'gtr-mean') return undefined
    throw new LvmError('BAD_CHECKPOINT', `${hypothesizer.path}: expected "${DENSE_INSIDE}" for gtr-st but it is missing`, {
      hint: 'name the folder of gtr-t5-base, which has a Dense module, with --embedder',
    })
  }
  requireShapes(found.path, found.prefix, found.tensors, new Map([['linear.weight', [width, width]]]))
  return readWeight(found.path, `${found.prefix}linear.weight`, found.tensors.get('linear.weight')!)
}

const unit = async (x: Tensor): Promise<Tensor> => {
  using norms = await x.op('aten::linalg_vector_norm', 2, [-1], true)
  using safe = await norms.op('aten::clamp_min', 1e-12)
  return await x.op('aten::div.Tensor', safe)
}

/** Mean of the vectors that the mask keeps. Shapes: hidden [n, time, width], mask [n, time] → [n, width]. */
async function meanOf(hidden: Tensor, mask: Tensor): Promise<Tensor> {
  using weights = await mask.to({ dtype: 'float32' }).ready()
  using column = await weights.op('aten::unsqueeze', -1)
  using kept = await hidden.op('aten::mul.Tensor', column)
  using sums = await kept.op('aten::sum.dim_IntList', [1])
  using counts = await column.op('aten::sum.dim_IntList', [1])
  return await sums.op('aten::div.Tensor', counts)
}

/** Opens the encoder of a decoder. `own` false takes the folder's weights even where the hypothesizer has some. */
export async function openReEmbedder(
  files: InverterFiles,
  tokens: T5Tokens,
  o: { own: boolean; limits: Limits },
): Promise<ReEmbedder> {
  const t5 = await T5.load(await encoderPart(files, o), { decoder: false })
  const { width } = t5.layout
  const dense = await readDense(files, width, o.limits).catch((error) => {
    t5.dispose()
    throw error
  })
  return {
    width,
    dense,
    async embed(texts, space = files.space) {
      const { ids, mask, longest } = padded(texts.map((text) => tokens.encode(text, files.longest)))
      using rows = Tensor.from(ids, [texts.length, longest])
      using kept = Tensor.from(mask, [texts.length, longest])
      using embedded = await t5.embed(rows)
      using hidden = await t5.encode(embedded, kept)
      const mean = await meanOf(hidden, kept)
      if (space === 'gtr-mean') return mean
      using raw = mean
      if (space === 'gtr-mean-l2') return await unit(raw)
      using turned = await raw.op('aten::linear', dense!)
      return await unit(turned)
    },
    dispose() {
      t5.dispose()
      dense?.dispose()
    },
  }
}
