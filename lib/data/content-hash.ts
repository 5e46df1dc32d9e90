import { createHash, type Hash } from 'node:crypto'
import type { Tensor } from '../torch/tensor.js'
import type { Base } from './base.js'

/** Numbers that are hashed together; between two parts other work runs. */
const TOGETHER = 1 << 20

async function addVectors(hash: Hash, vectors: Tensor): Promise<void> {
  const [rows, dim] = vectors.shape as [number, number]
  hash.update(`${rows} ${dim}\n`)
  const step = Math.max(1, Math.floor(TOGETHER / dim))
  for (let at = 0; at < rows; at += step) {
    using part = await vectors.op('aten::narrow', 0, at, Math.min(step, rows - at))
    using single = await part.to({ dtype: 'float32' }).ready()
    const { buffer, byteOffset, byteLength } = await single.data()
    hash.update(new Uint8Array(buffer, byteOffset, byteLength))
  }
}

/** Marks each row that follows the one before it in the same article. */
function* continuations({ articles, positions }: Pick<Base, 'articles' | 'positions'>, rows: number): Generator<0 | 1> {
  for (let row = 0; row < rows; row++) {
    const same = row > 0 && articles?.of[row] === articles?.of[row - 1]
    yield same && (positions === undefined || positions[row] === positions[row - 1]! + 1) ? 1 : 0
  }
}

/**
 * SHA-256 of what a training reads, whatever file it is in: vectors as float32, articles, and the gaps between rows.
 *
 * Texts are not part of it, and positions only as far as they show gaps.
 */
export async function contentHash(
  base: Pick<Base, 'kind' | 'vectors' | 'articles' | 'positions'> & { readonly targets: Tensor | undefined },
): Promise<string> {
  const hash = createHash('sha256')
  await addVectors(hash, base.vectors)
  if (base.targets !== undefined) await addVectors(hash, base.targets)
  if (base.articles !== undefined)
    hash.update(`${JSON.stringify(base.articles.ids)}\n`).update(new Uint8Array(base.articles.of.buffer))
  const rows = base.articles?.of.length ?? base.vectors.shape[0]!
  hash.update(
    base.kind === 'base'
      ? Uint8Array.from(continuations(base, rows))
      : new Uint8Array((base.positions ?? new Int32Array()).buffer),
  )
  return hash.digest('hex')
}

/** Vectors that figures rest on. */
export interface JudgedData {
  readonly path: string
  readonly hash: string
  /** Absent in files of earlier versions. */
  readonly content_hash?: string | null
  readonly space: string | null
}
/** What is equal for the same rows, in whatever format and file they are. */
export const rowsKey = ({ hash, content_hash }: Pick<JudgedData, 'hash' | 'content_hash'>): string => content_hash ?? hash
