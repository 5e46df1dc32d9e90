import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isFileName } from '../checkpoint/manifest.js'
import { FORMAT, openQuantized } from '../checkpoint/quantized.js'
import { isRun, runFolder } from '../checkpoint/run-folder.js'
import { weightsFile } from '../checkpoint/run-manifest.js'
import { verifyRun } from '../checkpoint/run-store.js'
import { openState, unread } from '../checkpoint/state-dict.js'
import type { Opened, Stored } from '../checkpoint/stored-tensors.js'
import { LvmError } from '../errors.js'
import { dtypeOf, elementName } from '../files/element.js'
import { sha256, textHash } from '../files/hash.js'
import { readJsonObject } from '../files/json.js'
import { names } from '../files/leftovers.js'
import { DEFAULT_LIMITS, type Limits } from '../files/limits.js'
import { damaged } from '../files/read-file.js'
import { readSafetensors } from '../files/safetensors.js'
import { Tensor } from '../torch/tensor.js'

/** Weights in one file or in several shards, with their config.json. */
export interface WeightsFile extends Opened {
  /** Path of the file, folder or run. */
  readonly path: string
  readonly files: readonly string[]
  /** The config.json beside it; empty without one. */
  readonly config: Readonly<Record<string, unknown>>
}

async function openSafetensors(path: string, limits: Limits): Promise<Opened> {
  const { tensors, metadata } = await readSafetensors(path, limits)
  if (metadata.get('format') === FORMAT) return { tensors: (await openQuantized(path)).tensors, rest: new Map(), warnings: [] }
  const stored = [...tensors].map(([name, { type, shape, offset }]): [string, Stored] => {
    const dtype = dtypeOf(type)
    if (dtype === undefined) return [name, unread(path, name, `of type ${elementName(type)}`, shape)]
    const isBuffer = type.kind !== 'float' && type.kind !== 'bfloat'
    return [name, { shape, isBuffer, read: () => Tensor.read(path, { offset, shape, dtype }) }]
  })
  return { tensors: new Map(stored), rest: new Map(), warnings: [] }
}

const openFile = (path: string, limits: Limits) =>
  path.toLowerCase().endsWith('.safetensors') ? openSafetensors(path, limits) : openState(path, limits)

/** Shard files listed in an index. Errors: DATA_FORMAT. */
async function shards(folder: string, index: string, limits: Limits): Promise<string[]> {
  const { weight_map: map } = await readJsonObject(join(folder, index), limits)
  const parts = [...new Set(Object.values(typeof map === 'object' && map !== null ? map : {}))]
  if (parts.length === 0 || !parts.every((part) => typeof part === 'string' && isFileName(part)))
    throw damaged(join(folder, index), 'expected file names in "weight_map"')
  return (parts as string[]).sort().map((part) => join(folder, part))
}

const WEIGHTS = ['model.safetensors', 'pytorch_model.bin'] as const
const INDEX = '.index.json'

/** Weight files of a folder: a run, a Hugging Face model, or a folder with a single weight file. */
async function filesOf(folder: string, limits: Limits): Promise<string[]> {
  if (await isRun(folder)) {
    const { path, manifest } = await verifyRun(folder)
    return [join(path, weightsFile(manifest))]
  }
  const there = await names(folder)
  for (const name of WEIGHTS) {
    if (there.includes(name)) return [join(folder, name)]
    if (!there.includes(name + INDEX)) continue
    return shards(folder, name + INDEX, limits)
  }
  const only = there.filter((name) => /\.(safetensors|bin|pth|pt|ckpt)$/i.test(name))
  if (only.length === 1) return [join(folder, only[0]!)]
  throw new LvmError(
    'FILE_MISSING',
    `${folder}: expected ${WEIGHTS.join(' or ')} but the folder contains ${there.join(', ') || 'nothing'}`,
  )
}

/**
 * Opens weights without reading them: a file, a Hugging Face folder with its shards, or a run, also by its name below `root`.
 *
 * Errors: FILE_MISSING, DATA_FORMAT, DATA_UNSAFE, BAD_CHECKPOINT.
 */
export async function openWeights(named: string, root?: string, limits: Limits = DEFAULT_LIMITS): Promise<WeightsFile> {
  const run = runFolder(named, root)
  const path = !existsSync(named) && (await isRun(run)) ? run : named
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() === true
  const files = isFolder ? await filesOf(path, limits) : [path]
  const parts: Opened[] = []
  for (const file of files) parts.push(await openFile(file, limits))
  const config = join(dirname(files[0] ?? path), 'config.json')
  const described = /^(model|pytorch_model)\b.*\.(safetensors|bin)$/.test(basename(files[0] ?? '')) || isFolder
  return {
    path,
    files,
    tensors: new Map(parts.flatMap(({ tensors }) => [...tensors])),
    rest: parts[0]?.rest ?? new Map(),
    warnings: parts.flatMap(({ warnings }) => warnings),
    config: described && existsSync(config) ? await readJsonObject(config, limits) : {},
  }
}

/** SHA-256 of the weight file in hex; for several files, SHA-256 of their hex digests, each followed by a line feed. */
export async function weightsHash({ files }: WeightsFile): Promise<string> {
  const digests = []
  for (const file of files) digests.push(await sha256(file))
  return digests.length === 1 ? digests[0]! : textHash(digests.map((hex) => `${hex}\n`).join(''))
}
