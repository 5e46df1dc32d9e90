import type { StoredTensors } from '../checkpoint/stored-tensors.js'
import { LvmError } from '../errors.js'

/** Replacements that turn names of the specification's Python classes into ours. */
const RENAMED: readonly (readonly [RegExp, string])[] = [
  [/^input_proj\./, 'in_proj.'],
  [/^output_proj\./, 'head.'],
  [/^(lstm|blocks|transformer_decoder)\./, 'core.$1.'],
]
/** Tables that are computed, not learned. */
const COMPUTED = /(^|\.)(pos_encoder|pos_encoding|positional_encoding|pe)(\.pe)?$/

/** Names in the specification's Python classes; the layout of the weights is the same as ours. */
export const CLASSES = { renamed: RENAMED, dropped: COMPUTED }

/** The `args` dict of a checkpoint, and its model options if we wrote it (there `args` is config.json). */
export function argsOf(rest: ReadonlyMap<unknown, unknown>): { args: Record<string, unknown>; own: Record<string, unknown> } {
  const dict = (value: unknown) => (value instanceof Map ? Object.fromEntries(value) : {})
  const args = dict(rest.get('args') ?? rest.get('hyper_parameters')) // hyper_parameters: Lightning
  const camel = (key: string) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const own = Object.entries(dict(args.model_options)).filter(([, value]) => value !== null)
  return { args, own: Object.fromEntries(own.map(([key, value]) => [camel(key), value])) }
}

const keysOf = (tensors: StoredTensors) => {
  const names = [...tensors.keys()]
  return `the names ${names.slice(0, 20).join(', ') || '–'}${names.length > 20 ? ` and ${names.length - 20} more` : ''}`
}

/** Sizes of the last matrix of the head. Errors: BAD_CHECKPOINT without a head. */
export function headOf(model: string, tensors: StoredTensors): { dim: number; width: number } {
  const shape = (tensors.get('head.3.weight') ?? tensors.get('head.weight'))?.shape
  if (shape?.length === 2) return { dim: shape[0]!, width: shape[1]! }
  throw new LvmError(
    'BAD_CHECKPOINT',
    `import: expected a head (head.weight or head.3.weight of shape [dim, width]) of ${model} but received ${shape === undefined ? keysOf(tensors) : `[${shape.join(', ')}]`}`,
    { hint: 'check --model; see the names with: lvm-torch models show NAME' },
  )
}

/** Options that give an architecture these tensor names and shapes. */
export function optionsOf(tensors: StoredTensors, args: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = [...tensors.keys()]
  const counted = names.flatMap((name) => [...name.matchAll(/(?:blocks|layers|h)\.(\d+)\.|_l(\d+)$/g)])
  const layers = counted.reduce((most, m) => Math.max(most, 1 + Number(m[1] ?? m[2])), 0)
  const heads = args.nhead ?? args.n_heads ?? args.heads
  return {
    width: (tensors.get('head.3.weight') ?? tensors.get('head.weight'))?.shape[1],
    layers: layers || undefined,
    head: tensors.has('head.3.weight') ? 'mlp' : 'linear',
    norm: names.some((name) => name.includes('.gru.')) ? 'post' : 'pre',
    ffn: tensors.get('core.transformer_decoder.layers.0.linear1.weight')?.shape[0],
    heads: typeof heads === 'number' ? heads : undefined,
  }
}
