import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { configFields, seedFields } from '../../bin/commands/train.js'
import { EVERYWHERE } from '../../bin/root-help.js'
import { evaluate, exportRun, load, quantize, report } from '../../lib/index.js'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { whyNotOption } from '../../lib/spec/declared-names.js'
import { readModelFile } from '../../lib/train/model-file.js'
import { watchFields } from '../../lib/train/watch/watch-fields.js'
import { killWhileTraining } from './kills.js'
import { lvm } from './programs.js'
import { place, vectorFile } from './runs.js'

mkdirSync(place('node_modules'))
symlinkSync(packageRoot(), place('node_modules/lvm-torch'), 'junction') // the file imports the package by its name

const MODEL = `import { activation, architecture, chain, gru, integer, linear, named, residual } from 'lvm-torch/spec'
export default architecture({
  name: 'mine',
  causal: true,
  fields: { width: integer({ default: 8, min: 1, about: 'hidden dimension' }) },
  width: ({ width }) => width,
  trunk: ({ dim, width }) =>
    chain(
      named('in_proj', linear({ in: dim, out: width })),
      residual(0.1, named('memory', gru({ in: width, width })), activation('silu')),
    ),
})
`
const file = (name: string, text: string) => {
  writeFileSync(place(name), text)
  return place(name)
}
const mine = file('mine.mjs', MODEL)

it('a killed training of a file ends bit for bit as one that was not killed, and its run needs the file no more', async () => {
  const data = await vectorFile('base')
  const cwd = place('work')
  await killWhileTraining(data, cwd, { kills: 2, epochs: 2, model: ['--model-file', mine, '--width', '12'] })
  rmSync(mine)
  const runs = join(cwd, 'artifacts/lvm/models')
  const run = join(runs, 'whole')
  const further = lvm(cwd, 'train', 'mine', '--name', 'whole', '--resume', '--epochs', '3')
  expect(await further.end, further.err()).toBe(0)
  const { results } = await evaluate({ runs: [run], latency: 0, out: place('evaluation') })
  expect(results.runs).toMatchObject([{ model: 'mine' }])
  await quantize({ run, to: 'int8', name: 'small', maxDrop: 1, latency: 0.01 })
  using small = await load(join(runs, 'small'))
  expect(small.manifest.model).toBe('mine')
  expect((await exportRun({ run, out: place('mine.pt') })).compared!.share).toBeLessThanOrEqual(1)
  const { report: made } = await report({ runs, out: place('evaluation') })
  expect(made.matrix.filter(({ model }) => model === 'mine')).toMatchObject([{ row: null, architecture: 'mine' }])
}, 240_000)

it('the verb takes the options of the architecture, and prints settings that it reads again', async () => {
  file('mine.mjs', MODEL)
  const words = ['train', '--model-file', 'mine.mjs', '--data', 'x.npy']
  const printed = lvm(place(''), ...words, '--width', '3', '--print-config')
  expect(await printed.end, printed.err()).toBe(0)
  expect(printed.out()).toMatch(/^model-file: "mine.mjs"\n(.*\n)*width: 3\n/)
  file('run.yaml', printed.out())
  const again = lvm(place(''), 'train', '--config', 'run.yaml', '--print-config')
  expect(await again.end, again.err()).toBe(0)
  expect(again.out()).toBe(printed.out())
  const other = lvm(place(''), 'train', 'lstm', ...words.slice(1), '--print-config')
  expect([await other.end, other.err()]).toEqual([2, expect.stringContaining('expected mine, as in the file of --model-file')])
  const shown = lvm(place(''), 'models', 'show', '--model-file', 'mine.mjs')
  expect([await shown.end, shown.out()]).toEqual([0, expect.stringContaining('memory: gru(in 8, width 8)')])
}, 60_000)

it.each([
  ['does not parse', 'export default {', /SyntaxError.*\n.*node --check/],
  ['never ends', 'await new Promise(() => {})', /a wait that never ends/],
])(
  'the verb refuses a file that %s',
  async (_, text, message) => {
    file('wrong.mjs', text)
    const refused = lvm(place(''), 'models', 'show', '--model-file', 'wrong.mjs')
    expect([await refused.end, refused.err()]).toEqual([2, expect.stringMatching(message)])
  },
  60_000,
)

it.each<[string, string, string, RegExp, RegExp]>([
  ['throws', 'x2.mjs', '\nthrow new Error("oops")', /x2\.mjs:2: .*oops/, /correct the file/],
  ['imports what is not there', 'x4.mjs', "import 'not-there'", /not-there/, /npm install not-there/],
  ['exports nothing', 'x5.mjs', 'export {}', /received undefined/, /export default architecture/],
  ['exports another value', 'x6.cjs', 'module.exports = { name: "x" }', /received \{"name":"x"\}/, /export default/],
  [
    'exports it by a name only',
    'x7.mjs',
    MODEL.replace('export default', 'export const own ='),
    /received undefined/,
    /default own$/,
  ],
  ['declares a bad name', 'x8.mjs', MODEL.replace("'mine'", "'Mine'"), /x8\.mjs:2: .*received "Mine"/, /my-model/],
  ['declares a name of ours', 'x9.mjs', MODEL.replace("'mine'", "'gru'"), /gru: expected a name/, /my-gru/],
  ['is a folder', 'node_modules', '', /expected a JavaScript file/, /export default/],
])('a file that %s is refused', async (_, name, text, message, hint) => {
  if (text !== '') file(name, text)
  const refused = await readModelFile(place(name)).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'BAD_SPEC', message: expect.stringMatching(message), hint: expect.stringMatching(hint) })
})

it('a file that is missing is refused, and a CommonJS file is read', async () => {
  await expect(readModelFile(place('none.mjs'))).rejects.toMatchObject({ code: 'FILE_MISSING' })
  const text = MODEL.replace(/import (.*) from ('.*')/, 'const $1 = require($2)').replace('export default', 'exports.default =')
  expect((await readModelFile(file('mine.cjs', text))).name).toBe('mine')
})

it('no option of an architecture can have the name of an option of the command', () => {
  const used = Object.keys({ ...EVERYWHERE, ...seedFields, ...configFields, ...watchFields, model: '', help: '', version: '' })
  expect(used.filter((key) => whyNotOption(key) === undefined)).toEqual([])
})
