import { extname } from 'node:path'
import { type ElementType, elements } from './element.js'
import { damaged, drain, fileSize, readBytes, streamBytes } from './file.js'
import { NPY_HEADER_LIMIT, type NpyHeader, parseNpy } from './npy.js'
import { readSafetensors } from './safetensors.js'
import { entryOffset, isStored, openZip, streamEntry, type Zip, type ZipEntry } from './zip.js'

/** One named array of a file, its elements not yet read. */
export interface StoredArray {
  readonly path: string
  readonly name: string
  readonly type: ElementType
  readonly shape: readonly number[]
  /** Stored column by column. */
  readonly fortran: boolean
  /** Where its elements begin in the file, when they are stored there as they are. */
  readonly offset: number | undefined
  /** The bytes of its elements, checked by the time they end. */
  pieces(): AsyncIterable<Buffer>
  /** Compares the stored checksum, where there is one, without keeping the bytes. */
  verify(): Promise<void>
}

/** The arrays of an .npy, .npz or .safetensors file by their names. */
export interface ArrayFile {
  readonly path: string
  readonly format: 'npy' | 'npz' | 'safetensors'
  readonly arrays: ReadonlyMap<string, StoredArray>
}

/** Whether a tensor can be mapped from the file: stored plainly, and aligned to its elements. */
export const isMappable = ({ offset, type, fortran }: StoredArray): boolean =>
  offset !== undefined && !type.swap && !fortran && offset % type.size === 0

async function* skip(pieces: AsyncIterable<Buffer>, count: number): AsyncGenerator<Buffer> {
  let left = count
  for await (const piece of pieces) {
    if (left < piece.length) yield left === 0 ? piece : piece.subarray(left)
    left = Math.max(0, left - piece.length)
  }
}

function checkLength(path: string, name: string, { type, shape, start }: NpyHeader, size: number): void {
  const expected = start + elements(shape) * type.size
  if (type.kind !== 'object' && size !== expected)
    throw damaged(path, `"${name}": expected ${expected} bytes but it holds ${size}`)
}

async function openNpy(path: string, size: number): Promise<StoredArray> {
  const header = parseNpy(path, 'vectors', await readBytes(path, 0, Math.min(size, NPY_HEADER_LIMIT)))
  checkLength(path, 'vectors', header, size)
  const pieces = () => streamBytes(path, header.start, size - header.start)
  return { path, name: 'vectors', ...header, offset: header.start, pieces, verify: async () => {} }
}

async function firstBytes(zip: Zip, entry: ZipEntry, offset: number): Promise<Buffer> {
  const wanted = Math.min(entry.size, NPY_HEADER_LIMIT)
  if (isStored(entry)) return readBytes(zip.path, offset, wanted)
  const parts: Buffer[] = []
  let held = 0
  for await (const piece of streamEntry(zip, entry)) {
    parts.push(piece)
    held += piece.length
    if (held >= wanted) break
  }
  return Buffer.concat(parts, Math.min(held, wanted))
}

async function openEntry(zip: Zip, entry: ZipEntry): Promise<StoredArray> {
  const { path } = zip
  const name = entry.name.slice(0, -'.npy'.length)
  const offset = await entryOffset(zip, entry)
  const header = parseNpy(path, name, await firstBytes(zip, entry, offset))
  checkLength(path, name, header, entry.size)
  return {
    path,
    name,
    ...header,
    offset: isStored(entry) ? offset + header.start : undefined,
    pieces: () => skip(streamEntry(zip, entry), header.start),
    verify: () => drain(streamEntry(zip, entry)),
  }
}

async function openNpz(path: string): Promise<StoredArray[]> {
  const zip = await openZip(path)
  const arrays: StoredArray[] = []
  for (const entry of zip.entries.values()) if (entry.name.endsWith('.npy')) arrays.push(await openEntry(zip, entry))
  if (arrays.length === 0) throw damaged(path, 'expected an .npz file but the zip holds no numpy array')
  return arrays
}

async function openSafetensors(path: string): Promise<StoredArray[]> {
  const { tensors } = await readSafetensors(path)
  return [...tensors].map(([name, { type, shape, offset }]) => {
    const pieces = () => streamBytes(path, offset, elements(shape) * type.size)
    return { path, name, type, shape, fortran: false, offset, pieces, verify: async () => {} }
  })
}

/** Opens a file of arrays by what it holds, not by its name. Errors: FILE_MISSING, DATA_FORMAT. */
export async function openArrays(path: string): Promise<ArrayFile> {
  const size = await fileSize(path)
  const head = (await readBytes(path, 0, Math.min(size, 9))).toString('latin1')
  const named = (format: ArrayFile['format'], arrays: readonly StoredArray[]): ArrayFile => ({
    path,
    format,
    arrays: new Map(arrays.map((array) => [array.name, array])),
  })
  if (head.startsWith('\x93NUMPY')) return named('npy', [await openNpy(path, size)])
  if (head.startsWith('PK')) return named('npz', await openNpz(path))
  if (head[8] === '{' || extname(path) === '.safetensors') return named('safetensors', await openSafetensors(path))
  throw damaged(path, 'expected an .npy, .npz or .safetensors file but it is something else, or its begin is damaged')
}
