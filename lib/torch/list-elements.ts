import { LvmError, shown } from '../errors.js'
import type { DType, TypedArray } from '../native.js'
import { arrayElements, type RowMajor, TYPED_ARRAYS } from './dtypes.js'
import { MAX_DIMENSIONS, readable, refuse, type Values } from './lists.js'

/** Largest number of elements in nested lists; a typed array takes an eighth of the memory. */
const MAX_ELEMENTS = 2 ** 28
/** Dtypes without a typed array of their numbers, and the dtype that they are converted from. */
const STAGED: Readonly<Partial<Record<DType, DType>>> = {
  float16: 'float32',
  bfloat16: 'float32',
  complex64: 'float32',
  complex128: 'float64',
}
/** Dtype of a list by the type of its elements; in JavaScript 1 and 1.0 are the same number. */
const USUAL: Readonly<Record<string, DType>> = { number: 'float32', bigint: 'int64', boolean: 'bool' }

const place = (at: readonly number[]) => (at.length === 0 ? '' : ` at ${at.map((i) => `[${i}]`).join('')}`)

/** Length of the first list on each level, and the first element. */
function shapeOf(owner: string, value: unknown): { shape: number[]; first: unknown } {
  const shape: number[] = []
  let level = value
  for (; Array.isArray(level); level = level[0]) {
    if (shape.length === MAX_DIMENSIONS) throw refuse(owner, `lists nested at most ${MAX_DIMENSIONS} deep`)
    shape.push(level.length)
  }
  const count = shape.reduce((a, b) => a * b, 1)
  if (count > MAX_ELEMENTS)
    throw refuse(owner, `at most ${MAX_ELEMENTS} numbers in lists but received ${count}; use a typed array`)
  return { shape, first: level }
}

/** Writes an element into an array of a dtype, and returns whether it fits: whole and in range for integers. */
function put(array: TypedArray, i: number, value: number | bigint | boolean, dtype: DType): boolean {
  if (array instanceof BigInt64Array) {
    const whole = typeof value === 'number' && !Number.isInteger(value) ? undefined : BigInt(value)
    array[i] = whole ?? 0n
    return array[i] === whole
  }
  array[i] = dtype === 'bool' ? Number(Number(value) !== 0) : Number(value)
  return dtype === 'bool' || dtype.startsWith('float') || array[i] === Number(value)
}

/**
 * Elements of nested lists, or of one number, as one row-major array, and their shape.
 *
 * Errors: BAD_ARGUMENT for unequal lengths, elements of another type than the first, and those that the dtype cannot hold.
 */
export function listElements(owner: string, list: unknown, asked?: DType): RowMajor {
  return readable(owner, () => {
    const { shape, first } = shapeOf(owner, list)
    const dtype = asked === undefined ? (USUAL[typeof first] ?? 'float32') : (STAGED[asked] ?? asked)
    const array = new TYPED_ARRAYS[dtype](shape.reduce((a, b) => a * b, 1))
    const types = asked === undefined && USUAL[typeof first] !== undefined ? [typeof first] : Object.keys(USUAL)
    const at: number[] = []
    let count = 0
    const fill = (item: unknown): void => {
      const length = shape[at.length]
      if (length === undefined) {
        if (!types.includes(typeof item))
          throw refuse(owner, `a ${types.length === 1 ? types[0] : 'number'}${place(at)} but received ${shown(item)}`)
        if (!put(array, count++, item as number | bigint | boolean, dtype))
          throw new LvmError('BAD_ARGUMENT', `${owner}: expected a value of ${dtype}${place(at)} but received ${shown(item)}`, {
            hint: 'use another dtype; x.to({ dtype }) of a float tensor cuts fractions off',
          })
        return
      }
      if (!Array.isArray(item)) throw refuse(owner, `a list of ${length}${place(at)} but received ${shown(item)}`)
      if (item.length !== length)
        throw refuse(owner, `${length} elements in each list, as in the first, but received ${item.length}${place(at)}`)
      for (let i = 0; i < length; i++) {
        at.push(i)
        fill(item[i])
        at.pop()
      }
    }
    fill(list)
    return { array, shape, dtype }
  })
}

export const elementsOf = (owner: string, data: TypedArray | Values, asked?: DType): RowMajor =>
  Array.isArray(data) ? listElements(owner, data, asked) : arrayElements(owner, data as TypedArray, asked)
