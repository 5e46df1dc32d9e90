import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { afterAll, expect, test, vi } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { auditFields } from '../../lib/audit/audit-fields.js'
import { pruneFields } from '../../lib/compress/prune-fields.js'
import { quantizeFields } from '../../lib/compress/quantize-fields.js'
import { synthFields } from '../../lib/data/synth-fields.js'
import * as evaluateTables from '../../lib/evaluate/evaluate-fields.js'
import { exportFields } from '../../lib/export/export-fields.js'
import { packageRoot } from '../../lib/libtorch/paths.js'
import type { Fields } from '../../lib/options.js'
import { plannedOf, planningFields } from '../../lib/plan/planning-fields.js'
import { reportFields, verifyFields } from '../../lib/report/report-fields.js'
import { benchmarkFields } from '../../lib/study/benchmark/benchmark-fields.js'
import { arrowFields, ceilingFields } from '../../lib/study/ceiling/ceiling-fields.js'
import { compareFields } from '../../lib/study/compare/compare-fields.js'
import { decodeFields } from '../../lib/study/decode/decode-fields.js'
import { retrieveFields } from '../../lib/study/retrieval/retrieve-fields.js'
import { sweepFields } from '../../lib/sweep/sweep-fields.js'
import { makeFields } from '../../lib/text/corpus/make-fields.js'
import { encodeFields } from '../../lib/text/encode/encode-fields.js'
import { trainFields } from '../../lib/train/train-fields.js'
import { cases } from '../cases.js'

vi.setConfig({ testTimeout: 120_000 })

const app = mkdtempSync(join(tmpdir(), 'lvm-torch-types-'))
afterAll(() => rmSync(app, { recursive: true, force: true }))
mkdirSync(join(app, 'node_modules'))
symlinkSync(packageRoot(), join(app, 'node_modules/lvm-torch'), 'junction')
writeFileSync(join(app, 'package.json'), '{"name": "app", "private": true}')
const modules = join(packageRoot(), 'node_modules')

/** One-line programs with the expected compiler error: an unknown key or value, with or without a suggestion, or a missing key or a value that fits no form. */
const [FINE, TYPO, STRANGE, MISSPELT, VALUE, GAP] = ['', 'TS2561', 'TS2353', 'TS2820', 'TS2322', 'TS2345']
const PROGRAMS: readonly (readonly [string, string])[] = [
  [FINE, "train({ model: 'lstm', data: 'x', layers: 2, epochs: 3, schedule: 'constant' })"],
  [FINE, "train({ model: 'distilgpt2', data: 'x', heads: 2, inputScale: 'none', lr: undefined })"],
  [FINE, "train({ model: 'gru', resume: true }, { signal: new AbortController().signal })"],
  [FINE, "for (const model of ['lstm', 'lcm'] as const) train({ model, data: 'x', width: 64 })"],
  [FINE, "(model: lvm.ModelName, seed: number) => train({ model, data: 'x', seed })"],
  [FINE, "const given: lvm.TrainOptions = { model: 'mlp', data: 'x' }; train({ ...given, epochs: 1 })"],
  [MISSPELT, "train({ model: 'lstmm', epohcs: 3 })"],
  [TYPO, "train({ model: 'lstm', epohcs: 3 })"],
  [TYPO, "train({ model: 'lstm', heads: 2 })"],
  [STRANGE, "train({ model: 'lstm', state: 2 })"],
  [VALUE, "train({ model: 'lstm', data: 3 })"],
  [VALUE, "train({ model: 'lstm', schedule: 'cosine' })"],
  [GAP, "train({ model: 'lstm', layers: '2' })"],
  [GAP, "train({ data: 'x' })"],
  [FINE, "train({ model: mine, data: 'x', width: 8, epochs: 3, inputScale: 'none' })"],
  [FINE, "train({ model: bare, data: 'x', epochs: 3 })"],
  [FINE, 'train({ model: mine, resume: true })'],
  [FINE, "const own: lvm.OwnTrainOptions<typeof mine> = { model: mine, width: 8 }; train({ ...own, data: 'x' })"],
  [TYPO, "train({ model: mine, data: 'x', wdith: 8 })"],
  [STRANGE, "train({ model: bare, data: 'x', state: 8 })"],
  [VALUE, "train({ model: mine, data: 'x', width: '8' })"],
  [VALUE, "train({ model: mine, data: 'x', epochs: '8' })"],
  [FINE, "lvm.sweep({ data: 'x', models: 'lstm,gru', budget: '4h', epochs: 2 })"],
  [STRANGE, "lvm.sweep({ data: 'x', resume: true })"],
  [FINE, "lvm.evaluate({ runs: ['a'], rows: 'val', latency: 0, say: (line) => line.length })"],
  [VALUE, "lvm.evaluate({ runs: ['a'], rows: 'some' })"],
  [GAP, 'lvm.evaluate({ rows: undefined })'],
  [FINE, "lvm.compare({ runs: ['a', 'ridge'], data: ['x', 'y'], seed: 1 })"],
  [FINE, "lvm.load('a', { device: 'cpu', threads: 1 })"],
  [TYPO, "lvm.load('a', { devise: 'cpu' })"],
  [FINE, "lvm.importCheckpoint({ file: 'a.pt', model: 'lstm', preset: 'tiny' })"],
  [VALUE, "lvm.importCheckpoint({ file: 'a.pt', model: 'lsmt' })"],
  [TYPO, "lvm.evaluate({ runs: ['a'], latancy: 0 })"],
  [TYPO, "lvm.retrieve({ runs: ['a'], failure: 3 })"],
  [STRANGE, "lvm.compare({ runs: ['a', 'b'], bnak: 'x' })"],
  [TYPO, "lvm.predict({ run: 'a', out: 'p.npy', steam: true })"],
  [TYPO, "lvm.rollout({ run: 'a', step: 3 })"],
  [TYPO, "lvm.benchmark({ runs: ['a'], second: 3 })"],
  [TYPO, "lvm.diagnose({ runs: ['a'], sed: 3 })"],
  [TYPO, "lvm.analyze({ run: 'a', point: 3 })"],
  [TYPO, 'lvm.selftest({ sed: 1 })'],
  [TYPO, "lvm.exportRun({ run: 'a', fromat: 'safetensors' })"],
  [TYPO, "lvm.quantize({ run: 'a', kep: 'none' })"],
  [TYPO, "lvm.prune({ run: 'a', sparsety: 0.5 })"],
  [TYPO, "lvm.report({ run: 'a' })"],
  [TYPO, "lvm.verify({ report: 'a', recompte: true })"],
  [TYPO, "lvm.audit({ data: 'x', contxt: 5 })"],
  [TYPO, "lvm.ceiling({ data: 'x', second: 5 })"],
  [TYPO, "lvm.arrow({ data: 'x', sed: 5 })"],
  [STRANGE, "lvm.synth({ out: 'x.npy', rwos: 5 })"],
]
const body = PROGRAMS.map(([, program]) => `  ${program};`).join('\n')
/** Architectures of one's own, with and without options. */
const OWN =
  "const trunk = ({ dim }: spec.Shape) => spec.linear({ in: dim, out: 8 }); const bare = spec.architecture({ name: 'bare', causal: true, width: () => 8, trunk }); const mine = spec.architecture({ name: 'mine', causal: true, fields: { width: spec.integer({ default: 8, min: 1, about: '' }) }, width: ({ width }) => width, trunk: ({ dim, width }) => spec.linear({ in: dim, out: width }) });"
/** Makes a program whose first line imports `lvm` and `train`, so that PROGRAMS begin on the second line. */
const write = (name: string, first: string, last: string) => {
  writeFileSync(join(app, name), `${first}\n${body}\n${last}\n`)
  return name
}
const esm = write(
  'program.mts',
  `import * as lvm from 'lvm-torch'; import { train } from 'lvm-torch'; import * as spec from 'lvm-torch/spec'; { ${OWN}`,
  '}',
)
const commonJs = write(
  'program.cts',
  `import lvm = require('lvm-torch'); import spec = require('lvm-torch/spec'); const { train } = lvm; { ${OWN}`,
  '}',
)

const compiled = (module: string, resolution: string, files: readonly string[]) =>
  new Promise<string[]>((done) => {
    const strict = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--target',
      'es2022',
      '--lib',
      'es2023,esnext.disposable',
    ]
    const types = ['--types', 'node', '--typeRoots', join(modules, '@types')]
    const words = [...strict, ...types, '--module', module, '--moduleResolution', resolution, ...files]
    execFile(process.execPath, [join(modules, 'typescript/bin/tsc'), ...words], { cwd: app }, (_, stdout) =>
      done(
        Array.from(stdout.matchAll(/^(\S+)\((\d+),\d+\): error (TS\d+)/gm), ([, file, line, code]) => `${file}:${line} ${code}`),
      ),
    )
  })

test.concurrent.each(
  cases(
    [
      ['node16', 'node16', [esm, commonJs]],
      ['nodenext', 'nodenext', [esm, commonJs]],
      ['preserve', 'bundler', [esm, commonJs]],
    ],
    1,
  ),
)('right programs compile and wrong ones do not, with module %s and resolution %s', async (module, resolution, files) => {
  const expected = files.flatMap((file) => PROGRAMS.flatMap(([code], i) => (code === FINE ? [] : [`${file}:${i + 2} ${code}`])))
  expect((await compiled(module, resolution, files)).sort()).toEqual(expected.sort())
})

const TABLES: Readonly<Record<string, Fields>> = {
  sweep: sweepFields,
  evaluate: evaluateTables.evaluateFields,
  retrieve: retrieveFields,
  compare: compareFields,
  predict: evaluateTables.predictFields,
  rollout: evaluateTables.rolloutFields,
  benchmark: benchmarkFields,
  diagnose: evaluateTables.doctorFields,
  analyze: evaluateTables.analyzeFields,
  selftest: evaluateTables.selftestFields,
  exportRun: exportFields,
  quantize: quantizeFields,
  prune: pruneFields,
  report: reportFields,
  verify: verifyFields,
  audit: auditFields,
  ceiling: ceilingFields,
  arrow: arrowFields,
  synth: synthFields,
  decode: decodeFields,
  encode: encodeFields,
  makeData: makeFields,
}

test('an editor shows the sentence of every option of every verb and model', () => {
  const called = Object.entries(TABLES).map(([verb, fields]) => ({ call: `lvm.${verb}({`, fields }))
  const trained = architectures.map(({ name, fields }) => ({
    call: `lvm.train({ model: '${name}',`,
    fields: { ...trainFields, ...fields },
  }))
  const planned = { call: "lvm.plan({ model: 'lstm',", fields: { ...planningFields, ...plannedOf(trainFields) } }
  const all = [...called, ...trained, planned]
  const path = join(app, 'hover.mts')
  const lines = all.map(({ call, fields }) => `${call} ${Object.keys(fields).join(': null!, ')}: null! })`)
  const source = `import * as lvm from 'lvm-torch'\n${lines.join('\n')}\n`
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [join(modules, '@types')],
  }
  const editor = ts.createLanguageService({
    ...ts.sys,
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
    getCompilationSettings: () => options,
    getScriptFileNames: () => [path],
    getScriptVersion: () => '1',
    getScriptSnapshot: (file) => {
      const text = file === path ? source : ts.sys.readFile(file)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
    getCurrentDirectory: () => app,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: (file) => file === path || ts.sys.fileExists(file),
  })
  let at = source.indexOf('\n') + 1
  for (const [i, { call, fields }] of all.entries()) {
    for (const [key, { about }] of Object.entries(fields)) {
      const place = at + lines[i]!.search(new RegExp(`(?<=[{,] )${key}: null!`))
      const shown = ts.displayPartsToString(editor.getQuickInfoAtPosition(path, place)?.documentation)
      expect(shown.startsWith(about), `${call} ${key}: «${shown}»`).toBe(true)
    }
    at += lines[i]!.length + 1
  }
})
