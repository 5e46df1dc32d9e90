import { shown } from '../errors.js'
import { type ElementType, elements, parseElementType, unreadType } from './element.js'
import { damaged } from './read-file.js'

/** The header of a numpy array, and the offset of its elements. */
export interface NpyHeader {
  readonly type: ElementType
  /** Whether elements are stored in column-major order. */
  readonly fortran: boolean
  readonly shape: readonly number[]
  readonly start: number
}

const TOKEN = /\s*(?:'([^'\\]*)'|"([^"\\]*)"|(\d{1,16})L?|(True|False|None)|([{}()[\],:]))\s*/y
const CLOSES: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }
const WORDS: Readonly<Record<string, unknown>> = { True: true, False: false, None: null }

/** Parses a Python literal of strings, integers, True/False/None, tuples, lists and dicts (as Map). */
export function parseLiteral(text: string): unknown {
  const wrong = () => new SyntaxError('not a plain Python literal')
  let at = 0
  const token = () => {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    if (match === null) throw wrong()
    at = TOKEN.lastIndex
    const [, single, double, digits, word, sign] = match
    const value = single ?? double ?? (digits === undefined ? (word === undefined ? undefined : WORDS[word]) : Number(digits))
    return { sign, value }
  }
  const value = (depth: number, first = token()): unknown => {
    if (first.sign === undefined) return first.value
    const close = CLOSES[first.sign]
    if (close === undefined || depth > 8) throw wrong()
    const items: unknown[] = []
    for (let next = token(); next.sign !== close; ) {
      const item = value(depth + 1, next)
      if (close === '}') {
        if (token().sign !== ':') throw wrong()
        items.push([item, value(depth + 1)])
      } else items.push(item)
      next = token()
      if (next.sign === ',') next = token()
      else if (next.sign !== close) throw wrong()
    }
    return close === '}' ? new Map(items as [unknown, unknown][]) : items
  }
  const result = value(0)
  if (at !== text.length) throw wrong()
  return result
}

/** Offset of the elements, from the first bytes of an array; Infinity when there are too few bytes. */
function startOf(head: Buffer): number {
  if (head.length < 12) return Infinity
  return head[6] === 1 ? 10 + head.readUInt16LE(8) : 12 + head.readUInt32LE(8)
}
export const isWholeHeader = (head: Buffer): boolean => startOf(head) <= head.length

/** Parses the header of an .npy array from its first bytes. Errors: DATA_FORMAT. */
export function parseNpy(path: string, name: string, head: Buffer): NpyHeader {
  const bad = (sentence: string, cause?: unknown) => damaged(path, `"${name}": ${sentence}`, cause)
  if (head.length < 10 || head.toString('latin1', 0, 6) !== '\x93NUMPY')
    throw bad('expected a numpy array but it does not begin like one')
  const version = head[6]!
  if (version < 1 || version > 3) throw bad(`expected version 1 to 3 of the .npy format but received ${version}`)
  const begins = version === 1 ? 10 : 12
  const start = startOf(head)
  if (start > head.length) throw bad('its header is longer than the file or than any numpy array needs')
  let fields: unknown
  try {
    fields = parseLiteral(head.toString(version === 3 ? 'utf8' : 'latin1', begins, start))
  } catch (error) {
    throw bad('its header is damaged', error)
  }
  const get = (key: string) => (fields instanceof Map ? fields.get(key) : undefined)
  const [descr, fortran, shape] = [get('descr'), get('fortran_order'), get('shape')]
  const type = Array.isArray(descr) ? unreadType('record', 0) : typeof descr === 'string' ? parseElementType(descr) : undefined
  if (type === undefined) throw bad(`its element type ${shown(descr)} is not one of numpy`)
  if (!Array.isArray(shape) || typeof fortran !== 'boolean' || elements(shape) * Math.max(1, type.size) === Infinity)
    throw bad('its header is damaged')
  return { type, fortran, shape: shape as number[], start }
}

/** Makes the header of an .npy file in C order; `start` is the offset of the elements, where it must be another than the first that fits. */
export function npyHeader(rows: number, dim: number, dtype: 'float16' | 'float32' = 'float32', start?: number): Buffer {
  const text = `{'descr': '<f${dtype === 'float16' ? 2 : 4}', 'fortran_order': False, 'shape': (${rows}, ${dim}), }`
  const padded = `${text.padEnd((start ?? 64 * Math.ceil((text.length + 11) / 64)) - 11)}\n`
  const head = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, 0, 0])
  head.writeUInt16LE(padded.length, 8)
  return Buffer.concat([head, Buffer.from(padded, 'latin1')])
}
