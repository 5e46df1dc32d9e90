import { writeFileSync } from 'node:fs'
import { normals } from '../../../lib/data/synth-process.js'
import { bytesOf, npy, scratch } from '../../files/fixture.js'

/** Function of the last two vectors that gives the next one, before noise. */
export type Rule = 'product' | 'sign' | 'permutation'
/** Mean cosine of the noise-free rule with the data: the optimum of any predictor. */
export const OPTIMUM = 0.8

const unit = (v: Float64Array) => {
  const length = Math.hypot(...v)
  return v.map((x) => x / length)
}
const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0)

function ruleOf(rule: Rule, dim: number, normal: () => number): (last: Float64Array, before: Float64Array) => Float64Array {
  const turns = [0, 1].map(() => Array.from({ length: dim }, () => unit(Float64Array.from({ length: dim }, normal))))
  const order = [...turns[0]!.keys()].sort((a, b) => turns[0]![a]![0]! - turns[0]![b]![0]!)
  if (rule === 'product') return (last, before) => unit(last.map((_, i) => dot(turns[0]![i]!, last) * dot(turns[1]![i]!, before)))
  if (rule === 'sign') return (last, before) => unit(last.map((_, i) => last[i]! * Math.sign(before[order[i]!]!)))
  return (last, before) => (before[0]! > 0 ? last.map((_, i) => last[order[i]!]!) : last.map((_, i) => -last[(i + 1) % dim]!))
}

let made = 0
/** Writes articles whose next vector is a non-linear function of the last two, with noise that leaves a cosine of .8. */
export function nonLinear(o: { rule: Rule; dim: number; rows: number; articles: number; seed: number }): string {
  const normal = normals(o.seed)
  const next = ruleOf(o.rule, o.dim, normal)
  const draw = () => unit(Float64Array.from({ length: o.dim }, normal))
  const vectors = new Float32Array(o.rows * o.dim)
  const lines: string[] = []
  const length = Math.ceil(o.rows / o.articles)
  let [before, last] = [draw(), draw()]
  for (let row = 0; row < o.rows; row++) {
    const index = row % length
    let now = draw()
    if (index >= 2) {
      const mean = next(last, before)
      const noise = unit(now.map((x, i) => x - dot(now, mean) * mean[i]!))
      now = mean.map((x, i) => OPTIMUM * x + Math.sqrt(1 - OPTIMUM ** 2) * noise[i]!)
    }
    vectors.set(now, row * o.dim)
    lines.push(JSON.stringify({ article_id: `a${Math.floor(row / length)}`, index }))
    before = last
    last = now
  }
  const path = scratch(`non-linear-${made++}.npy`, npy('<f4', [o.rows, o.dim], bytesOf(vectors)))
  writeFileSync(path.replace(/npy$/, 'jsonl'), `${lines.join('\n')}\n`)
  return path
}
