import { LvmError } from '../errors.js'
import { dtypeOf } from '../files/element.js'
import { needed, Opaque } from '../files/opaque.js'
import { keyText } from '../files/plain.js'
import { isTensorEntry, openPt, type PtFile } from '../files/pt.js'
import { isNdArray, type NdArray } from '../files/python-globals.js'
import { damaged } from '../files/read-file.js'
import { loadTensor } from '../torch/load-array.js'
import { readTensor } from '../torch/read-tensor.js'
import type { Opened, Stored } from './stored-tensors.js'

type Dict = ReadonlyMap<unknown, unknown>

/** Keys under which trainers store weights; the first that exists is used. */
const KEYS = [
  'model_state_dict',
  'state_dict',
  'model',
  'module',
  'net',
  'network',
  'weights',
  'params',
  'state',
  'ema',
  'ema_state_dict',
]
/** Further keys in our own files. */
const OUR_OTHERS = ['training_state_dict', 'optimizer_state_dict']
const DEPTH = 3
const HINT = 'save one state dict where it was made: torch.save(model.state_dict(), FILE)'

const isWeights = (value: unknown) => isTensorEntry(value) || isNdArray(value)
const holdsWeights = (value: unknown): boolean =>
  value instanceof Map && [...value].some(([key, entry]) => typeof key === 'string' && isWeights(entry))
const listed = (keys: Iterable<unknown>): string => {
  const names = Array.from(keys, keyText)
  const shown = names.slice(0, 10).map((name) => (name.length > 60 ? `${name.slice(0, 59)}…` : name))
  return `${shown.join(', ') || 'none'}${names.length > shown.length ? ` and ${names.length - shown.length} more` : ''}`
}

/** Whether a value is a dict of weights, or contains one under the keys of trainers. */
const leadsToWeights = (value: unknown, depth = 0): boolean =>
  holdsWeights(value) || (value instanceof Map && depth < DEPTH && KEYS.some((key) => leadsToWeights(value.get(key), depth + 1)))

/** Describes the first tensor of an unread type in a dict or in the dicts inside it. */
function unreadTensor(whole: Dict): string | undefined {
  const dicts = [whole, ...KEYS.map((key) => whole.get(key)).filter((value) => value instanceof Map)]
  const found = dicts
    .flatMap((dict) => [...dict.values()])
    .find((value) => value instanceof Opaque && /\btensor\b/.test(value.what))
  return found instanceof Opaque ? `only tensors that are not read, such as ${found.what}` : undefined
}

/** Finds the dict of weights in a file, and the keys of other weights, which are not read. Errors: BAD_CHECKPOINT, DATA_UNSAFE. */
function findWeights(path: string, value: unknown): { dict: Dict; others: readonly string[] } {
  needed(path, value)
  const whole: Dict | undefined = value instanceof Map ? value : undefined
  if (whole === undefined)
    throw new LvmError('BAD_CHECKPOINT', `${path}: expected a dict of tensors but received something else`, { hint: HINT })
  const below = [...whole].filter(([, value]) => holdsWeights(value)).map(([key]) => keyText(key))
  const known = KEYS.find((name) => leadsToWeights(whole.get(name), 1))
  const key = known ?? (below.length === 1 && !holdsWeights(whole) ? below[0] : undefined)
  if (key !== undefined) {
    const { dict, others } = findWeights(path, whole.get(key))
    return { dict, others: [...others, ...below.filter((other) => other !== key && !OUR_OTHERS.includes(other))] }
  }
  if (holdsWeights(whole)) return { dict: whole, others: below }
  for (const name of KEYS) needed(path, whole.get(name))
  const several =
    below.length > 1
      ? `weights under several keys (${listed(below)})`
      : `${unreadTensor(whole) ?? 'no tensors by name'}; its keys are ${listed(whole.keys())}`
  throw new LvmError('BAD_CHECKPOINT', `${path}: expected weights but it holds ${several}`, { hint: HINT })
}

/** A tensor stored as a numpy array inside the pickle. */
function ofArray(file: PtFile, name: string, { type, shape, fortran, content }: NdArray): Stored {
  if (dtypeOf(type) === undefined || !Buffer.isBuffer(content))
    return unread(file.path, name, `an array of numpy's ${type.name ?? type.kind}`)
  async function* pieces() {
    yield content as Buffer
  }
  const { path, limits } = file
  const array = { path, name, type, shape, fortran, limits, offset: undefined, pieces, verify: async () => {} }
  return { shape, isBuffer: type.kind === 'int' || type.kind === 'uint' || type.kind === 'bool', read: () => loadTensor(array) }
}

/** Placeholder for a tensor of an unread type. */
export const unread = (path: string, name: string, what: string, shape: readonly number[] = []): Stored => ({
  shape,
  unread: what,
  read: async () => {
    throw damaged(path, `"${name}" is ${what}, which is not read`, undefined, 'convert it to float32 where it was made')
  },
})

const FLOATING = /^(b?float|complex)/

/** Opens the state dict of a .pt file, which may be nested under known keys. Errors: as openPt; BAD_CHECKPOINT. */
export async function openState(path: string, limits?: PtFile['limits']): Promise<Opened> {
  const file = await openPt(path, { verify: false, ...(limits && { limits }) })
  const { dict, others } = findWeights(path, file.value)
  const tensors = new Map<string, Stored>()
  for (const [key, entry] of dict) {
    const name = keyText(key)
    if (isTensorEntry(entry))
      tensors.set(name, { shape: entry.shape, isBuffer: !FLOATING.test(entry.dtype), read: () => readTensor(file, entry) })
    else if (isNdArray(entry)) tensors.set(name, ofArray(file, name, entry))
    else if (entry instanceof Opaque) tensors.set(name, unread(path, name, entry.what))
  }
  const warnings = others.length > 0 ? [`it also holds weights under ${listed(others)}: not read`] : []
  const rest = dict === file.value ? new Map() : (file.value as Dict)
  return { tensors, rest, warnings: [...file.warnings, ...warnings] }
}
