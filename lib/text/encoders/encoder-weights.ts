import type { Stored, StoredTensors } from '../../checkpoint/stored-tensors.js'
import { LvmError } from '../../errors.js'
import { type NativeModel, native } from '../../native.js'
import { Tensor } from '../../torch/tensor.js'
import type { WeightsFile } from '../../weights/open-weights.js'
import { writeWeights } from '../../weights/place-weights.js'
import type { EncoderFamily } from './encoder-family.js'

/** Weights of one part of an encoder, under the names of its graph. */
export interface EncoderPart {
  readonly file: WeightsFile
  readonly tensors: StoredTensors
  /** Tensors of the file that the graph does not name, and that are not known to be unused. */
  readonly others: readonly string[]
}

/** Names without PyTorch's older words for the parameters of LayerNorm. */
const modern = (name: string) =>
  name.replace(/\bLayerNorm\.gamma$/, 'LayerNorm.weight').replace(/\bLayerNorm\.beta$/, 'LayerNorm.bias')

/** Prefixes of the tensors of an encoder, such as `bert.`; a decoder has tensors of the same names. */
function prefixesOf(names: readonly string[], anchor: string): string[] {
  const found = names
    .filter((name) => name === anchor || name.endsWith(`.${anchor}`))
    .map((name) => name.slice(0, -anchor.length))
  return found.filter((prefix) => !/(^|\.)decoder\.$/.test(prefix))
}

/**
 * Finds the weights of a transformer in a file, without the prefixes of the models around it.
 *
 * Errors: BAD_CHECKPOINT when the file holds no such transformer, or several.
 */
export function transformerPart(family: EncoderFamily, file: WeightsFile): EncoderPart {
  const renamed = new Map([...file.tensors].map(([name, stored]) => [modern(name), stored]))
  const names = [...renamed.keys()]
  const prefixes = prefixesOf(names, family.anchor)
  if (prefixes.length !== 1) {
    const found = prefixes.length === 0 ? 'there is none' : `there are ${prefixes.length}`
    throw new LvmError('BAD_CHECKPOINT', `${sourceOf(file)}: expected one tensor "…${family.anchor}" but ${found}`, {
      hint: 'check that the weights are of the kind that model_type in config.json names',
    })
  }
  const [prefix] = prefixes as [string]
  const outer = prefix.replace(/encoder\.$/, '')
  const tensors = new Map<string, Stored>()
  const others: string[] = []
  for (const name of names) {
    const inside = name.startsWith(prefix) ? name.slice(prefix.length) : undefined
    const beside = name.startsWith(outer) ? name.slice(outer.length) : name
    if (family.unused.some((pattern) => pattern.test(inside ?? beside) || pattern.test(beside))) continue
    if (inside === undefined || renamed.get(name)!.isBuffer === true) others.push(name)
    else tensors.set(inside, renamed.get(name)!)
  }
  for (const [own, ...rest] of family.aliases) {
    const alias = [own!, ...rest].flatMap((name) => [prefix + name, outer + name]).find((name) => renamed.has(name))
    if (alias !== undefined) tensors.set(own!, renamed.get(alias)!)
    for (const name of rest) tensors.delete(name)
  }
  return { file, tensors, others: others.filter((name) => renamed.get(name)!.isBuffer !== true) }
}

/** Weights of a Dense module. */
export const densePart = (file: WeightsFile): EncoderPart => ({ file, tensors: file.tensors, others: [] })

const sourceOf = ({ files, path }: WeightsFile) => (files.length === 1 ? files[0]! : path)
const sizes = (shape: readonly number[]) => `[${shape.join(', ')}]`
const MOST = 12
const cut = (names: readonly string[]) =>
  `${names.slice(0, MOST).join(', ')}${names.length > MOST ? ` and ${names.length - MOST} more` : ''}`

/**
 * Copies weights into the tensors of a model whose names begin with `prefix`.
 *
 * Errors: BAD_CHECKPOINT names every tensor that is missing, unexpected or of another shape, and NaN or Inf.
 */
export async function placePart(model: NativeModel, prefix: string, { file, tensors, others }: EncoderPart): Promise<void> {
  const ours = native.modelState(model).filter(({ name }) => name.startsWith(prefix))
  const state = new Map(ours.map(({ name, tensor }) => [name.slice(prefix.length), Tensor.wrap(tensor)]))
  const missing = [...state.keys()].filter((name) => !tensors.has(name))
  const unexpected = [...[...tensors.keys()].filter((name) => !state.has(name)), ...others]
  const misshapen = [...state].flatMap(([name, { shape }]) => {
    const given = tensors.get(name)
    if (given === undefined || (given.unread === undefined && sizes(given.shape) === sizes(shape))) return []
    return [`${name}: ${given.unread ?? sizes(given.shape)} instead of ${sizes(shape)}`]
  })
  const faults = [
    ...(missing.length > 0 ? [`${missing.length} missing (${cut(missing)})`] : []),
    ...(unexpected.length > 0 ? [`${unexpected.length} unexpected (${cut(unexpected)})`] : []),
    ...(misshapen.length > 0 ? [`${misshapen.length} of another shape (${cut(misshapen)})`] : []),
  ]
  if (faults.length > 0) {
    throw new LvmError('BAD_CHECKPOINT', `${sourceOf(file)}: expected the tensors of this encoder but ${faults.join(', ')}`, {
      hint: 'check that config.json belongs to these weights, and fetch the folder again if it was copied',
    })
  }
  for (const [name, tensor] of state) {
    await writeWeights(sourceOf(file), name, tensors.get(name)!, tensor)
    tensor.dispose() // a handle would keep the float32 weights in memory after they are rounded
  }
}
