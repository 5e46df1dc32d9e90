import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { evaluate, exportRun, load, prune, quantize, report, train } from '../../lib/index.js'
import {
  activation,
  architecture,
  chain,
  flatten,
  gru,
  integer,
  linear,
  type Node,
  named,
  residual,
} from '../../lib/spec/index.js'
import { place, vectorFile } from './runs.js'

const out = place('own')
let data = ''
beforeAll(async () => {
  data = await vectorFile('own-base')
})

const mine = architecture({
  name: 'mine',
  causal: true,
  fields: { width: integer({ default: 8, min: 1, about: 'hidden dimension' }) },
  width: ({ width }) => width,
  trunk: ({ dim, width }) =>
    chain(
      named('in_proj', linear({ in: dim, out: width })),
      residual(0, named('memory', gru({ in: width, width })), activation('silu')),
    ),
})
const settings = { out, batchSize: 16, device: 'cpu', threads: 1, force: true } as const
type Events = { type: string; [key: string]: unknown }[]
async function run(options: Record<string, unknown>, stopAt?: number): Promise<Events> {
  const stop = new AbortController()
  const events: Events = []
  for await (const event of train({ ...settings, data, ...options } as Parameters<typeof train>[0], { signal: stop.signal })) {
    events.push(event as Events[number])
    if (event.type === 'epoch' && event.epoch === stopAt) stop.abort()
  }
  return events
}
const weights = async (name: string) => {
  using model = await load(name, { root: out, device: 'cpu' })
  return [...(await model.predict(new Float32Array(5 * model.dim).fill(0.1), { context: 5 }))].join()
}

it('a run of one’s own architecture carries its model: it loads, resumes by name, and is judged and shipped without the declaration', async () => {
  await run({ model: mine, width: 12, epochs: 3, name: 'whole' })
  await run({ model: mine, width: 12, epochs: 3, name: 'cut' }, 1)
  await run({ model: 'mine', name: 'cut', resume: true })
  expect(await weights('cut')).toBe(await weights('whole'))
  const manifest = JSON.parse(readFileSync(join(out, 'whole', 'manifest.json'), 'utf8'))
  expect(manifest).toMatchObject({ model: 'mine', architecture: { causal: true }, options: { model: { width: 12 } } })
  const judged = await evaluate({ runs: [join(out, 'whole')], data, latency: 0, out: place('own-evaluation') })
  expect(judged.results.runs[0]).toMatchObject({ model: 'mine' })
})

it('another set of ops does not continue a run of one’s own architecture', async () => {
  await run({ model: mine, epochs: 1, name: 'changed' })
  const other = architecture({ name: 'mine', causal: true, width: () => 8, trunk: ({ dim }) => up(dim, 8) })
  await expect(run({ model: other, name: 'changed', resume: true, epochs: 2 })).rejects.toMatchObject({ code: 'BAD_OPTION' })
})

const made = (more: Record<string, unknown>) =>
  architecture({
    name: 'bad',
    causal: true,
    width: () => 8,
    trunk: ({ dim }: { dim: number }) => linear({ in: dim, out: 8 }),
    ...more,
  } as never)
const up = (dim: number, out: number) => named('up', linear({ in: dim, out }))
const trunk = (f: (dim: number) => Node) => made({ trunk: ({ dim }: { dim: number }) => f(dim) })

it.each<[string, () => ReturnType<typeof made>, RegExp]>([
  ['the name of a model of this package', () => made({ name: 'lstm' }), /expected a name that no model/],
  ['an option of train', () => made({ fields: { lr: integer({ default: 1, min: 1, about: 'x' }) } }), /"lr"/],
  ['an option of every model', () => made({ fields: { head: integer({ default: 1, min: 1, about: 'x' }) } }), /"head"/],
  ['no trunk', () => made({ trunk: undefined }), /"trunk"/],
  ['no causal', () => made({ causal: undefined }), /"causal"/],
  ['the name of a baseline', () => made({ name: 'ridge' }), /another meaning/],
  ['a name like that of a fold', () => made({ name: 'x-fold1of2' }), /another meaning/],
  ['a name with a path in it', () => made({ name: '../x' }), /lower-case letters/],
  ['an option of the command', () => made({ fields: { json: integer({ default: 1, min: 1, about: 'x' }) } }), /"json"/],
  ['an option that begins with no', () => made({ fields: { noBias: integer({ default: 1, min: 1, about: 'x' }) } }), /"noBias"/],
  [
    'an option that every object has',
    () => made({ fields: { toString: integer({ default: 1, min: 1, about: 'x' }) } }),
    /"toString"/,
  ],
  ['a word of Python as name', () => trunk((dim) => named('a.in', linear({ in: dim, out: 8 }))), /part "in"/],
  ['a name with a space', () => trunk((dim) => named('a b', linear({ in: dim, out: 8 }))), /letters, digits and _/],
  ['parameters without a name', () => trunk((dim) => linear({ in: dim, out: 8 })), /a name for linear/],
  ['a name twice', () => trunk((dim) => chain(up(dim, 8), up(8, 8))), /named\("up", …\) but received two/],
  ['the name of the output layer', () => trunk((dim) => named('head', linear({ in: dim, out: 8 }))), /"head"/],
  [
    'a trunk that throws',
    () =>
      trunk(() => {
        throw new Error('oops')
      }),
    /threw "?Error: oops/,
  ],
  ['a trunk without a node', () => made({ trunk: () => ({}) }), /expected a node/],
  ['an unknown op', () => made({ trunk: () => ({ op: 'warp', params: {}, of: [] }) }), /warp/],
  [
    'channels that do not fit',
    () => trunk((dim) => linear({ in: dim + 1, out: 8 })),
    /expected 17 channels but the input has 16/,
  ],
  ['another width', () => trunk((dim) => linear({ in: dim, out: 9 })), /expected 8 channels from the trunk/],
  ['a residual that changes the width', () => trunk((dim) => residual(0, linear({ in: dim, out: 8 }))), /16 channels again/],
  ['a width that is no number', () => trunk((dim) => linear({ in: dim, out: Number.NaN })), /"out"/],
  ['a causal model that sees later vectors', () => trunk((dim) => chain(flatten(5), up(5 * dim, 8))), /no later position/],
])('an architecture with %s is refused with a fix', async (_, make, message) => {
  const error = await (async () => run({ model: make(), epochs: 1, name: 'refused' }))().catch((e) => e)
  expect(error).toMatchObject({ code: 'BAD_SPEC', message: expect.stringMatching(message), hint: expect.stringMatching(/./) })
})

it('a model that is neither a name nor an architecture is refused', async () => {
  for (const model of [{}, 3, { name: 'x' }]) await expect(run({ model })).rejects.toMatchObject({ code: 'BAD_OPTION' })
})

it('a run of one’s own architecture is quantised, pruned, exported and reported under its own name', async () => {
  await run({ model: mine, epochs: 1, name: 'shipped' })
  const shipped = join(out, 'shipped')
  await quantize({ run: shipped, to: 'bf16', name: 'small', data, maxDrop: 1, latency: 0.01 })
  await prune({ run: shipped, sparsity: 0.1, finetune: 0, name: 'thin', data, maxDrop: 1, latency: 0.01 })
  const heads = prune({ run: shipped, structured: 'neurons', sparsity: 0.5, finetune: 0, name: 'cut-up', data, maxDrop: 1 })
  await expect(heads).rejects.toMatchObject({ code: 'BAD_OPTION' })
  await exportRun({ run: shipped, format: 'torchscript', out: place('mine.pt') })
  const small = await Promise.all(['small', 'thin'].map((name) => weights(name)))
  expect(small).not.toContain(await weights('shipped'))
  const runs = place('own-shipped')
  cpSync(shipped, join(runs, 'mine'), { recursive: true })
  const { report: made } = await report({ runs, out: place('own-report') })
  expect(made.matrix.filter(({ model }) => model === 'mine')).toMatchObject([{ status: 'complete', row: null, run: 'mine' }])
}, 120_000)
