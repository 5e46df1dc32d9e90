// Writes the generated documentation: `node scripts/docs.mjs`; with --check it only lists stale files.

import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CHECKS } from '../dist/lib/audit/audit-findings.js'
import { LIMITS as AUDIT_LIMITS } from '../dist/lib/audit/audit-limits.js'
import { LIMITS } from '../dist/lib/files/limits.js'
import { architectures, ERRORS, listModels, showModel } from '../dist/lib/index.js'
import { wrapperFields } from '../dist/lib/spec/architecture.js'
import { printFolded } from '../dist/lib/spec/print.js'
import { FORMS, METHODS } from '../dist/lib/torch/operators/operator-forms.js'
import { apiPage, specParts } from './api-page.mjs'
import { code, count, options, percent, settings, table } from './markdown.mjs'
import { OPERATORS } from './operators/names.mjs'
import { optionsPage } from './options-page.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const generated = (title, ...parts) =>
  `<!-- Made by scripts/docs.mjs from the tables in lib/; change those and run: npm run docs -->\n# ${title}\n\n${parts.join('\n\n')}\n`

const link = (source) => {
  const [, kind, id] = /^(arXiv|doi):(.*)$/.exec(source) ?? []
  const url = { arXiv: `https://arxiv.org/abs/${id}`, doi: `https://doi.org/${id}` }[kind]
  return url ? `[${source}](${url})` : source
}
function model(row) {
  const { title, about, causal, complexity, fields, presets, training = {} } = architectures.find(({ name }) => name === row.name)
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

/** A heading and a list of names for each topic of operators. */
function operatorTopics() {
  const camel = (name) => name.replaceAll(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter) => letter.toUpperCase())
  return Object.entries(OPERATORS).flatMap(([topic, names]) => {
    const offered = names
      .split(/\s+/)
      .flatMap((name) => [camel(name), `${camel(name)}_`])
      .filter((name) => name in FORMS)
    return [`## ${topic}`, offered.map((name) => (METHODS.includes(name) ? code(name) : code(`torch.${name}`))).join(' · ')]
  })
}

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
    `${code('lvm-torch data audit FILE')} makes these checks; ${code('train')} makes them before it starts, once for each combination of files, context and split. A check returns PASS, WARN or FAIL; the worst of them is the verdict. FAIL means that every figure on this data would be wrong; chance does not cause it, because an effect must exceed five standard errors over articles. The command then ends with exit code 8, and a training with ${code('GATE_FAILED')} unless it has ${code('--force')}, which the run records.`,
    table(Object.entries(CHECKS), {
      code: ([name]) => code(name),
      'what it finds': ([, { about }]) => about,
      cure: ([, { fix }]) => fix,
    }),
    '## Limits of the checks',
    'PASS means that a check found nothing; it does not prove that the data is sound.',
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
  'docs/options.md': generated('The options', ...optionsPage()),
  'docs/api.md': generated(
    'Functions for JavaScript',
    'Everything that the package exports, for `import` and `require`. Failures are an [`LvmError`](#lvmerror) with a code; functions that return a promise reject with it. An option that is left out has the default in [options.md](options.md); `train` also takes the options of the model, which [architectures.md](architectures.md) lists, and `sweep` those of `train`. Keys of results are listed in [formats.md](formats.md).',
    ...apiPage(),
    `## Architectures of one's own\n\nFrom ${code('lvm-torch/spec')}, for [architectures of one's own](own-architectures.md):`,
    ...specParts(),
  ),
  'docs/operators.md': generated(
    'The operators',
    `The functions of ${code('torch')}, and where the first argument is a tensor also the methods of ${code('Tensor')}; [tensors.md](tensors.md) says how they take arguments. Names are PyTorch's in camel case, so its documentation describes them. Those that end with ${code('_')} change the tensor in place; those with ${code('torch.')} are functions only.`,
    ...operatorTopics(),
  ),
  'docs/errors.md': generated(
    'The errors',
    'Every deliberate failure has a code, a sentence with the expected and the received value, and a fix. The command line prints `CODE: sentence` and `fix: …` on stderr and ends with the exit code; with `--json` the last line of stdout is the [error event](formats.md#event-error). In a script it is an `LvmError` with `code`, `message`, `hint` and `exit`. The table gives the usual fix; a failure may print a more specific one. `lvm-torch errors` prints this table.',
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
  process.stdout.write(`docs: ${stale.length === 0 ? 'everything is current' : `wrote ${stale.join(', ')}`}\n`)
} else if (stale.length > 0) {
  process.stderr.write(`docs: ${stale.join(', ')} differ from their tables\nfix: run: npm run docs\n`)
  process.exit(1)
}
