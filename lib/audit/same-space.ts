import type { Tensor } from '../torch/tensor.js'
import { cos, type Finding, finding } from './audit-findings.js'
import type { Passed } from './neighbour-pass.js'
import { secondMoment } from './spectrum.js'
import { cosinesOf, type Table } from './unit-table.js'

/** Similarity of the second moments of two sets of vectors; its mean is 0 for unrelated spaces. */
export interface Likeness {
  /** Correlation of the moments after their traces are removed. */
  readonly r: number
  /** z-score against random rotations. */
  readonly z: number
}

/** z-scores: two halves of one file need at least 8 for the test to be conclusive; below 4 two files count as different spaces. */
export const [CONCLUSIVE, UNLIKE] = [8, 4]
/** Minimum correlation of the adjacent cosines of two files, and minimum number of pairs, to count as the same text. */
const [SAME_TEXT, FEWEST_PAIRS] = [0.5, 50]

async function traceless(moment: Tensor): Promise<Tensor> {
  const copy = await moment.op('aten::clone')
  using trace = await moment.op('aten::trace')
  using diagonal = await copy.op('aten::diagonal', 0, 0, 1)
  ;(await diagonal.op('aten::sub_.Scalar', (await trace.item()) / moment.shape[0]!)).dispose()
  return copy
}

/**
 * Compares two second moments.
 *
 * For a random rotation R, ⟨A, R B Rᵀ⟩ of symmetric traceless A and B has mean 0 and variance 2 ‖A‖²‖B‖² / ((d − 1)(d + 2)).
 * Source: own; the variance is that of the Haar measure on the orthogonal group.
 */
export async function likeness(a: Tensor, b: Tensor): Promise<Likeness> {
  const dim = a.shape[0]!
  using x = await traceless(a)
  using y = await traceless(b)
  const inner = async (p: Tensor, q: Tensor) => {
    using product = await p.op('aten::mul.Tensor', q)
    using sum = await product.op('aten::sum')
    return sum.item()
  }
  const scale = Math.sqrt((await inner(x, x)) * (await inner(y, y)))
  const r = scale > 0 ? (await inner(x, y)) / scale : 0
  return { r, z: r * Math.sqrt(((dim - 1) * (dim + 2)) / 2) }
}

const halvesAlike = ({ halves: [a, b] }: Passed) => likeness(a, b)

/** Pearson's correlation of adjacent cosines in two files, over pairs of rows that should be the same text. */
function sameText(pairs: readonly (readonly [number, number])[], a: Passed, b: Passed): { r: number; kept: [number, number][] } {
  const lagOf = ({ lags }: Passed) => new Map([...(lags[0]?.rows ?? [])].map((row, i) => [row, lags[0]!.cosines[i]!]))
  const [ofA, ofB] = [lagOf(a), lagOf(b)]
  const kept = pairs.filter(([i, j]) => ofA.has(i) && ofB.has(j)).map(([i, j]): [number, number] => [i, j])
  const [x, y] = [kept.map(([i]) => ofA.get(i)!), kept.map(([, j]) => ofB.get(j)!)]
  const centred = (v: number[]) => v.map((value) => value - v.reduce((p, q) => p + q, 0) / v.length)
  const dot = (p: number[], q: number[]) => p.reduce((sum, value, i) => sum + value * q[i]!, 0)
  const [cx, cy] = [centred(x), centred(y)]
  const r = dot(cx, cy) / Math.sqrt(dot(cx, cx) * dot(cy, cy))
  return { r: Number.isFinite(r) ? r : 0, kept }
}

/** Checks whether two files are from one encoder: by their shared text if there is any, otherwise by their covariances. */
export async function spaceFinding(
  a: { table: Table; passed: Passed; space: string | undefined },
  b: { table: Table; passed: Passed; space: string | undefined },
  pairs: readonly (readonly [number, number])[],
): Promise<Finding> {
  if (a.table.dim !== b.table.dim)
    return finding('SPACE', 'FAIL', `vectors of ${a.table.dim} numbers beside vectors of ${b.table.dim}`)
  if (a.space !== undefined && b.space !== undefined && a.space !== b.space)
    return finding('SPACE', 'FAIL', `the cards name two encoders: "${a.space}" and "${b.space}"`)
  const same = sameText(pairs, a.passed, b.passed)
  const sample = same.kept.slice(0, 4096)
  const column = (i: 0 | 1) => Int32Array.from(sample, (pair) => pair[i])
  const paired = await cosinesOf(a.table, column(0), b.table, column(1))
  const cosine = paired.length > 0 ? paired.reduce((p, q) => p + q, 0) / paired.length : null
  using momentA = await secondMoment(a.passed)
  using momentB = await secondMoment(b.passed)
  const between = await likeness(momentA, momentB)
  const [within, other] = [await halvesAlike(a.passed), await halvesAlike(b.passed)]
  const figures = {
    likeness: between.r,
    z: between.z,
    likeness_within: within.r,
    likeness_within_other: other.r,
    same_rows: same.kept.length,
    same_rows_correlation: same.kept.length > 0 ? same.r : null,
    same_rows_cosine: cosine,
  }
  const shared = same.kept.length >= FEWEST_PAIRS && same.r > SAME_TEXT
  if (shared && cosine !== null) {
    const facts = `${same.kept.length} adjacent cosines agree between the files (r = ${same.r.toFixed(2)}), the vectors have a mean cosine of ${cos(cosine)}`
    return cosine < 0.9
      ? finding('SPACE', 'FAIL', `the same text in another space, as after a rotation or from another encoder: ${facts}`, figures)
      : finding('SPACE', 'PASS', `one space: ${facts}`, figures)
  }
  const summary = `the covariances of the files correlate by ${between.r.toFixed(2)}, ${between.z.toFixed(1)} standard deviations above unrelated spaces; those of halves of one file by ${within.r.toFixed(2)} and ${other.r.toFixed(2)}`
  if (Math.min(within.z, other.z) < CONCLUSIVE)
    return finding('SPACE', 'WARN', `the data does not show whether both are from one encoder: ${summary}`, figures)
  if (between.z < UNLIKE) return finding('SPACE', 'FAIL', `two unrelated spaces: ${summary}`, figures)
  if (between.z < CONCLUSIVE) return finding('SPACE', 'WARN', `probably not one space: ${summary}`, figures)
  const text = between.r < 0.5 * Math.min(within.r, other.r) ? 'one space, but different texts' : 'one space'
  return finding('SPACE', 'PASS', `${text}: ${summary}`, figures)
}
