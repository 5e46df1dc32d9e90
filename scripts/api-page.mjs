// Makes docs/api.md from the declarations of the package, so that the page agrees with an editor.
import { OPS } from '../dist/lib/spec/ops.js'
import {
  about,
  block,
  checker,
  code,
  Expand,
  exported,
  inline,
  isClass,
  isOurs,
  isPublic,
  isValue,
  members,
  ownParts,
  promisedBy,
  signature,
  table,
  written,
} from './api-types.mjs'

/** Every exported value by topic, in the order of the page. A type follows the first value that names it. */
const TOPICS = {
  Training: ['train', 'plan', 'sweep', 'experiment', 'experimentStatus', 'listModels', 'showModel', 'architectures'],
  Runs: ['load', 'Model', 'listRuns', 'showRun', 'diffRuns', 'removeRun', 'pruneRun', 'importCheckpoint', 'exportRun', 'quantize', 'prune'], // biome-ignore format: a line
  Scores: [
    'evaluate',
    'retrieve',
    'compare',
    'abtest',
    'predict',
    'decode',
    'next',
    'nearest',
    'rollout',
    'benchmark',
    'compareBenchmarks',
  ],
  Serving: ['serve', 'loadtest', 'bundle', 'verifyBundle'],
  Faults: ['diagnose', 'renderDiagnosis', 'analyze', 'renderAnalysis', 'selftest', 'FAULTS'],
  Reports: ['report', 'markdown', 'experimentReport', 'experimentMarkdown', 'verify', 'verifiedText'],
  Data: [
    'makeData',
    'openBase',
    'writeBase',
    'shardBase',
    'pushBank',
    'bankInfo',
    'verifyBank',
    'audit',
    'auditPage',
    'ceiling',
    'ceilingPage',
    'arrow',
    'arrowPage',
    'synth',
  ],
  Texts: ['Encoder', 'Decoder', 'encode', 'fetchEncoder', 'verifyEncoder', 'checkSpace'],
  Tensors: ['torch', 'Tensor', 'Generator', 'call', 'operators', 'devices', 'TorchScriptModule'],
  'Loops of one’s own':
    'openWindows WindowSet WindowPart createModel FreshModel Optimizer OptimizerGroup AdamW SGD warmupCosine plateau saveModel'.split(
      ' ',
    ),
  Errors: ['LvmError', 'ERRORS'],
}
/** Headings of formats.md with the keys of the document that a function returns or takes. */
const RESULTS = {
  train: ['Events'],
  plan: ['plan --json'],
  sweep: ['Events', 'sweep.json'],
  listModels: ['models --json'],
  showModel: ['models show --json'],
  listRuns: ['runs list --json'],
  showRun: ['runs show --json'],
  diffRuns: ['runs diff --json'],
  importCheckpoint: ['import --json'],
  exportRun: ['export --json'],
  quantize: ['quantize --json'],
  prune: ['prune --json'],
  bundle: ['bundle --json'],
  verifyBundle: ['bundle verify --json'],
  evaluate: ['validation_results.json'],
  retrieve: ['retrieval_results.json'],
  compare: ['comparison.json'],
  abtest: ['abtest_results.json', 'abtest_live.json'],
  predict: ['predict --json'],
  decode: ['decode --json'],
  next: ['next --json'],
  rollout: ['rollout --json'],
  benchmark: ['inference_benchmarks.json'],
  loadtest: ['loadtest.json'],
  compareBenchmarks: ['benchmark compare --json'],
  diagnose: ['diagnostics.json'],
  renderDiagnosis: ['diagnostics.json'],
  analyze: ['error_analysis.json'],
  renderAnalysis: ['error_analysis.json'],
  selftest: ['selftest --json'],
  report: ['report.json'],
  markdown: ['report.json'],
  verify: ['verify --json'],
  verifiedText: ['verify --json'],
  audit: ['audit.json'],
  auditPage: ['audit.json'],
  ceiling: ['ceiling.json'],
  ceilingPage: ['ceiling.json'],
  arrow: ['arrow.json'],
  arrowPage: ['arrow.json'],
  synth: ['synth --json'],
}

function typeEntry(name, symbol = exported.get(name)) {
  if (name === 'ErrorCode') return [`#### ${code(name)}`, about(symbol), 'The codes: [errors.md](errors.md).']
  if (name === 'ModelName') return [`#### ${code(name)}`, about(symbol), 'The names: [architectures.md](architectures.md).']
  const type = checker.getDeclaredTypeOfSymbol(symbol)
  if (name === 'OwnTrainOptions')
    return [
      `#### ${code(name)}`,
      about(symbol),
      table(
        ['key', 'meaning'],
        members(type, symbol).filter(([key]) => key.startsWith('`model')),
      ),
    ]
  const hasKeys = name.endsWith('Options') || (!type.isUnion() && checker.getPropertiesOfType(type).some(isPublic))
  const shape = hasKeys ? table(['key', 'meaning'], members(type, symbol)) : block(`type ${name} = ${written(type, Expand)}`)
  return [`#### ${code(name)}`, about(symbol), shape]
}

const slug = (title) =>
  title
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-')
const keysIn = (headings) => `Keys: ${headings.map((title) => `[${title}](formats.md#${slug(title)})`).join(', ')}.`

function valueEntry(name) {
  const symbol = exported.get(name)
  const type = checker.getTypeOfSymbol(symbol)
  if (isClass(symbol)) {
    const own = members(checker.getDeclaredTypeOfSymbol(symbol), symbol)
    const statics = members(type, symbol).map(([key, text]) => [key.replaceAll(/`(?=\w)/g, `\`${name}.`), text])
    return [`### ${code(name)}`, about(symbol), table(['member', 'meaning'], [...statics, ...own])]
  }
  const calls = type.getCallSignatures().map((call) => signature(name, call))
  const text = calls.length > 0 ? calls.join('\n') : `${name}: ${written(type)}`
  return [
    `### ${code(name)}`,
    ...(text.length < 1000 ? [block(text)] : []),
    about(symbol),
    ...(RESULTS[name] ? [keysIn(RESULTS[name])] : type.getCallSignatures().flatMap(unexported)),
  ]
}

/** Entry of a type that a function returns and the package does not export. */
function unexported(call) {
  const { symbol } = promisedBy(call) ?? call.getReturnType()
  const isNamed = isOurs(symbol) && !exported.has(symbol.name) && !symbol.name.startsWith('__')
  return isNamed && inline(promisedBy(call) ?? call.getReturnType()) === symbol.name ? typeEntry(symbol.name, symbol) : []
}

const KINDS = { int: 'number', count: 'number', real: 'number', bool: 'boolean', text: 'string' }
/** Writes the types of specs by their names, and the parameters of an op in full. */
const short = (text) =>
  text
    .replaceAll(/\{ op: …; of: Node\[\]; name\?: string; tied\?: true; params: [^}]* \}/g, 'Node')
    .replaceAll(/Options<\{ head: Field.*?inputScale: Field<[^>]*> \}>/g, 'CommonOptions')
    .replaceAll(
      /(?<!<)Params<'(\w+)'>/g,
      (_, op) =>
        `{ ${Object.entries(OPS[op])
          .map(([key, kind]) => `${key}: ${KINDS[kind]}`)
          .join('; ')} }`,
    )

/** Returns the exports of `lvm-torch/spec`: its functions as a table, then the types that they name. */
export function specParts() {
  const rows = [...ownParts].filter(([name, symbol]) => isValue(symbol) && !exported.has(name))
  const shown = (name, symbol) => {
    const calls = checker.getTypeOfSymbol(symbol).getCallSignatures()
    const signatures = calls.map((call) => code(short(signature(name, call))))
    return name === 'architecture' ? code('architecture(own: OwnArchitecture): Architecture') : signatures.join('<br>')
  }
  const entries = rows.map(([name, symbol]) => [shown(name, symbol), about(symbol)])
  const type = (name) => [
    `#### ${code(name)}`,
    about(ownParts.get(name)),
    table(
      ['key', 'meaning'],
      members(checker.getDeclaredTypeOfSymbol(ownParts.get(name)), ownParts.get(name)).map((row) => row.map(short)),
    ),
  ]
  return [
    table(
      ['function', 'meaning'],
      entries.sort(([a], [b]) => a.localeCompare(b, 'en')),
    ),
    ...['OwnArchitecture', 'CommonOptions', 'Shape', 'Node'].flatMap(type),
  ]
}

/** Returns all exports of the package as parts of a page. */
export function apiPage() {
  const placed = Object.values(TOPICS).flat()
  const wrong = [...exported].filter(([name, symbol]) => isValue(symbol) !== placed.includes(name)).map(([name]) => name)
  if (wrong.length > 0) throw new Error(`api-page.mjs: put every exported value under one of its TOPICS, and no type: ${wrong}`)
  const left = new Set([...exported.keys()].filter((name) => !placed.includes(name)))
  /** Entries of the types that a text names, directly or through other types, without the documents of formats.md. */
  const typesIn = (texts, value) =>
    [...left].flatMap((name) => {
      const isNamed = texts.some((text) => new RegExp(`\\b${name}\\b`).test(text)) || name.toLowerCase() === `${value}options`
      if (!left.has(name) || !isNamed) return []
      left.delete(name)
      const isOptions = name.endsWith('Options')
      if (value in RESULTS && !isOptions) return []
      const parts = typeEntry(name)
      return [...parts, ...typesIn(parts, undefined)]
    })
  const sections = Object.entries(TOPICS).flatMap(([topic, names]) => [
    `## ${topic}`,
    ...names.flatMap((name) => {
      const parts = valueEntry(name)
      return [...parts, ...typesIn(parts, name)]
    }),
  ])
  return [...sections, ...[...left].flatMap((name) => typeEntry(name))].filter(Boolean)
}
