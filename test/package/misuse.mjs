// Calls every export of the package with invalid arguments and prints each wrong result:
// `node misuse.mjs PART OF`. A crash shows as the signal that ends this process.
import { readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { tensorCalls } from './misuse-tensors.mjs'
import { misuses } from './misuse-values.mjs'

const [part, of] = process.argv.slice(2).map(Number)
const dist = new URL('../../dist/lib/', import.meta.url)
const api = await import(`${dist}index.js`)
const { ERRORS, LvmError, Tensor, TorchScriptModule } = api

/** Every field table by its exported name. */
const tables = Object.assign(
  {},
  ...(await Promise.all(
    readdirSync(dist, { recursive: true })
      .filter((file) => /fields\.js$/.test(file))
      .map((file) => import(`${dist}${file}`)),
  )),
)

await api.synth({ out: 'base.npy', rows: 200, dim: 16, articles: 10 })
const train = async (options, ...more) => {
  for await (const _ of api.train(options, ...more));
}
const RUN = { model: 'lstm', data: 'base.npy', preset: 'tiny', context: 3, epochs: 1, name: 'run', force: true }
await train(RUN)
const model = await api.load('run')
const base = await api.openBase('base.npy')

const encoder = await api.Encoder.open(fileURLToPath(new URL('../text/encoders/fixtures/tiny-bert', import.meta.url)))

const keys = (...names) => names.flatMap((name) => Object.keys(tables[name]))
const tensor = () => Tensor.from([1, 2, 3])
const [SAY, SIGNAL] = [{ say: undefined }, { signal: undefined }]
/** Functions with valid arguments, and the options to replace with invalid values. */
const calls = [
  ...(await tensorCalls(api, model)),
  ['load', api.load, ['run', {}], [[], ['device', 'threads', 'root', 'exact', 'x']]],
  [
    'importCheckpoint',
    api.importCheckpoint,
    [{ file: 'x.pt', model: 'lstm' }],
    [['file', 'model', 'name', 'overwrite', 'out', 'space', 'context', 'dim', 'preset', 'x']],
  ],
  ['listRuns', api.listRuns, ['nowhere'], []],
  ['showRun', api.showRun, ['run', undefined, {}], [[], [], ['deep']]],
  ['removeRun', api.removeRun, ['nowhere'], []],
  ['pruneRun', api.pruneRun, ['nowhere'], []],
  ['openBase', api.openBase, ['base.npy', {}], [[], ['space', 'normalize', 'part', 'faulty', 'vectors', 'articles', 'x']]],
  [
    'writeBase',
    api.writeBase,
    ['../written.npy', 'base.npy', { overwrite: true }],
    [[], [], ['space', 'source', 'signal', 'onProgress', 'x']],
  ],
  ['shardBase', api.shardBase, ['../written', 'base.npy', {}], [[], [], ['rowsPerShard', 'signal', 'x']]],
  ['synth', api.synth, [{ out: 'more.npy' }], [['kind', 'rows', 'dim', 'articles', 'seed', 'out', 'x']]],
  ['analyze', api.analyze, [{ run: 'run', projection: 'none' }, undefined], [['run', ...keys('analyzeFields'), 'x']]],
  [
    'audit',
    api.audit,
    [{ data: 'base.npy' }, SAY],
    [
      ['data', 'against', ...keys('auditFields'), 'x'],
      ['say', 'x'],
    ],
  ],
  ['pushBank', api.pushBank, ['base.npy', 'lance:bank', {}], [[], [], [...keys('bankPushFields'), 'x']]],
  ['bankInfo', api.bankInfo, ['lance:nowhere'], []],
  ['verifyBank', api.verifyBank, ['lance:nowhere', 'base.npy', {}], [[], [], [...keys('bankVerifyFields'), 'x']]],
  ['benchmark', api.benchmark, [{ runs: ['nowhere'] }], [['runs', 'say', ...keys('benchmarkFields')]]],
  ['compareBenchmarks', api.compareBenchmarks, ['a.json', 'b.json'], []],
  ['arrow', api.arrow, [{ data: 'nowhere.npy' }, SAY], [keys('arrowFields'), ['say', 'x']]],
  ['ceiling', api.ceiling, [{ data: 'nowhere.npy' }, SAY], [keys('ceilingFields'), ['say', 'x']]],
  ['compare', api.compare, [{ runs: ['run', 'nowhere'] }], [['runs', 'data', 'say', ...keys('compareFields')]]],
  ['diagnose', api.diagnose, [{ runs: ['nowhere'] }, undefined], [['runs', ...keys('doctorFields')]]],
  ['evaluate', api.evaluate, [{ runs: ['nowhere'] }], [['runs', 'say', ...keys('evaluateFields')]]],
  ['retrieve', api.retrieve, [{ runs: ['nowhere'] }], [['runs', 'say', ...keys('retrieveFields')]]],
  ['decode', api.decode, [{ run: 'run' }], [['run', 'vectors', 'onRow', 'signal', ...keys('decodeFields')]]],
  ['nearest', api.nearest, ['base.npy', Array(16).fill(1), 3, {}], [[], [], [], ['space', 'x']]],
  ['next', api.next, [{ run: 'nowhere', data: 'base.npy' }], [['run', 'text', ...keys('nextFields'), 'x']]],
  ['diffRuns', api.diffRuns, ['run', 'nowhere'], []],
  ['plan', api.plan, [{ model: 'lstm', rows: 2 }], [['model', ...keys('planningFields'), 'data', 'x']]],
  ['predict', api.predict, [{ run: 'run', out: 'p.npy' }], [['run', ...keys('predictFields'), 'x']]],
  ['rollout', api.rollout, [{ run: 'nowhere' }], [['run', ...keys('rolloutFields')]]],
  ['selftest', api.selftest, [{ seed: -1 }], [['seed', 'x']]],
  ['exportRun', api.exportRun, [{ run: 'nowhere' }], [['run', ...keys('exportFields')]]],
  [
    'prune',
    api.prune,
    [{ run: 'nowhere' }, SIGNAL],
    [
      ['run', 'say', ...keys('pruneFields')],
      ['signal', 'watch', 'x'],
    ],
  ],
  [
    'quantize',
    api.quantize,
    [{ run: 'nowhere' }, SIGNAL],
    [
      ['run', 'say', ...keys('quantizeFields')],
      ['signal', 'watch', 'x'],
    ],
  ],
  ['report', api.report, [{ runs: 'nowhere', out: 'report' }], [['say', ...keys('reportFields')]]],
  ['verify', api.verify, [{ report: 'nowhere.json' }], [['report', 'say', ...keys('verifyFields')]]],
  ['serve', api.serve, [{ runs: ['nowhere'], port: 0 }], [['runs', 'tell', ...keys('serveFields'), 'x']]],
  ['abtest', api.abtest, [{ runs: ['nowhere'] }], [['runs', 'say', ...keys('abtestFields')]]],
  ['bundle', api.bundle, [{ runs: ['nowhere'], out: 'app.tgz' }], [['runs', ...keys('bundleFields'), 'x']]],
  ['verifyBundle', api.verifyBundle, ['nowhere', {}], [[], ['quick', 'x']]],
  [
    'experiment',
    api.experiment,
    [{ plan: 'nowhere.yaml' }, SIGNAL],
    [
      ['plan', ...keys('experimentFields'), 'x'],
      ['signal', 'tell', 'watch', 'x'],
    ],
  ],
  ['experimentStatus', api.experimentStatus, [{ of: 'nowhere' }], [['of', 'out', 'x']]],
  ['experimentReport', api.experimentReport, [{ of: 'nowhere' }], [['of', 'out', 'x']]],
  [
    'loadtest',
    api.loadtest,
    [{ url: 'http://127.0.0.1:1' }, SIGNAL],
    [
      ['url', ...keys('loadtestFields'), 'x'],
      ['signal', 'tell', 'x'],
    ],
  ],
  ['sweep', api.sweep, [{ data: 'nowhere', models: 'none' }, SIGNAL], [keys('sweepFields'), ['signal', 'tell', 'say', 'watch']]],
  [
    'train',
    train,
    [{ ...RUN, data: 'nowhere.npy', name: 'other' }, SIGNAL],
    [
      ['model', ...keys('trainFields'), 'x'],
      ['signal', 'watch', 'x'],
    ],
  ],
  [
    'makeData',
    api.makeData,
    [{ texts: 'nowhere', encoder: 'nowhere', out: 'made' }, SIGNAL],
    [
      ['texts', ...keys('makeFields'), 'x'],
      ['signal', 'progress', 'x'],
    ],
  ],
  [
    'encode',
    api.encode,
    [{ encoder: 'nowhere', input: 'nowhere', out: 'e.npy' }, SIGNAL],
    [
      [...keys('encodeFields'), 'x'],
      ['signal', 'progress', 'x'],
    ],
  ],
  [
    'fetchEncoder',
    api.fetchEncoder,
    [{ name: 'no owner' }, SIGNAL],
    [
      ['name', ...keys('encodersFetchFields'), 'x'],
      ['signal', 'progress', 'x'],
    ],
  ],
  ['verifyEncoder', api.verifyEncoder, ['nowhere', {}], [[], ['progress', 'x']]],
  ['checkSpace', api.checkSpace, [{ base, encoder }], [['base', 'encoder', 'rows', 'seed', 'x']]],
  ['Encoder.open', api.Encoder.open, ['nowhere', {}], [[], [...keys('encoderFields'), 'x']]],
  ['encoder.encode', (...a) => encoder.encode(...a), [['a text'], {}], [[], ['prompt', 'signal', 'x']]],
  ['encoder.tokenCounts', (...a) => encoder.tokenCounts(...a), [['a text']], [[]]],
  ['Decoder.open', api.Decoder.open, ['nowhere', {}], [[], ['embedder', 'corrector', 'threads', 'x']]],
  ['showModel', api.showModel, ['nothing'], []],
  ...['renderAnalysis', 'auditPage', 'arrowPage', 'ceilingPage'].map((name) => [name, api[name], [null], []]),
  ...['renderDiagnosis', 'experimentMarkdown', 'markdown', 'verifiedText'].map((name) => [name, api[name], [null], []]),
  ['call', api.call, ['aten::neg', [tensor()], {}], [[], [], ['self', 'x']]],
  ['Tensor.wrap', Tensor.wrap, [tensor().native], []],
  ['Tensor.from', Tensor.from, [[1, 2], [2], {}], [[], [], ['dtype', 'x']]],
  ['Tensor.map', Tensor.map, ['base.npy', { offset: 0, shape: [1], dtype: 'float32' }], [[], ['offset', 'shape', 'dtype', 'x']]],
  [
    'Tensor.read',
    Tensor.read,
    ['base.npy', { offset: 0, shape: [1], dtype: 'float32' }],
    [[], ['offset', 'shape', 'dtype', 'x']],
  ],
  ['tensor.to', (...a) => tensor().to(...a), [{}], [['device', 'dtype', 'x']]],
  ['tensor.op', (...a) => tensor().op(...a), ['aten::sum', undefined], []],
  ['tensor.change', (...a) => tensor().change(...a), ['aten::neg_', undefined], []],
  ['TorchScriptModule.load', TorchScriptModule.load, ['nowhere.pt', { allowCode: true }], [[], ['allowCode', 'device', 'x']]],
  ['model.predict', (...a) => model.predict(...a), [new Float32Array(48).fill(0.5), {}], [[], ['context', 'raw', 'x']]],
  ['model.predictAll', (...a) => model.predictAll(...a), [new Float32Array(48).fill(0.5), {}], [[], ['context', 'raw', 'x']]],
  ['model.stepper', (...a) => model.stepper(...a).dispose(), [{}], [['batch', 'raw', 'x']]],
  ['stepper.step', (...a) => model.stepper().step(...a), [new Float32Array(16)], []],
  [
    'new LvmError',
    (code) => {
      const error = new LvmError(code, 'x')
      if (!Object.hasOwn(ERRORS, error.code) || error.exit === undefined) throw new Error(`${error.code}`)
    },
    ['NATIVE'],
    [],
  ],
]
/** Values that are valid where every option is optional. */
const NOTHING = ['undefined', 'empty object', 'object without prototype', 'tag that throws', 'object that throws as text']
const problems = []
let count = 0

async function tried(name, run, given, what) {
  count++
  try {
    await run(...given)
  } catch (error) {
    const own = error instanceof LvmError && Object.hasOwn(ERRORS, error.code) && Number.isInteger(error.exit)
    const fault = !own
      ? `threw ${error?.constructor?.name}: ${error?.message}`
      : error.code === 'INTERNAL'
        ? `INTERNAL: ${error.message} ${error.cause?.stack}`
        : error.message.length > 1500 || error.hint.length > 1500
          ? `a sentence of ${error.message.length} characters: ${error.message.slice(0, 200)}`
          : undefined
    if (fault !== undefined) problems.push(`${name}, ${what}: ${fault}`)
  }
}

for (const [i, [name, run, given, options]] of calls.entries()) {
  if (i % of !== part) continue
  const began = performance.now()
  for (const [what, make] of Object.entries(misuses)) {
    for (let at = 0; at < given.length; at++) {
      if (['selftest', 'report', 'audit'].includes(name) && NOTHING.includes(what)) continue
      const changed = (value) => given.map((own, j) => (j === at ? value : own))
      await tried(name, run, changed(make()), `argument ${at} ${what}`)
      for (const key of options[at] ?? []) {
        if (what !== 'undefined') await tried(name, run, changed({ ...given[at], [key]: make() }), `${key} ${what}`)
      }
    }
  }
  if (process.env.TIMES) console.error(name, Math.round(performance.now() - began))
}
base.dispose()
encoder.dispose()
model.dispose()
const covered = new Set(calls.map(([name]) => name))
writeFileSync(1, JSON.stringify({ count, problems, covered: [...covered], exported: Object.keys(api) }))
process.exit(0)
