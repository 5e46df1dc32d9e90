import type { TensorPreview } from '../native.js'

/** Elements that are shown at each end of a dimension of a large tensor; as in native/binding/deferred-exports.cpp. */
const EDGE = 3
const FEW = 100

const number = (value: number, dtype: string): string => {
  if (dtype === 'bool') return value === 1 ? 'true' : 'false'
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))
}

function rows(values: readonly string[], shape: readonly number[], shown: readonly number[], indent: string): string {
  if (shape.length === 0) return values[0]!
  const n = shown[0]!
  const each = values.length / Math.max(n, 1)
  const parts = Array.from({ length: n }, (_, i) =>
    rows(values.slice(i * each, (i + 1) * each), shape.slice(1), shown.slice(1), `${indent} `),
  )
  if (n < shape[0]!) parts.splice(EDGE, 0, '…')
  return `[${parts.join(shape.length > 1 ? `,\n${'\n'.repeat(Math.max(shape.length - 2, 0))}${indent}` : ', ')}]`
}

/** Shape, dtype, device and a few values of a tensor. */
export function tensorText({ shape, dtype, device, requiresGrad, values }: TensorPreview): string {
  const head = `Tensor [${shape.join(', ')}] ${dtype} ${device}${requiresGrad ? ' requiresGrad' : ''}`
  if (values === null || values.length === 0) return head
  const count = shape.reduce((a, b) => a * b, 1)
  const shown = shape.map((size) => (count > FEW ? Math.min(size, 2 * EDGE) : size))
  const texts = Array.from(values, (value) => number(value, dtype))
  const widest = Math.max(...texts.map((text) => text.length))
  const padded = shape.length > 1 ? texts.map((text) => text.padStart(widest)) : texts
  return `${head}${shape.length > 1 ? '\n' : ' '}${rows(padded, shape, shown, ' ')}`
}
