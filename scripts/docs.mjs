// Writes what the documentation takes from tables: `node scripts/docs.mjs`; with --check it only says which files are stale.

import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { auditFields } from '../dist/lib/audit/audit-fields.js'
import { CHECKS } from '../dist/lib/audit/audit-findings.js'
import { LIMITS as AUDIT_LIMITS } from '../dist/lib/audit/audit-limits.js'
import { pruneFields } from '../dist/lib/compress/prune-fields.js'
import { quantizeFields } from '../dist/lib/compress/quantize-fields.js'
import { inspectFields } from '../dist/lib/data/data-fields.js'
import { synthFields } from '../dist/lib/data/synth-fields.js'
import {
  analyzeFields,
  doctorFields,
  evaluateFields,
  predictFields,
  rolloutFields,
  selftestFields,
} from '../dist/lib/evaluate/evaluate-fields.js'
import { exportFields } from '../dist/lib/export/export-fields.js'
import { LIMITS } from '../dist/lib/files/limits.js'
import { architectures, ERRORS, listModels, showModel } from '../dist/lib/index.js'
import { reportFields, verifyFields } from '../dist/lib/report/report-fields.js'
import { kebab } from '../dist/lib/show.js'
import { wrapperFields } from '../dist/lib/spec/architecture.js'
import { printFolded } from '../dist/lib/spec/print.js'
import { benchmarkFields } from '../dist/lib/study/benchmark/benchmark-fields.js'
import { arrowFields, ceilingFields } from '../dist/lib/study/ceiling/ceiling-fields.js'
import { compareFields } from '../dist/lib/study/compare/compare-fields.js'
import { retrieveFields } from '../dist/lib/study/retrieval/retrieve-fields.js'
import { sweepFields } from '../dist/lib/sweep/sweep-fields.js'
import { plan } from '../dist/lib/train/recipe.js'
import { trainFields } from '../dist/lib/train/train-fields.js'
import { apiPage } from './api-page.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const count = (n) => n.toLocaleString('en-US')
const percent = (part) => (part === null ? '–' : `${part > 0 ? '+' : ''}${(100 * part).toFixed(2)} %`)
const cell = (value) => String(value ?? '–').replaceAll('|', '\\|')
const code = (value) => `\`${value}\``
/** A table of Markdown: columns by their title, each with what stands in the cell of a row. */
function table(rows, columns) {
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`
  const reads = Object.values(columns)
  return [
    line(Object.keys(columns)),
    line(reads.map(() => '---')),
    ...rows.map((row) => line(reads.map((read) => read(row)))),
  ].join('\n')
}
const generated = (title, ...parts) =>
  `<!-- Made by scripts/docs.mjs from the tables in lib/; change those and run: npm run docs -->\n# ${title}\n\n${parts.join('\n\n')}\n`

const shownDefault = ({ kind, default: preset }) =>
  preset === undefined ? '–' : kind === 'flag' ? (preset ? 'on' : 'off') : code(preset)
const shownType = ({ kind, expected }) => (kind === 'flag' ? 'yes or no' : expected)
const options = (fields) =>
  table(Object.entries(fields), {
    flag: ([name]) => code(`--${kebab(name)}`),
    'in a script': ([name]) => code(name),
    type: ([, field]) => shownType(field),
    default: ([, field]) => shownDefault(field),
    'what it does': ([, field]) => field.about,
  })
/** The options of a table under a heading for each of their groups. */
function grouped(fields) {
  const groups = [...new Set(Object.values(fields).map(({ group }) => group))]
  return groups.flatMap((group) => [
    `### ${group}`,
    options(Object.fromEntries(Object.entries(fields).filter(([, field]) => field.group === group))),
  ])
}

/** What a recipe or a preset sets, in words of the command line. */
const settings = (values) =>
  Object.entries(values)
    .map(([key, value]) => code(`--${kebab(key)} ${value}`))
    .join(' ') || 'the defaults'
function recipes() {
  const model = architectures[0].name
  const of = (recipe) => plan(model, { recipe })
  const usual = of(trainFields.recipe.default)
  const differing = (a, b) => Object.fromEntries(Object.entries(a).filter(([key, value]) => key !== 'recipe' && value !== b[key]))
  return table(trainFields.recipe.choices, {
    recipe: code,
    'what it sets': (recipe) =>
      settings({ ...differing(of(recipe).train, usual.train), ...differing(of(recipe).model, usual.model) }),
  })
}

const link = (source) => {
  const [, kind, id] = /^(arXiv|doi):(.*)$/.exec(source) ?? []
  const url = { arXiv: `https://arxiv.org/abs/${id}`, doi: `https://doi.org/${id}` }[kind]
  return url ? `[${source}](${url})` : source
}
function model(row) {
  const { title, about, causal, complexity, fields, presets, training } = architectures.find(({ name }) => name === row.name)
  const { presets: sizes, sources, spec } = showModel(row.name)
  const target = row.target === null ? 'none' : `${count(row.target)} (${percent(row.deviation)})`
  return [
    `## ${code(row.name)}: ${title}`,
    `${about[0].toUpperCase()}${about.slice(1)}. ${row.row === null ? 'Outside the matrix' : `Row ${row.row} of the matrix`}; folder ${code(row.folder)}; ${count(row.parameters)} parameters, asked for: ${target}; time ${complexity}; ${causal ? 'causal' : 'not causal'}.`,
    options(Object.fromEntries(Object.entries(fields).filter(([key]) => !(key in wrapperFields)))),
    table(Object.keys(presets), {
      preset: code,
      'what it sets': (preset) => settings(presets[preset]),
      parameters: (preset) => count(sizes[preset]),
    }),
    ...(Object.keys(training).length > 0 ? [`Training defaults of its own: ${settings(training)}`] : []),
    `Its parts and their parameters (preset ${code('target')}, dimension 768):`,
    `\`\`\`\n${printFolded(spec)}\n\`\`\``,
    `Sources: ${sources.map(link).join(', ')}`,
  ].join('\n\n')
}

/** The options of `sweep` that it does not hand on to every training. */
const ownSweepFields = Object.fromEntries(Object.entries(sweepFields).filter(([, { group }]) => group === 'Sweep'))
const rows = listModels()
const matrix = table(rows, {
  row: (r) => r.row,
  name: (r) => code(r.name),
  model: (r) => r.title,
  parameters: (r) => count(r.parameters),
  'asked for': (r) => (r.target === null ? '–' : count(r.target)),
  deviation: (r) => percent(r.deviation),
  time: (r) => r.complexity,
  'what it is': (r) => architectures.find(({ name }) => name === r.name).about,
})
const between = (text, mark, content) => {
  const [open, close] = [`<!-- ${mark} -->`, `<!-- /${mark} -->`]
  const [before, rest] = text.split(open)
  return `${before}${open}\n${content}\n${close}${rest.split(close)[1]}`
}

const documents = {
  'docs/audit.md': generated(
    'The audit',
    `${code('lvm-torch data audit FILE')} makes these checks, and ${code('train')} makes them once for files, context and split before it starts. A check says PASS, WARN or FAIL; the worst of them is the verdict. FAIL is kept for what makes every figure wrong and is never said by chance: an effect must be five standard errors over articles away. It ends with exit code 8, and a training with ${code('GATE_FAILED')} unless it is given ${code('--force')}, which the run records.`,
    table(Object.entries(CHECKS), {
      code: ([name]) => code(name),
      'what it looks at': ([, { about }]) => about,
      'what mends it': ([, { fix }]) => fix,
    }),
    '## What the checks see, and what not',
    'PASS says that a check found nothing, not that there is nothing.',
    Object.entries(AUDIT_LIMITS)
      .map(([name, text]) => `- ${code(name)}: ${text}`)
      .join('\n'),
  ),
  'docs/architectures.md': generated(
    'The models',
    'Parameter counts are for vectors of dimension 768 and a context of 5. A name on the command line: `lvm-torch train NAME`; its tree: `lvm-torch models show NAME`. Equal layers are written once, with the range of their numbers and the parameters of one.',
    '## Options that every model has',
    options(wrapperFields),
    ...rows.map(model),
  ),
  'docs/options.md': generated(
    'The options',
    'One table per verb, from the same field tables that check the values. A flag that is left out has its default, or what the recipe says; an option that would have no effect is an error. Every verb also takes `--json` and `--help`.',
    '## train',
    `${code('lvm-torch train MODEL --data FILE [options]')}, or ${code('train({ model, data, ... })')}. The options of each model are in [architectures.md](architectures.md). ${code('--seeds N')} trains N times, from ${code('--seed')} on (1 unless given), and gives mean and sd; it exists on the command line only.`,
    ...grouped(trainFields),
    '### Recipes',
    recipes(),
    '## evaluate',
    `${code('lvm-torch evaluate RUN... [options]')}, or ${code('evaluate({ runs, ... })')}.`,
    options(evaluateFields),
    '## retrieve',
    `${code('lvm-torch retrieve RUN... [options]')}, or ${code('retrieve({ runs, ... })')}.`,
    options(retrieveFields),
    '## compare',
    `${code('lvm-torch compare RUN RUN... [--data FILE]... [options]')}, or ${code('compare({ runs, data, ... })')}. Baselines go by their names: ${code('copy_last')}, ${code('exponential_mean')}, ….`,
    options(compareFields),
    '## predict',
    `${code('lvm-torch predict RUN --out FILE.npy [options]')}, or ${code('predict({ run, out, ... })')}.`,
    options(predictFields),
    '## rollout',
    `${code('lvm-torch rollout RUN [options]')}, or ${code('rollout({ run, ... })')}.`,
    options(rolloutFields),
    '## doctor',
    `${code('lvm-torch doctor RUN... [options]')}, or ${code('diagnose({ runs, ... })')}. Without a run it looks at the machine, and takes no option.`,
    options(doctorFields),
    '## analyze',
    `${code('lvm-torch analyze RUN [options]')}, or ${code('analyze({ run, ... })')}.`,
    options(analyzeFields),
    '## selftest',
    `${code('lvm-torch selftest [options]')}, or ${code('selftest({ seed })')}.`,
    options(selftestFields),
    '## export',
    `${code('lvm-torch export RUN [options]')}, or ${code('exportRun({ run, ... })')}.`,
    options(exportFields),
    '## quantize',
    `${code('lvm-torch quantize RUN [options]')}, or ${code('quantize({ run, ... })')}.`,
    ...grouped(quantizeFields),
    '## prune',
    `${code('lvm-torch prune RUN --sparsity S [options]')}, or ${code('prune({ run, ... })')}.`,
    ...grouped(pruneFields),
    '## benchmark',
    `${code('lvm-torch benchmark RUN... [options]')}, or ${code('benchmark({ runs, ... })')}; ${code('lvm-torch benchmark compare BEFORE AFTER')}, or ${code('compareBenchmarks(before, after)')}.`,
    options(benchmarkFields),
    '## sweep',
    `${code('lvm-torch sweep --data FILE [options]')}, or ${code('sweep({ data, ... })')}. Beside these it takes all of ${code('train')} but ${code('--name')}, ${code('--resume')} and ${code('--init')}, and hands them on to every training.`,
    options(ownSweepFields),
    '## report',
    `${code('lvm-torch report [options]')}, or ${code('report({ ... })')}.`,
    options(reportFields),
    '## verify',
    `${code('lvm-torch verify REPORT [options]')}, or ${code('verify({ report, ... })')}. REPORT is report.json or report.html. Ends with exit code 8 when a value was changed.`,
    options(verifyFields),
    '## data inspect',
    `${code('lvm-torch data inspect FILE [options]')}.`,
    options(inspectFields),
    '## data audit',
    `${code('lvm-torch data audit FILE [--against FILE...] [options]')}, or ${code('audit({ data, against, ... })')}.`,
    options(auditFields),
    '## ceiling',
    `${code('lvm-torch ceiling --data FILE [options]')}, or ${code('ceiling({ data, ... })')}.`,
    options(ceilingFields),
    '## arrow',
    `${code('lvm-torch arrow --data FILE [options]')}, or ${code('arrow({ data, ... })')}.`,
    options(arrowFields),
    '## synth',
    `${code('lvm-torch synth --out FILE.npy [options]')}, or ${code('synth({ out, ... })')}.`,
    options(synthFields),
  ),
  'docs/api.md': generated(
    'Functions for JavaScript',
    'Everything that the package exports, for `import` and `require`. Failures are an [`LvmError`](#lvmerror) with a code; functions that return a promise reject with it. An option that is left out has the default in [options.md](options.md); `train` also takes the options of the model, which [architectures.md](architectures.md) lists, and `sweep` those of `train`. Keys of results are listed in [formats.md](formats.md).',
    ...apiPage({
      train: trainFields,
      sweep: ownSweepFields,
      evaluate: evaluateFields,
      retrieve: retrieveFields,
      compare: compareFields,
      predict: predictFields,
      rollout: rolloutFields,
      benchmark: benchmarkFields,
      diagnose: doctorFields,
      analyze: analyzeFields,
      selftest: selftestFields,
      exportRun: exportFields,
      quantize: quantizeFields,
      prune: pruneFields,
      report: reportFields,
      verify: verifyFields,
      audit: auditFields,
      ceiling: ceilingFields,
      arrow: arrowFields,
      synth: synthFields,
    }),
  ),
  'docs/errors.md': generated(
    'The errors',
    'A deliberate failure has a code, a sentence that says what was expected and what was received, and a fix. The command line prints `CODE: sentence` and `fix: …` on stderr and ends with the exit code; with `--json` the last line of stdout is the [error event](formats.md#event-error). In a script it is an `LvmError` with `code`, `message`, `hint` and `exit`. The fix below is the usual one; a sentence may come with a better one. `lvm-torch errors` prints this table.',
    table(Object.entries(ERRORS), {
      code: ([name]) => code(name),
      exit: ([, { exit }]) => exit,
      'what it means': ([, { about }]) => about,
      fix: ([, { hint }]) => hint,
    }),
    'Exit code 0 means success. An error with exit code 9 leaves a report in the folder for temporary files, and names it.',
  ),
  'SECURITY.md': between(
    readFileSync(join(root, 'SECURITY.md'), 'utf8'),
    'docs:limits',
    table(Object.entries(LIMITS), {
      limit: ([name]) => code(name),
      files: ([, { files }]) => files,
      most: ([, { most }]) => count(most),
      'of what': ([, { about }]) => about,
    }),
  ),
  'README.md': between(readFileSync(join(root, 'README.md'), 'utf8'), 'docs:models', matrix),
}

const read = (path) => {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}
const stale = Object.keys(documents).filter((path) => read(path) !== documents[path])
if (!process.argv.includes('--check')) {
  for (const path of stale) writeFileSync(join(root, path), documents[path])
  process.stdout.write(`docs: ${stale.length === 0 ? 'nothing has changed' : `wrote ${stale.join(', ')}`}\n`)
} else if (stale.length > 0) {
  process.stderr.write(`docs: ${stale.join(', ')} no longer say what the tables do\nfix: run: npm run docs\n`)
  process.exit(1)
}
