// Makes docs/api.md from the declarations of the package with TypeScript's checker, so that the page agrees with an editor.
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const entry = fileURLToPath(new URL('../dist/lib/index.d.ts', import.meta.url))

/** Every exported value by topic, in the order of the page. A type follows the first value that names it. */
const TOPICS = {
  Training: ['train', 'sweep', 'experiment', 'experimentStatus', 'listModels', 'showModel', 'architectures'],
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
  Data: ['makeData', 'openBase', 'writeBase', 'audit', 'auditPage', 'ceiling', 'ceilingPage', 'arrow', 'arrowPage', 'synth'],
  Texts: ['Encoder', 'Decoder', 'encode', 'fetchEncoder', 'verifyEncoder', 'checkSpace'],
  Tensors: ['torch', 'Tensor', 'Generator', 'call', 'operators', 'devices', 'TorchScriptModule'],
  'Loops of one’s own':
    'openWindows WindowSet WindowPart createModel FreshModel Optimizer AdamW SGD warmupCosine plateau saveModel'.split(' '),
  Errors: ['LvmError', 'ERRORS'],
}
/** Headings of formats.md with the keys of the document that a function returns or takes. */
const RESULTS = {
  train: ['Events'],
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

const program = ts.createProgram([entry], {
  strict: true,
  exactOptionalPropertyTypes: true,
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  typeRoots: [fileURLToPath(new URL('../node_modules/@types', import.meta.url))],
  types: ['node'],
  skipLibCheck: true,
})
const checker = program.getTypeChecker()
const { NoTruncation: Full, InTypeAlias: Expand } = ts.TypeFormatFlags
const exported = new Map(
  checker
    .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)))
    .map((symbol) => [symbol.name, symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol]),
)
const isValue = (symbol) => (symbol.flags & ts.SymbolFlags.Value) !== 0
const isClass = (symbol) => (symbol.flags & ts.SymbolFlags.Class) !== 0
const isOptional = (symbol) => (symbol.flags & ts.SymbolFlags.Optional) !== 0
const isOurs = (symbol) => symbol?.declarations?.[0].getSourceFile().fileName.includes('/dist/lib/') === true
const isPublic = (symbol) =>
  isOurs(symbol) &&
  !/^(__|#)/.test(symbol.name) &&
  !symbol.declarations[0].getSourceFile().fileName.endsWith('/operator-types.d.ts') && // operators.md lists them
  !(ts.getCombinedModifierFlags(symbol.declarations[0]) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected))

const sorted = (union) => union.split(' | ').sort().join()
/** Names of long unions by their sorted members. */
const unions = new Map(
  ['ErrorCode', 'ModelName'].map((name) => {
    const type = checker.getDeclaredTypeOfSymbol(exported.get(name))
    return [sorted(checker.typeToString(type, undefined, Full | Expand).replaceAll('"', "'")), name]
  }),
)
/** Writes a type as source code. */
const written = (type, flags = 0) =>
  checker
    .typeToString(type, undefined, Full | flags)
    .replaceAll('<ArrayBufferLike>', '')
    .replaceAll(', void, void>', '>')
    .replaceAll('readonly ', '')
    .replaceAll('; }', ' }')
    .replaceAll(/(\?: [^;,)]*) \| undefined/g, '$1')
    .replaceAll('"', "'")
    .replaceAll(/('\w+' \| ){12,}'\w+'/g, (union) => unions.get(sorted(union)) ?? '…')
const typeOf = (key) => {
  const text = written(checker.getTypeOfSymbol(key))
  return isOptional(key) ? text.replace(/ \| undefined$/, '').replace(/^\((.*=>.*)\)$/, '$1') : text
}
const label = (key) => `${key.name}${isOptional(key) ? '?' : ''}`

/** Writes a type; short types that are not exported are expanded. */
function inline(type) {
  const symbol = type.aliasSymbol ?? type.symbol
  const isHidden = isOurs(symbol) && !exported.has(symbol.name) && !(type.aliasTypeArguments ?? type.typeArguments)?.length
  if (!isHidden || type.isUnion() || symbol.name === '__type') return written(type)
  if (type.aliasSymbol) return written(type, Expand)
  const keys = checker.getPropertiesOfType(type)
  return keys.length > 6 ? symbol.name : `{ ${keys.map((key) => `${label(key)}: ${typeOf(key)}`).join('; ')} }`
}

function signature(name, call) {
  const parameters = call.parameters.map((parameter) => {
    const declaration = parameter.valueDeclaration
    const optional = checker.isOptionalParameter(declaration)
    const type = checker.getTypeOfSymbol(parameter)
    const title = parameter.name.startsWith('__') ? 'options' : parameter.name
    return `${declaration.dotDotDotToken ? '...' : ''}${title}${optional ? '?' : ''}: ${inline(optional ? checker.getNonNullableType(type) : type)}`
  })
  const promised = promisedBy(call)
  return `${name}(${parameters.join(', ')}): ${promised ? `Promise<${inline(promised)}>` : inline(call.getReturnType())}`
}
const promisedBy = (call) => {
  const type = call.getReturnType()
  return type.symbol?.name === 'Promise' ? checker.getTypeArguments(type)[0] : undefined
}

const code = (text) => `\`${text}\``
const block = (text) => `\`\`\`ts\n${text}\n\`\`\``
/** Docstring of a declaration; `Errors:` and similar parts begin a line of their own. */
const about = (symbol) =>
  ts
    .displayPartsToString(symbol.getDocumentationComment(checker))
    .trim()
    .replaceAll(/\s*\n?(?<!^)\b((?:Shapes|Units|Errors|Source): )/g, '\n\n$1')
const cell = (text) => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')
const table = (titles, rows) =>
  [titles, titles.map(() => '---'), ...rows.map((row) => row.map(cell))].map((row) => `| ${row.join(' | ')} |`).join('\n')

/** Members of a class or type; of a union, the members that all its types share. */
function members(type) {
  const isShared = (key) => new Set(key.declarations).size === 1
  const known = checker.getPropertiesOfType(type).filter((key) => isPublic(key) && (!type.isUnion() || isShared(key)))
  const calls = (key) => checker.getTypeOfSymbol(key).getCallSignatures()
  const shown = (key) =>
    calls(key).length > 0 && key.flags & ts.SymbolFlags.Method
      ? calls(key).map((call) => code(signature(key.name, call)))
      : [code(`${label(key)}: ${typeOf(key)}`)]
  return known.map((key) => [shown(key).join('<br>'), about(key)]).filter(([text]) => !/\bNative|__@/.test(text)) // handles of the addon
}

function typeEntry(name, symbol = exported.get(name)) {
  if (name === 'ErrorCode') return [`#### ${code(name)}`, about(symbol), 'The codes: [errors.md](errors.md).']
  if (name === 'ModelName') return [`#### ${code(name)}`, about(symbol), 'The names: [architectures.md](architectures.md).']
  const type = checker.getDeclaredTypeOfSymbol(symbol)
  const hasKeys = name.endsWith('Options') || (!type.isUnion() && checker.getPropertiesOfType(type).some(isPublic))
  const shape = hasKeys ? table(['key', 'meaning'], members(type)) : block(`type ${name} = ${written(type, Expand)}`)
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
    const own = members(checker.getDeclaredTypeOfSymbol(symbol))
    const statics = members(type).map(([key, text]) => [key.replaceAll(/`(?=\w)/g, `\`${name}.`), text])
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
