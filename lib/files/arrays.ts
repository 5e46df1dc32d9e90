import { extname } from 'node:path'
import { constants, inflateRawSync } from 'node:zlib'
import { LvmError } from '../errors.js'
import { dtypeOf, type ElementType, elementName, elements } from './element.js'
import { DEFAULT_LIMITS, type Limits } from './limits.js'
import { isWholeHeader, type NpyHeader, parseNpy } from './npy.js'
import { damaged, drain, fileSize, type Read, readBytes, streamBytes, withFile } from './read-file.js'
import { readSafetensors } from './safetensors.js'
import { badShards, checkShardSizes, isShardIndex, readShardIndex, shardPath } from './shard-index.js'
import { isStored, offsetIn, openZip, streamEntry, type Zip, type ZipEntry } from './zip.js'

/** A part of a file. Units: bytes. */
export interface Stretch {
  readonly path: string
  readonly offset: number
  readonly bytes: number
}
/** One named array of a file; its elements are not read yet. */
export interface StoredArray {
  readonly path: string
  readonly name: string
  readonly type: ElementType
  readonly shape: readonly number[]
  /** Whether elements are stored in column-major order. */
  readonly fortran: boolean
  readonly limits: Limits
  /** Offset of its elements in the file; undefined when they are compressed. */
  readonly offset: number | undefined
  /** Files that hold its elements one after the other, where there are several; `path` is then their index. */
  readonly stretches?: readonly Stretch[]
  /** Streams the bytes of its elements; the checksum is verified at the end. */
  pieces(): AsyncIterable<Buffer>
  /** Verifies the stored checksum, if any, without keeping the bytes. */
  verify(): Promise<void>
}

/** The arrays of an .npy, .npz or .safetensors file, or of a folder of shards, by name. */
export interface ArrayFile {
  readonly path: string
  readonly format: 'npy' | 'npz' | 'safetensors' | 'shards'
  readonly arrays: ReadonlyMap<string, StoredArray>
}

/** Smaller arrays are read into memory, so that later changes of their file have no effect. Units: bytes. */
export const MAP_FROM = 32 << 20

/** Whether a tensor is memory-mapped: it is large, uncompressed, in native order and aligned to its elements; shards only on Linux. */
export const isMapped = ({ offset, type, fortran, shape, stretches }: StoredArray): boolean =>
  offset !== undefined &&
  (stretches === undefined || process.platform === 'linux') &&
  !type.swap &&
  !fortran &&
  offset % type.size === 0 &&
  elements(shape) * type.size >= MAP_FROM

async function* skip(pieces: AsyncIterable<Buffer>, count: number): AsyncGenerator<Buffer> {
  let left = count
  for await (const piece of pieces) {
    if (left < piece.length) yield left === 0 ? piece : piece.subarray(left)
    left = Math.max(0, left - piece.length)
  }
}

function checkLength(path: string, name: string, { type, shape, start }: NpyHeader, size: number): void {
  const expected = start + elements(shape) * type.size
  if (type.kind !== 'object' && type.kind !== 'unread' && size !== expected)
    throw damaged(path, `"${name}": expected ${expected} bytes but it holds ${size}`)
}

async function openNpy(path: string, size: number, limits: Limits): Promise<StoredArray> {
  const header = parseNpy(path, 'vectors', await readBytes(path, 0, Math.min(size, limits.npyHeaderBytes)))
  checkLength(path, 'vectors', header, size)
  const pieces = () => streamBytes(path, header.start, size - header.start)
  return { path, name: 'vectors', ...header, limits, offset: header.start, pieces, verify: async () => {} }
}

/** First read of an entry; enough for most zip and array headers. Units: bytes. */
const HEADER_BYTES = 1024

/** Decompresses the first bytes of an entry. */
function unpacked(path: string, entry: ZipEntry, bytes: Buffer): Buffer {
  if (isStored(entry)) return bytes
  try {
    return inflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })
  } catch (error) {
    throw damaged(path, `"${entry.name}" cannot be inflated`, error)
  }
}

async function openEntry(zip: Zip, entry: ZipEntry, read: Read): Promise<StoredArray> {
  const { path, limits } = zip
  const name = entry.name.slice(0, -'.npy'.length)
  const room = zip.end - entry.header
  const bytes = await read(entry.header, Math.min(room, 30 + Buffer.byteLength(entry.name) + HEADER_BYTES))
  const offset = offsetIn(zip, entry, bytes)
  const begin = (from: Buffer) => unpacked(path, entry, from.subarray(0, entry.packed)).subarray(0, limits.npyHeaderBytes)
  let head = begin(bytes.subarray(offset - entry.header))
  if (!isWholeHeader(head)) head = begin(await read(offset, Math.min(entry.packed, limits.npyHeaderBytes)))
  const header = parseNpy(path, name, head)
  checkLength(path, name, header, entry.size)
  return {
    path,
    name,
    ...header,
    limits,
    offset: isStored(entry) ? offset + header.start : undefined,
    pieces: () => skip(streamEntry(zip, entry), header.start),
    verify: () => drain(streamEntry(zip, entry)),
  }
}

async function openNpz(path: string, limits: Limits): Promise<StoredArray[]> {
  const zip = await openZip(path, limits)
  const entries = [...zip.entries.values()].filter(({ name }) => name.endsWith('.npy'))
  if (entries.length === 0) {
    if ([...zip.entries.keys()].some((name) => name.endsWith('/data.pkl'))) throw ofPyTorch(path)
    throw damaged(path, 'expected an .npz file but the zip holds no numpy array')
  }
  return withFile(path, async (read) => {
    const arrays: StoredArray[] = []
    for (const entry of entries) arrays.push(await openEntry(zip, entry, read))
    return arrays
  })
}

const ofPyTorch = (path: string) =>
  damaged(
    path,
    'expected vectors in .npy, .npz or .safetensors but it is a PyTorch file',
    undefined,
    "save the vectors where it was made: numpy.save('base.npy', tensor.float().cpu().numpy())",
  )

async function openSafetensors(path: string, limits: Limits): Promise<StoredArray[]> {
  const { tensors } = await readSafetensors(path, limits)
  return [...tensors].map(([name, { type, shape, offset }]) => {
    const pieces = () => streamBytes(path, offset, elements(shape) * type.size)
    return { path, name, type, shape, fortran: false, limits, offset, pieces, verify: async () => {} }
  })
}

/** Opens the shards of an index as one array. Errors: FILE_MISSING, DATA_FORMAT, DATA_SHAPE. */
async function openShards(path: string, limits: Limits): Promise<StoredArray> {
  const index = await readShardIndex(path, limits)
  await checkShardSizes(path, index)
  const { rows, dim, dtype } = index
  const arrays: StoredArray[] = []
  for (const { vectors, rows } of index.shards) {
    const array = await openNpy(shardPath(path, vectors), vectors.bytes, limits)
    const { type, shape, fortran } = array
    if (shape.length !== 2 || shape[0] !== rows || shape[1] !== dim)
      throw new LvmError(
        'DATA_SHAPE',
        `${array.path}: expected [${rows}, ${dim}], as index.json says, but it is [${shape.join(', ')}]`,
      )
    if (dtypeOf(type) !== dtype || type.swap || fortran)
      throw badShards(array.path, `expected ${dtype} in the order of C, as index.json says, but received ${elementName(type)}`)
    arrays.push(array)
  }
  const [{ type, offset }] = arrays as [StoredArray]
  const stretches = arrays.map((array) => ({ path: array.path, offset: array.offset!, bytes: elements(array.shape) * type.size }))
  async function* pieces() {
    for (const array of arrays) yield* array.pieces()
  }
  return {
    path,
    name: 'vectors',
    type,
    shape: [rows, dim],
    fortran: false,
    limits,
    offset,
    stretches,
    pieces,
    verify: async () => {},
  }
}

/** Opens a file of arrays, or the index of a folder of shards; the format of a file is detected from the content, not the name. Errors: FILE_MISSING, DATA_FORMAT. */
export async function openArrays(path: string, limits: Limits = DEFAULT_LIMITS): Promise<ArrayFile> {
  const named = (format: ArrayFile['format'], arrays: readonly StoredArray[]): ArrayFile => ({
    path,
    format,
    arrays: new Map(arrays.map((array) => [array.name, array])),
  })
  if (isShardIndex(path)) return named('shards', [await openShards(path, limits)])
  const size = await fileSize(path)
  const head = (await readBytes(path, 0, Math.min(size, 9))).toString('latin1')
  if (head.startsWith('\x93NUMPY')) return named('npy', [await openNpy(path, size, limits)])
  if (head.startsWith('PK')) return named('npz', await openNpz(path, limits))
  if (head[8] === '{' || extname(path).toLowerCase() === '.safetensors')
    return named('safetensors', await openSafetensors(path, limits))
  if (head.startsWith('\x80')) throw ofPyTorch(path) // a pickle, the format of PyTorch before 1.6
  throw damaged(
    path,
    'expected a file of vectors (.npy, .npz, .safetensors, .parquet, .arrow, .csv, .jsonl or .pt) but it is something else, or its beginning is damaged',
    undefined,
    extname(path).toLowerCase() === '.json'
      ? 'write its rows as .jsonl, one object a line: jq -c ".[]" FILE > rows.jsonl'
      : undefined,
  )
}
