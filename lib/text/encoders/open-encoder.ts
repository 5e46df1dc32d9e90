import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { LvmError, shown } from '../../errors.js'
import { sha256, textHash } from '../../files/hash.js'
import { type NativeModel, native } from '../../native.js'
import { countParameters } from '../../spec/count.js'
import { activation, chain, concat, linear, type Node, named, pool, textModel, unit } from '../../spec/ops.js'
import { useThreads } from '../../torch/device.js'
import { useMultiplier } from '../../torch/multiplier.js'
import { openWeights } from '../../weights/open-weights.js'
import { openTokenizer, type TextTokenizer, TOKENIZER_FILES } from '../tokens/text-tokenizer.js'
import { bertEncoder } from './bert-encoder.js'
import type { EncoderFamily } from './encoder-family.js'
import type { Precision, ResolvedEncoder } from './encoder-fields.js'
import { type DenseModule, type EncoderFolder, readEncoderFolder } from './encoder-folder.js'
import { spaceOf } from './encoder-space.js'
import { densePart, type EncoderPart, placePart, transformerPart } from './encoder-weights.js'
import { fasterPrecision } from './faster-precision.js'
import { mpnetEncoder } from './mpnet-encoder.js'
import { roundToBf16, roundToInt8 } from './round-weights.js'
import { t5Encoder } from './t5-encoder.js'

const FAMILIES: readonly EncoderFamily[] = [bertEncoder, mpnetEncoder, t5Encoder]

/** An encoder that is ready to run. */
export interface OpenedEncoder {
  readonly model: NativeModel
  readonly tokenizer: TextTokenizer
  readonly folder: EncoderFolder
  readonly dim: number
  readonly maxTokens: number
  readonly parameters: number
  readonly spec: Node
  readonly hash: string
  readonly precision: Precision
  /** Prompt of the options, or the folder's default. */
  readonly prompt: string
  readonly space: string
}

/** Errors: BAD_ENCODER for a kind that is not known. */
export function familyOf({ config }: EncoderFolder): EncoderFamily {
  const family = FAMILIES.find(({ types }) => types.some((type) => type === config.values.model_type))
  if (family !== undefined) return family
  throw config.refuse('model_type', `one of ${FAMILIES.flatMap(({ types }) => types).join(', ')}`)
}

/** The text before every text: one of the folder's prompts by its name, or the given text. */
export const promptOf = ({ prompts, defaultPrompt }: EncoderFolder, given: string | undefined): string => {
  const named = given ?? defaultPrompt ?? ''
  return Object.hasOwn(prompts, named) ? prompts[named]! : given === undefined ? '' : named
}

/** Pooling, then the linear layers, then the scaling to length 1. */
function head({ pools }: EncoderFolder, width: number, dense: readonly DenseModule[], normalize: boolean) {
  const nodes = [pools.length === 1 ? pool(pools[0]!) : concat(...pools.map((kind) => pool(kind)))]
  let dim = width * pools.length
  for (const { index, config, activation: kind } of dense) {
    if (config.size('in_features') !== dim) throw config.refuse('in_features', String(dim))
    dim = config.size('out_features')
    const layer = linear({ in: config.size('in_features'), out: dim, bias: config.flag('bias', true) })
    nodes.push(named(`${index}.linear`, layer), ...(kind === undefined ? [] : [activation(kind)]))
  }
  return { dim, nodes: normalize ? [...nodes, unit()] : nodes }
}

/** Errors: BAD_ENCODER when `maxTokens` is more than the encoder has positions for. */
function longestText(folder: EncoderFolder, tokenizer: TextTokenizer, positions: number, asked: number | undefined): number {
  if (asked !== undefined && asked > positions)
    throw new LvmError('BAD_OPTION', `Encoder: expected at most ${positions} for "maxTokens" but received ${shown(asked)}`)
  return Math.min(positions, asked ?? folder.maxTokens ?? tokenizer.modelMaxLength ?? Number.POSITIVE_INFINITY)
}

/** SHA-256 over weights, tokenizer and configuration: equal for equal files, wherever the folder is. */
async function hashOf(folder: EncoderFolder, weights: readonly string[]): Promise<string> {
  const tokenizer = TOKENIZER_FILES.map((name) => join(folder.transformer, name)).filter((path) => existsSync(path))
  const lines = []
  for (const path of [...folder.files, ...tokenizer, ...weights])
    lines.push(`${await sha256(path)}  ${relative(folder.path, path).replaceAll('\\', '/')}\n`)
  return textHash(lines.sort().join(''))
}

/** Builds a model and loads its weights, then changes it. Errors: BAD_CHECKPOINT. */
async function loadModel(
  spec: Node,
  parts: readonly (readonly [prefix: string, part: EncoderPart])[],
  change?: (model: NativeModel) => Promise<void>,
): Promise<NativeModel> {
  const model = await native.model(spec, 'float32', 'cpu', null)
  try {
    for (const [prefix, part] of parts) await placePart(model, prefix, part)
    await change?.(model)
    return model
  } catch (error) {
    native.dispose(model)
    throw error
  }
}

const ROUND = { float32: undefined, bf16: roundToBf16, int8: roundToInt8 } as const

/**
 * Opens an encoder: reads its configuration, builds its graph, loads weights and tokenizer.
 *
 * Errors: FILE_MISSING, DATA_FORMAT, DATA_UNSAFE, BAD_ENCODER, BAD_CHECKPOINT.
 */
export async function openEncoder(path: string, o: ResolvedEncoder): Promise<OpenedEncoder> {
  const folder = await readEncoderFolder(path, o.pooling)
  const family = familyOf(folder)
  const dense = o.dense === 'skip' ? [] : folder.dense
  const normalize = o.normalize === 'keep' ? folder.normalize : o.normalize === 'always'
  const weights = await openWeights(folder.transformer)
  const own = transformerPart(family, weights)
  const transformer = family.build(folder.config, new Set(own.tensors.keys()))
  const { dim, nodes } = head(folder, transformer.dim, dense, normalize)
  const spec = textModel(dim, named('0', chain(...transformer.nodes)), ...nodes)
  const parts: (readonly [string, EncoderPart])[] = [['0.', own]]
  for (const { index, folder } of dense) parts.push([`${index}.`, densePart(await openWeights(folder))])
  const tokenizer = await openTokenizer(folder.transformer, { lowerCase: folder.lowerCase })
  const maxTokens = longestText(folder, tokenizer, transformer.longest, o.maxTokens)
  const prompt = promptOf(folder, o.prompt)
  const files = parts.flatMap(([, { file }]) => file.files)
  const hash = await hashOf(folder, files)
  useThreads(o.threads)
  await useMultiplier(undefined)
  const precision =
    o.precision === 'auto' ? await fasterPrecision({ hash, tokenizer, maxTokens }, () => loadModel(spec, parts)) : o.precision
  const model = await loadModel(spec, parts, ROUND[precision])
  const parameters = countParameters(spec)
  const space = spaceOf({ ...folder, dense, normalize, prompt })
  return { model, tokenizer, folder, dim, maxTokens, parameters, spec, hash, prompt, space, precision }
}
