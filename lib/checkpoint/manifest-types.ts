import { shown } from '../errors.js'

type Check = (value: unknown) => boolean
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isNumber: Check = (value) => typeof value === 'number'
const isText: Check = (value) => typeof value === 'string'
const isStretch = (value: unknown) =>
  isRecord(value) && isText(value.kind) && ['since', 'from', 'to'].every((key) => isNumber(value[key]))
const KINDS: Readonly<Record<string, Check>> = {
  text: isText,
  flag: (value) => typeof value === 'boolean',
  number: isNumber,
  count: (value) => Number.isSafeInteger(value) && (value as number) > 0,
  history: (value) => value === 'article' || (Number.isSafeInteger(value) && (value as number) > 0),
  record: isRecord,
  list: Array.isArray,
  texts: (value) => Array.isArray(value) && value.every(isText),
  records: (value) => Array.isArray(value) && value.every(isRecord),
  plan: (value) => Array.isArray(value) && value[0]?.since === 0 && value.every(isStretch),
  extension: (value) => Array.isArray(value) && value.every(isStretch),
  'records of text': (value) => isRecord(value) && Object.values(value).every(isText),
}

/** Types of manifest entries by path; a question mark allows null. A valid digest does not imply valid types. */
const MANIFEST: Readonly<Record<string, string>> = {
  saved_at: 'text',
  model: 'text',
  folder: 'text',
  architecture: 'record',
  'architecture.title': 'text',
  'architecture.about': 'text',
  'architecture.complexity': 'text',
  'architecture.causal': 'flag',
  'architecture.inputScale': 'text',
  spec: 'record',
  spec_hash: 'text',
  dim: 'count',
  context: 'count',
  history: 'history',
  min_history: 'count',
  output: 'text',
  parameters: 'number',
  weights_bytes: 'number',
  options: 'record',
  'options.train': 'record',
  'options.model': 'record',
  data: 'record?',
  'data.path': 'text',
  'data.hash': 'text',
  'data.content_hash': 'text?',
  'data.space': 'text?',
  'data.encoder': 'record?',
  'data.encoder.name': 'text',
  'data.encoder.hash': 'text',
  'data.val': 'record?',
  'data.val.path': 'text',
  'data.val.hash': 'text',
  split: 'record?',
  'split.mode': 'text',
  'split.fold': 'record',
  'split.fold.index': 'count',
  'split.fold.of': 'count',
  audit: 'record?',
  'audit.verdict': 'text',
  'audit.codes': 'texts',
  init: 'record?',
  'init.path': 'text',
  seed: 'number',
  threads: 'count',
  multiplier: 'text',
  device: 'text',
  precision: 'text',
  versions: 'record',
  command_line: 'texts',
  progress: 'record?',
  'progress.sums': 'record',
  'progress.schedule': 'record',
  'progress.best': 'record?',
  'progress.plan': 'plan',
  'progress.cut': 'record',
  'progress.cut.sums': 'record',
  'progress.cut.schedule': 'record',
  'progress.cut.best': 'record?',
  weights_kept: 'text',
  ema_rule: 'text?',
  train_seconds: 'number?',
  quantized: 'record?',
  'quantized.scheme': 'text',
  'quantized.parent': 'record',
  'quantized.parent.run': 'text',
  'quantized.layers': 'records',
  'quantized.kernels': 'record',
  'quantized.kernels.by_shape': 'records of text',
  pruned: 'record?',
  'pruned.parent': 'record',
  'pruned.parent.run': 'text',
  'pruned.removed': 'records',
  imported_from: 'text',
  space: 'text?',
}
/** Types of the golden rows, which only runs with a model have. */
const GOLDEN: Readonly<Record<string, string>> = {
  golden: 'record',
  'golden.context': 'count',
  'golden.rows': 'count',
  'golden.inputs': 'text',
  'golden.outputs': 'records of text',
  'golden.engines': 'record',
}
/** Entries required in every run with a model. */
const NEEDED = [
  'model',
  'folder',
  'spec_hash',
  'dim',
  'context',
  'parameters',
  'options',
  'options.train',
  'options.model',
  'golden',
]
const HISTORY: Readonly<Record<string, string>> = {
  history: 'records',
  best_epoch: 'number?',
  extended: 'extension',
  parameters: 'number',
  model: 'text',
}

const at = (document: unknown, path: string): unknown =>
  path.split('.').reduce((value, key) => (isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined), document)

/** The expected type and the received value of one key of a document. */
export type Fault = readonly [expected: string, received: string]

function typeFault(document: object, types: Readonly<Record<string, string>>): Fault | undefined {
  for (const [path, type] of Object.entries(types)) {
    const value = at(document, path)
    if (value === undefined || (value === null && type.endsWith('?'))) continue
    const kind = type.replace('?', '')
    if (!KINDS[kind]!(value)) return [`a ${kind} as ${path}`, shown(value)]
  }
  return undefined
}

/** First entry of a manifest that is missing or has a wrong type; undefined for a valid manifest. */
export function manifestFault(manifest: object): Fault | undefined {
  const fault = typeFault(manifest, MANIFEST)
  if (fault !== undefined || at(manifest, 'spec') === undefined) return fault
  const golden = typeFault(manifest, GOLDEN)
  if (golden !== undefined) return golden
  const missing = NEEDED.find((path) => at(manifest, path) === undefined)
  return missing === undefined ? undefined : [`a manifest of a model with ${missing}`, 'none']
}

const isPlain = (value: unknown) => value === null || ['number', 'string', 'boolean'].includes(typeof value)
/** First entry of a history with a wrong type; undefined for a valid history. */
export function historyFault(document: object): Fault | undefined {
  const rows = (at(document, 'history') ?? []) as Record<string, unknown>[]
  const fault = typeFault(document, HISTORY)
  if (fault !== undefined) return fault
  const wrong = rows.find((row) => !isNumber(row.epoch) || !Object.values(row).every(isPlain))
  return wrong === undefined ? undefined : ['numbers in every row of the history', shown(wrong)]
}
