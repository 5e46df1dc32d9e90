import { cut, LvmError, shown } from '../errors.js'
import { type ElementType, elements, unreadType } from './element.js'
import { countOf, jsonFault, parseJson, repeatedKey } from './json.js'
import { DEFAULT_LIMITS, type Limits } from './limits.js'
import { damaged, fileSize, readBytes } from './read-file.js'

/** A tensor of a .safetensors file: its type, its shape and the offset of its elements. */
export interface SafeTensor {
  readonly type: ElementType
  readonly shape: readonly number[]
  readonly offset: number
}
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, SafeTensor>
  readonly metadata: ReadonlyMap<string, string>
}

const type = (kind: ElementType['kind'], size: number): ElementType => ({ kind, size, swap: false })
const UNREAD = { F8_E5M2: 1, F8_E4M3: 1, F8_E8M0: 1, F8_E4M3FNUZ: 1, F8_E5M2FNUZ: 1, F6_E2M3: 6 / 8, F6_E3M2: 6 / 8, F4: 4 / 8 }
const TYPES: ReadonlyMap<unknown, ElementType> = new Map([
  ['F64', type('float', 8)],
  ['F32', type('float', 4)],
  ['F16', type('float', 2)],
  ['BF16', type('bfloat', 2)],
  ['I64', type('int', 8)],
  ['I32', type('int', 4)],
  ['I16', type('int', 2)],
  ['I8', type('int', 1)],
  ['U64', type('uint', 8)],
  ['U32', type('uint', 4)],
  ['U16', type('uint', 2)],
  ['U8', type('uint', 1)],
  ['BOOL', type('bool', 1)],
  ['C64', type('complex', 8)],
  ...Object.entries(UNREAD).map(([name, size]) => [name, unreadType(name, size)] as const),
])

/** A size or offset with a decimal point, an exponent or a sign, which JSON.parse may turn into an integer. */
const NOT_WHOLE = /"(?:shape|data_offsets)"\s*:\s*\[[^\]]*[.eE-][^\]]*\]/

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Reads the header of a .safetensors file and refuses what the reference implementation refuses: repeated keys, metadata values
 * that are not text, overlapping tensors, gaps between tensors, and bytes after the last tensor.
 *
 * Errors: FILE_MISSING, DATA_FORMAT.
 * Source: `read_metadata` and `validate` of huggingface/safetensors, tensor.rs.
 */
export async function readSafetensors(path: string, limits: Limits = DEFAULT_LIMITS): Promise<Safetensors> {
  const size = await fileSize(path)
  if (size < 10) throw damaged(path, 'expected a safetensors file but it is too short')
  const length = Number((await readBytes(path, 0, 8)).readBigUInt64LE())
  if (length > Math.min(size - 8, limits.safetensorsHeaderBytes))
    throw damaged(path, 'expected a safetensors file but its header does not fit')
  const header = parseHeader(path, await readBytes(path, 8, length), limits)
  const { __metadata__, ...entries } = header
  const said = __metadata__ ?? {}
  if (!isRecord(said)) throw damaged(path, 'its metadata is damaged')
  const wrong = Object.entries(said).find(([, value]) => typeof value !== 'string')
  if (wrong !== undefined) throw damaged(path, `expected a text for ${shown(wrong[0])} in its metadata`)
  const names = Object.keys(entries)
  if (names.length > limits.safetensorsTensors)
    throw damaged(path, `expected at most ${limits.safetensorsTensors} tensors but it holds ${names.length}`)
  const tensors = new Map(names.map((name) => [name, parseTensor(path, name, entries[name], 8 + length, size)] as const))
  checkCover(path, tensors, 8 + length, size)
  return { tensors, metadata: new Map(Object.entries(said) as [string, string][]) }
}

function parseHeader(path: string, bytes: Buffer, limits: Limits): Record<string, unknown> {
  let header: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const most = limits.safetensorsTensors
    if (countOf(text, '{', most + 2) > most + 2) throw damaged(path, `expected at most ${most} tensors but its header holds more`)
    header = parseJson(text, limits.jsonDepth, { python: false })
    const twice = repeatedKey(text)
    if (twice !== undefined) throw damaged(path, `its header has ${shown(twice)} twice`)
    const written = text.match(NOT_WHOLE)
    if (written !== null) throw damaged(path, `expected whole numbers in its header but received ${shown(cut(written[0]))}`)
  } catch (error) {
    if (error instanceof LvmError) throw error
    throw damaged(path, `expected a safetensors file but its header is invalid: ${jsonFault(error)}`, error)
  }
  if (!isRecord(header)) throw damaged(path, 'its header is damaged')
  return header
}

function parseTensor(path: string, name: string, entry: unknown, start: number, size: number): SafeTensor {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {}
  const found = TYPES.get(dtype)
  if (found === undefined) throw damaged(path, `expected a dtype for ${shown(name)} but received ${shown(dtype)}`)
  if (!Array.isArray(shape) || !Array.isArray(offsets) || offsets.length !== 2 || elements(shape) === Infinity)
    throw damaged(path, `its entry ${shown(name)} is damaged`)
  const [begin, end] = offsets as unknown[]
  const inside =
    Number.isSafeInteger(begin) && Number.isSafeInteger(end) && (begin as number) >= 0 && start + (end as number) <= size
  if (!inside || (end as number) - (begin as number) !== elements(shape) * found.size)
    throw damaged(path, `the bytes of ${shown(name)} lie outside the file or do not fit its shape`)
  return { type: found, shape: shape as number[], offset: start + (begin as number) }
}

/** Checks that tensors fill the file from the header to the end, without gaps or overlaps. Errors: DATA_FORMAT. */
function checkCover(path: string, tensors: ReadonlyMap<string, SafeTensor>, start: number, size: number): void {
  const spans = [...tensors].map(([name, { type, shape, offset }]) => ({
    name,
    offset,
    end: offset + elements(shape) * type.size,
  }))
  let reached = start
  for (const { name, offset, end } of spans.sort((a, b) => a.offset - b.offset || a.end - b.end)) {
    if (offset < reached) throw damaged(path, `the tensor ${shown(name)} overlaps another one`)
    if (offset > reached) throw damaged(path, `there are ${offset - reached} bytes of no tensor before ${shown(name)}`)
    reached = end
  }
  if (reached !== size) throw damaged(path, `there are ${size - reached} bytes behind its last tensor`)
}
