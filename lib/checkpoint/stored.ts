import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { dtypeOf } from '../data/element.js'
import { sha256 } from '../data/file.js'
import { isTensorEntry, openPt, readTensor } from '../data/pt.js'
import { readSafetensors } from '../data/safetensors.js'
import { LvmError } from '../errors.js'
import { Tensor } from '../torch/tensor.js'
import { names } from './durable.js'
import { isRun, runFolder } from './folder.js'
import { textHash } from './hash.js'
import { FORMAT, openQuantized } from './quantized.js'
import { weightsFile } from './run.js'
import { verifyRun } from './store.js'

/** A tensor of a file, not yet read. */
export interface Stored {
  readonly shape: readonly number[]
  read(): Promise<Tensor>
}
/** Tensors of a file by name. */
export type StoredTensors = ReadonlyMap<string, Stored>

interface Opened {
  readonly tensors: StoredTensors
  /** What a file of PyTorch holds beside its weights. */
  readonly rest: ReadonlyMap<unknown, unknown>
  readonly warnings: readonly string[]
}
/** Weights that lie in one file or in several, with what is said about them. */
export interface WeightsFile extends Opened {
  /** As it was named. */
  readonly path: string
  readonly files: readonly string[]
  /** The config.json beside it; empty without one. */
  readonly config: Readonly<Record<string, unknown>>
}

/** The tensors of a .pt file: of its `model_state_dict`, its `state_dict`, or the file itself. Errors: as openPt; BAD_CHECKPOINT. */
export async function openState(path: string): Promise<Opened> {
  const file = await openPt(path, { verify: false })
  const whole = file.value instanceof Map ? file.value : new Map()
  const dict = whole.get('model_state_dict') ?? whole.get('state_dict') ?? whole
  if (!(dict instanceof Map))
    throw new LvmError('BAD_CHECKPOINT', `${path}: expected a dict of tensors but received something else`)
  const tensors = new Map<string, Stored>()
  for (const [name, entry] of dict)
    if (isTensorEntry(entry)) tensors.set(String(name), { shape: entry.shape, read: () => readTensor(file, entry) })
  if (tensors.size === 0) throw new LvmError('BAD_CHECKPOINT', `${path}: expected weights but it holds no tensors by name`)
  return { tensors, rest: dict === whole ? new Map() : whole, warnings: file.warnings }
}

async function openSafetensors(path: string): Promise<Opened> {
  const { tensors, metadata } = await readSafetensors(path)
  if (metadata.get('format') === FORMAT) return { tensors: (await openQuantized(path)).tensors, rest: new Map(), warnings: [] }
  const stored = [...tensors].map(([name, { type, shape, offset }]): [string, Stored] => {
    const read = () => {
      const dtype = dtypeOf(type)
      if (dtype === undefined) throw new LvmError('DATA_FORMAT', `${path}: the dtype of "${name}" is not read`)
      return Tensor.read(path, { offset, shape, dtype })
    }
    return [name, { shape, read }]
  })
  return { tensors: new Map(stored), rest: new Map(), warnings: [] }
}

const openFile = (path: string) => (path.endsWith('.safetensors') ? openSafetensors(path) : openState(path))

/** JSON as Python writes it, where Infinity and NaN are numbers. Errors: DATA_FORMAT. */
async function readConfig(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, 'utf8')
  try {
    return JSON.parse(text.replace(/([[,:]\s*)-?(Infinity|NaN)(?=\s*[\],}])/g, '$1null')) as Record<string, unknown>
  } catch (cause) {
    throw new LvmError('DATA_FORMAT', `${path}: expected JSON but received something else`, { cause })
  }
}

const WEIGHTS = ['model.safetensors', 'pytorch_model.bin'] as const
const INDEX = '.index.json'

/** The files that hold the weights of a folder: a run, one as Hugging Face has it, or one with a single file of weights. */
async function filesOf(folder: string): Promise<string[]> {
  if (await isRun(folder)) {
    const { path, manifest } = await verifyRun(folder)
    return [join(path, weightsFile(manifest))]
  }
  const there = await names(folder)
  for (const name of WEIGHTS) {
    if (there.includes(name)) return [join(folder, name)]
    if (!there.includes(name + INDEX)) continue
    const { weight_map } = await readConfig(join(folder, name + INDEX))
    return [...new Set(Object.values((weight_map ?? {}) as Record<string, string>))].sort().map((part) => join(folder, part))
  }
  const only = there.filter((name) => /\.(safetensors|bin|pth|pt|ckpt)$/.test(name))
  if (only.length === 1) return [join(folder, only[0]!)]
  throw new LvmError(
    'FILE_MISSING',
    `${folder}: expected ${WEIGHTS.join(' or ')} but the folder holds ${there.join(', ') || 'nothing'}`,
  )
}

/**
 * Opens weights without reading them: a file, a folder of Hugging Face with its shards, or a run, also by its name below `root`.
 *
 * Errors: FILE_MISSING, DATA_FORMAT, DATA_UNSAFE, BAD_CHECKPOINT.
 */
export async function openWeights(named: string, root?: string): Promise<WeightsFile> {
  const run = runFolder(named, root)
  const path = !existsSync(named) && (await isRun(run)) ? run : named
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() === true
  const files = isFolder ? await filesOf(path) : [path]
  const parts: Opened[] = []
  for (const file of files) parts.push(await openFile(file))
  const config = join(dirname(files[0] ?? path), 'config.json')
  const described = /^(model|pytorch_model)\b.*\.(safetensors|bin)$/.test(basename(files[0] ?? '')) || isFolder
  return {
    path,
    files,
    tensors: new Map(parts.flatMap(({ tensors }) => [...tensors])),
    rest: parts[0]?.rest ?? new Map(),
    warnings: parts.flatMap(({ warnings }) => warnings),
    config: described && existsSync(config) ? await readConfig(config) : {},
  }
}

/** SHA-256 of the weights, in hex: of their file; of several, of their digests, each followed by a line feed. */
export async function weightsHash({ files }: WeightsFile): Promise<string> {
  const digests = []
  for (const file of files) digests.push(await sha256(file))
  return digests.length === 1 ? digests[0]! : textHash(digests.map((hex) => `${hex}\n`).join(''))
}
