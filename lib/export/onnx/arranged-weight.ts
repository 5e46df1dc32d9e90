import type { Piece } from '../../files/write-safetensors.js'
import { call, type Tensor } from '../../torch/tensor.js'

/** The order in which a file holds a weight. */
export interface Arrangement {
  /** First row and number of rows of every part that is kept, in the new order; all unless given. */
  readonly rows?: readonly (readonly [from: number, count: number])[] | undefined
  /** Shape before the transposition. */
  readonly shape?: readonly number[] | undefined
  readonly transposed?: boolean
}

async function arrange(
  sources: readonly Tensor[],
  dtype: Piece['dtype'],
  { rows, transposed, shape }: Arrangement,
): Promise<Tensor> {
  const parts: Tensor[] = []
  try {
    for (const source of sources) {
      using own = await source.to({ dtype }).ready()
      for (const [from, count] of rows ?? [[0, source.shape[0]!]]) parts.push(await own.op('aten::narrow', 0, from, count))
    }
    using whole = (await call('aten::cat', [parts, 0])) as Tensor
    const plain = await whole.op('aten::reshape', [...shape!])
    if (transposed !== true) return plain
    using turned = plain
    return await turned.op('aten::t')
  } finally {
    for (const part of parts) part.dispose()
  }
}

/** A weight that is made of parameters, concatenated along their rows and arranged while it is written. */
export function arranged(name: string, sources: readonly Tensor[], dtype: Piece['dtype'], o: Arrangement): Piece {
  const [first = 1, ...rest] = sources[0]!.shape
  const kept = o.rows?.reduce((sum, [, count]) => sum + count, 0)
  const rows = sources.reduce((sum, source) => sum + (kept ?? source.shape[0] ?? first), 0)
  const shape = o.shape ?? (sources[0]!.shape.length === 0 ? [] : [rows, ...rest])
  const same = sources.length === 1 && o.rows === undefined && o.shape === undefined && o.transposed !== true
  return {
    name: [
      name,
      ...(o.rows === undefined ? [] : [`[${o.rows.map(([from, n]) => `${from}:${from + n}`)}]`]),
      ...(o.transposed ? ['.T'] : []),
    ].join(''),
    shape: o.transposed ? shape.toReversed() : shape,
    dtype,
    make: () => (same ? sources[0]!.to({ dtype }).ready() : arrange(sources, dtype, { ...o, shape })),
  }
}
