import { basename } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { longDoor } from '../control.js'
import { optional, withFields, word } from '../door.js'
import { badOption } from '../errors.js'
import { npyHeader } from '../files/npy.js'
import { requireReplaceable } from '../files/replaceable.js'
import { publish } from '../files/write.js'
import { type Given, resolve } from '../options.js'
import { counted, stage } from '../stages.js'
import { random } from '../statistics/random.js'
import { call, Tensor } from '../torch/tensor.js'
import { synthFields } from './synth-fields.js'
import { article, type Kind, normals, optimum, RECIPES } from './synth-process.js'

/** Options of `synth`: the file to write, and any field of `synthFields`. */
export interface SynthOptions extends Given<typeof synthFields> {
  readonly out: string
}
/** Result of `synth`: the files, and the facts of the corpus. */
export interface Synthesised {
  readonly version: 1
  readonly kind: Kind
  readonly rows: number
  readonly dim: number
  readonly articles: number
  readonly seed: number
  /** Highest possible mean cosine of a prediction, forward and backward. */
  readonly optimum: { readonly forward: number; readonly backward: number }
  readonly out: string
  readonly side_file: string
  readonly card: string
}

/** Draws lengths from 0.5 to 1.5 times the mean whose sum is `rows`. */
function lengthsOf(rows: number, articles: number, seed: number): number[] {
  const shares = Array.from({ length: articles }, (_, i) => 0.5 + random(seed, i))
  const total = shares.reduce((a, b) => a + b, 0)
  let sum = 0
  return shares.map((share, i) => {
    const before = Math.round((rows * sum) / total)
    sum += share
    return (i === articles - 1 ? rows : Math.round((rows * sum) / total)) - before
  })
}

/** Draws a random rotation, so that no coordinate belongs to one part alone. Shapes: [dim, dim]. */
async function rotation(dim: number, seed: number): Promise<Tensor> {
  const normal = normals(seed)
  using deviates = Tensor.from(Float64Array.from({ length: dim * dim }, normal), [dim, dim])
  const [q, r] = (await call('aten::linalg_qr', [deviates])) as [Tensor, Tensor]
  using orthogonal = q
  r.dispose()
  return await orthogonal.to({ dtype: 'float32' }).ready()
}

async function* npyOf(kind: Kind, lengths: readonly number[], dim: number, seed: number): AsyncGenerator<NodeJS.ArrayBufferView> {
  using turn = await rotation(dim, 2 * seed + 1)
  const normal = normals(2 * seed)
  yield npyHeader(
    lengths.reduce((a, b) => a + b, 0),
    dim,
  )
  for (const length of counted(lengths)) {
    await setImmediate()
    using plain = Tensor.from(article(RECIPES[kind], length, dim, normal), [length, dim])
    using turned = await plain.op('aten::mm', turn)
    yield await turned.data()
  }
}

function* sideLines(lengths: readonly number[], name: string): Generator<string> {
  for (const [i, length] of lengths.entries()) {
    for (let index = 0; index < length; index++) {
      const text = `${name}: article ${i}, row ${index}`
      yield `${JSON.stringify({ article_id: `${name}-${i}`, title: `Article ${i}`, index, text })}\n`
    }
  }
}

const SYNTH = { options: withFields({ out: optional(word) }) }

/**
 * Writes a synthetic corpus whose best possible cosine is known, forward and backward.
 *
 * A row is a unit vector with a part in each of four subspaces: a shared direction, the article's topic, a state that makes a random walk,
 * and noise. In a directed corpus a row also repeats the previous state. One random rotation mixes the parts. The card holds the optimum.
 * Errors: BAD_OPTION, also for files that `synth` did not write; NO_DISK; INTERRUPTED.
 */
export const synth = longDoor('synth', SYNTH, async ({ out, ...given }: SynthOptions): Promise<Synthesised> => {
  const { kind, rows, dim, articles, seed } = resolve('synth', synthFields, { out, ...given })
  if (out === undefined) throw badOption('synth', 'out', 'a name that ends in .npy', out)
  if (articles > rows) throw badOption('synth', 'articles', `at most the ${rows} rows`, articles)
  const stem = out.slice(0, -'.npy'.length)
  const [side, card] = [`${stem}.jsonl`, `${stem}.card.json`]
  await requireReplaceable('synth', [out, side, card], card, /"source": "lvm-torch synth"/)
  const lengths = lengthsOf(rows, articles, seed)
  const name = `synthetic ${kind} ${dim} ${seed}`
  const known = optimum(RECIPES[kind])
  const facts = { space: name, source: 'lvm-torch synth', licence: 'CC0-1.0', encoder: 'none' }
  const files = {
    [card]: `${JSON.stringify({ ...facts, synthetic: { kind, seed, optimum: known, ...RECIPES[kind] } }, null, 2)}\n`,
    [side]: sideLines(lengths, basename(stem)),
    [out]: npyOf(kind, lengths, dim, seed),
  }
  await stage('write the articles', () => publish(files))
  return { version: 1, kind, rows, dim, articles, seed, optimum: known, out, side_file: side, card }
})
