import { type ElementType, elements } from './element.js'
import { damaged, fileSize, readBytes } from './file.js'

/** A tensor of a .safetensors file: what it is and where its elements begin in the file. */
export interface SafeTensor {
  readonly type: ElementType
  readonly shape: readonly number[]
  readonly offset: number
}
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, SafeTensor>
  readonly metadata: ReadonlyMap<string, string>
}

const HEADER_LIMIT = 64 << 20
const type = (kind: ElementType['kind'], size: number): ElementType => ({ kind, size, swap: false })
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
])

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The header of a .safetensors file, every size checked against the file. Errors: FILE_MISSING, DATA_FORMAT. */
export async function readSafetensors(path: string): Promise<Safetensors> {
  const size = await fileSize(path)
  if (size < 10) throw damaged(path, 'expected a safetensors file but it is too short')
  const length = Number((await readBytes(path, 0, 8)).readBigUInt64LE())
  if (length > Math.min(size - 8, HEADER_LIMIT)) throw damaged(path, 'expected a safetensors file but its header does not fit')
  let header: unknown
  try {
    header = JSON.parse((await readBytes(path, 8, length)).toString('utf8'))
  } catch (error) {
    throw damaged(path, 'expected a safetensors file but its header is not JSON', error)
  }
  if (!isRecord(header)) throw damaged(path, 'its header is damaged')
  const tensors = new Map<string, SafeTensor>()
  const metadata = new Map<string, string>()
  for (const [name, entry] of Object.entries(header)) {
    if (!isRecord(entry)) throw damaged(path, `its entry "${name}" is damaged`)
    if (name === '__metadata__') {
      for (const [key, value] of Object.entries(entry)) metadata.set(key, String(value))
      continue
    }
    tensors.set(name, parseTensor(path, name, entry, 8 + length, size))
  }
  return { tensors, metadata }
}

function parseTensor(path: string, name: string, entry: Record<string, unknown>, start: number, size: number): SafeTensor {
  const { dtype, shape, data_offsets: offsets } = entry
  const found = TYPES.get(dtype)
  if (found === undefined) throw damaged(path, `the dtype ${JSON.stringify(dtype)} of "${name}" is not read`)
  if (!Array.isArray(shape) || !Array.isArray(offsets) || elements(shape) === Infinity)
    throw damaged(path, `its entry "${name}" is damaged`)
  const [begin, end] = offsets as unknown[]
  const inside =
    Number.isSafeInteger(begin) && Number.isSafeInteger(end) && (begin as number) >= 0 && start + (end as number) <= size
  if (!inside || (end as number) - (begin as number) !== elements(shape) * found.size) {
    throw damaged(path, `the bytes of "${name}" lie outside the file or do not fit its shape`)
  }
  return { type: found, shape: shape as number[], offset: start + (begin as number) }
}
