import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { train } from '../../../lib/train/train.js'
import { bytesOf, npy, storedZip } from '../../files/fixture.js'
import { gaussian } from '../../statistics/clustered.js'
import { toHalf } from './banks.js'

export const DIM = 16
export const CONTEXT = 3
const ARTICLES = 220
const LENGTH = 8

/** Makes unit vectors of articles: each article is a random walk around its topic. */
export function wander(seed: number): Float32Array {
  const gauss = gaussian(seed)
  const vectors = new Float32Array(ARTICLES * LENGTH * DIM)
  for (let row = 0; row < ARTICLES * LENGTH; row++) {
    const begins = row % LENGTH === 0
    const v = Array.from({ length: DIM }, (_, d) => (begins ? 0 : 1.2 * vectors[(row - 1) * DIM + d]!) + 0.25 * gauss())
    const norm = Math.hypot(...v)
    vectors.set(
      v.map((x) => x / norm),
      row * DIM,
    )
  }
  return vectors
}

/** Writes vectors as a base of articles with texts and a card. */
export function writeCorpus(
  folder: string,
  name: string,
  vectors: Float32Array,
  o: { half?: boolean; space?: string } = {},
): string {
  const rows = vectors.length / DIM
  const lines = Array.from({ length: rows }, (_, row) =>
    JSON.stringify({ article_id: `${name}-${Math.floor(row / LENGTH)}`, index: row % LENGTH, text: `sentence ${row}` }),
  )
  const data = o.half ? Uint16Array.from(vectors, toHalf) : vectors
  writeFileSync(join(folder, `${name}.npy`), npy(o.half ? '<f2' : '<f4', [rows, DIM], bytesOf(data)))
  writeFileSync(join(folder, `${name}.jsonl`), `${lines.join('\n')}\n`)
  writeFileSync(join(folder, `${name}.card.json`), JSON.stringify({ space: o.space ?? 'test' }))
  return join(folder, `${name}.npy`)
}

/** Writes the windows of a corpus as sequences, which do not record the rows of their vectors. */
export function writeSequences(folder: string, name: string, vectors: Float32Array): string {
  const firsts = Array.from({ length: vectors.length / DIM }, (_, row) => row).filter((row) => row % LENGTH < LENGTH - CONTEXT)
  const part = (from: number, count: number) =>
    Float32Array.from(firsts.flatMap((row) => [...vectors.subarray((row + from) * DIM, (row + from + count) * DIM)]))
  const ids = Int32Array.from(firsts, (row) => Math.floor(row / LENGTH))
  const positions = Int32Array.from(firsts, (row) => (row % LENGTH) + CONTEXT)
  const n = firsts.length
  const arrays = {
    context_sequences: npy('<f4', [n, CONTEXT, DIM], bytesOf(part(0, CONTEXT))),
    target_vectors: npy('<f4', [n, DIM], bytesOf(part(CONTEXT, 1))),
    article_ids: npy('<i4', [n], bytesOf(ids)),
    sequence_positions: npy('<i4', [n], bytesOf(positions)),
  }
  writeFileSync(
    join(folder, `${name}.npz`),
    storedZip(Object.entries(arrays).map(([key, data]) => ({ name: `${key}.npy`, data }))),
  )
  return join(folder, `${name}.npz`)
}

/** Trains a tiny model for a few steps; `residual` makes it accurate without training. */
export async function trainOn(data: string, out: string, name: string, more: Record<string, string | number | boolean> = {}) {
  const options = { model: 'lstm', preset: 'tiny', epochs: 1, maxSteps: 3, threads: 1, space: 'test' } as const
  const reach = 'history' in more ? { minHistory: CONTEXT } : { context: CONTEXT }
  for await (const _ of train({ ...options, ...reach, data, out, name, residual: 'mean', ...more })) {
  }
  return join(out, name)
}
