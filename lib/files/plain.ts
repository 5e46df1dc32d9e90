import { shown } from '../errors.js'
import type { Limits } from './limits.js'
import { damaged } from './read-file.js'

/** Steps between two ticks of the event loop. */
const STRIDE = 1 << 16

const children = (value: object): unknown[] | undefined => {
  if (Array.isArray(value)) return value
  if (value instanceof Map) return [...value.keys(), ...value.values()]
  if (value instanceof Set) return [...value]
  if (ArrayBuffer.isView(value)) return undefined
  return Object.values(value)
}

interface Visit {
  readonly value: object
  readonly items: unknown[]
  next: number
  depth: number
  size: number
}

/** Text of a dict key. Lists are cut, because the full text of nested shared lists grows exponentially. */
export const keyText = (key: unknown): string => (typeof key === 'string' ? key : shown(key))

/** Text of a scalar. Errors: TypeError for lists, dicts and other values whose text is unbounded. */
export function scalarText(value: unknown): string {
  if (!['string', 'number', 'bigint', 'boolean'].includes(typeof value)) throw new TypeError('expected a text or a number')
  return String(value)
}

/** Checks that a value can be traversed recursively: no cycles, bounded depth, bounded size with shared parts expanded. Errors: DATA_FORMAT. */
export async function checkPlain(owner: string, root: unknown, { pickleDepth, pickleValues }: Limits): Promise<void> {
  const done = new Map<object, { depth: number; size: number }>()
  const open = new Set<object>()
  const path: Visit[] = []
  const enter = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return
    const known = done.get(value)
    const parent = path.at(-1)
    if (known !== undefined && parent !== undefined) {
      parent.depth = Math.max(parent.depth, known.depth + 1)
      parent.size += known.size
      return
    }
    if (open.has(value)) throw damaged(owner, 'its pickle holds a value that contains itself')
    const items = children(value)
    if (items === undefined || items.length === 0) return
    open.add(value)
    path.push({ value, items, next: 0, depth: 1, size: 1 + items.length })
  }
  enter(root)
  for (let step = 1; path.length > 0; step++) {
    if (step % STRIDE === 0) await new Promise(setImmediate)
    const visit = path.at(-1)!
    if (path.length > pickleDepth || visit.depth > pickleDepth) throw damaged(owner, 'its pickle nests too deep')
    if (visit.size > pickleValues) throw damaged(owner, 'its pickle expands to too many values')
    if (visit.next < visit.items.length) {
      enter(visit.items[visit.next++])
      continue
    }
    path.pop()
    open.delete(visit.value)
    done.set(visit.value, { depth: visit.depth, size: visit.size })
    const parent = path.at(-1)
    if (parent !== undefined) {
      parent.depth = Math.max(parent.depth, visit.depth + 1)
      parent.size += visit.size
    }
  }
}
