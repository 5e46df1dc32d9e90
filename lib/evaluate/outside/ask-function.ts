import { columnSums, contexts, type Rows } from '../../baselines/baselines-rows.js'
import { atOnce, lengthOf } from '../../data/windows.js'
import { asLvmError, LvmError, shown } from '../../errors.js'
import { tally, unlessStopped } from '../../stages.js'
import { Tensor } from '../../torch/tensor.js'
import type { OwnPredictor, OwnVectors } from './outsider.js'

/** Errors: DATA_NOT_FINITE with the first row that is not finite. */
export async function requireFinite(owner: string, vectors: Tensor): Promise<void> {
  using sums = await columnSums(vectors)
  if (((await sums.data()) as Float64Array).every(Number.isFinite)) return
  const values = (await vectors.data()) as Float32Array
  const at = values.findIndex((value) => !Number.isFinite(value))
  throw new LvmError(
    'DATA_NOT_FINITE',
    `${owner}: expected finite vectors but number ${Math.floor(at / vectors.shape[1]!)} of those asked for holds ${values[at]}`,
    { hint: 'correct the predictor: every prediction must be a vector of finite numbers' },
  )
}

/** Turns the answer of a function into vectors. Shapes: [rows, dim], float32. Errors: DATA_SHAPE. */
async function answered(name: string, answer: OwnVectors, rows: number, dim: number): Promise<Tensor> {
  const flat = answer instanceof Float32Array || answer instanceof Float64Array
  const what =
    answer instanceof Tensor ? `a tensor of shape [${answer.shape.join(', ')}]` : flat ? `${answer.length} numbers` : undefined
  const wrong = (received: string) =>
    new LvmError(
      'DATA_SHAPE',
      `${name}: expected ${rows} vectors of dimension ${dim} from "predict" but it returned ${received}`,
      {
        hint: 'return a Tensor, a Float32Array or lists of numbers of shape [windows, dim], one vector for each context',
      },
    )
  if (flat && answer.length !== rows * dim) throw wrong(what!)
  if (!flat && !(answer instanceof Tensor) && !Array.isArray(answer)) throw wrong(shown(answer))
  let given: Tensor
  try {
    given = answer instanceof Tensor ? answer : flat ? Tensor.from(answer, [rows, dim]) : Tensor.from(answer as [])
  } catch (cause) {
    throw wrong(`lists that are no table (${asLvmError(cause).message})`)
  }
  if (given.shape.length !== 2 || given.shape[0] !== rows || given.shape[1] !== dim)
    throw wrong(what ?? `lists of shape [${given.shape.join(', ')}]`)
  return given.to({ device: 'cpu', dtype: 'float32' }).ready()
}

/** Calls a function for contexts. Shapes: [n, context, dim] → [n, dim], float32. Errors: those of the function; DATA_SHAPE; DATA_NOT_FINITE. */
export async function answersTo({ name, predict }: OwnPredictor, given: Tensor): Promise<Tensor> {
  const [rows, , dim] = given.shape as [number, number, number]
  const vectors = await answered(name, await unlessStopped(Promise.resolve(predict(given))), rows, dim)
  await requireFinite(name, vectors)
  return vectors
}

/** Calls a function for windows, those of one length together. Shapes: [asked, dim], float32. */
export async function answersFor(own: OwnPredictor, rows: Pick<Rows, 'base' | 'windows'>, asked: Int32Array): Promise<Tensor> {
  const { windows } = rows
  const { dim } = windows
  const all = new Float32Array(asked.length * dim)
  const byLength = new Map<number, number[]>()
  for (const [place, id] of asked.entries()) {
    const length = lengthOf(windows, id)
    const same = byLength.get(length)
    if (same === undefined) byLength.set(length, [place])
    else same.push(place)
  }
  let done = 0
  for (const [length, places] of byLength) {
    const size = atOnce(length)
    for (let at = 0; at < places.length; at += size) {
      tally(done, asked.length)
      const part = places.slice(at, at + size)
      using given = await contexts(
        { ...rows, ids: asked },
        Int32Array.from(part, (place) => asked[place]!),
        length,
      )
      using vectors = await answersTo(own, given)
      const values = (await vectors.data()) as Float32Array
      for (const [i, place] of part.entries()) all.set(values.subarray(i * dim, (i + 1) * dim), place * dim)
      done += part.length
    }
  }
  return Tensor.from(all, [asked.length, dim])
}
