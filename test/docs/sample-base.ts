import { writeFileSync } from 'node:fs'
import { bytesOf, dice, npy } from '../files/fixture.js'

export const DIM = 4
const ROWS = 8

/** Writes a base of vectors of length 1.2, with a side file and a card. */
export function writeBase(stem: string, prefix: string, articles: number, dim = DIM, space = 'test'): void {
  const roll = dice(articles)
  const vectors = Float32Array.from({ length: articles * ROWS * dim }, () => roll(2001) - 1000)
  for (let at = 0; at < vectors.length; at += dim) {
    const vector = vectors.subarray(at, at + dim)
    const length = Math.hypot(...vector) / 1.2
    vector.set(vector.map((x) => x / length))
  }
  const lines = Array.from({ length: articles * ROWS }, (_, row) => {
    const id = Math.floor(row / ROWS)
    return JSON.stringify({ article_id: `${prefix}${id}`, index: row % ROWS, title: `${id}`, text: `${row}`, categories: ['a'] })
  })
  writeFileSync(`${stem}.npy`, npy('<f4', [articles * ROWS, dim], bytesOf(vectors)))
  writeFileSync(`${stem}.jsonl`, `${lines.join('\n')}\n`)
  const encoder = { name: 'none', hash: '0'.repeat(64), precision: 'fp32', prompt: 'query: ' }
  writeFileSync(`${stem}.card.json`, JSON.stringify({ space, source: 'dice', licence: 'none', encoder }))
}
