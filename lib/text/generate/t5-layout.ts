import type { Stored, StoredTensors } from '../../checkpoint/stored-tensors.js'
import { LvmError, shown } from '../../errors.js'

/** The tensors of a T5 in a weight file, under the names of transformers; every alias of the embedding is `shared.weight`. */
export interface T5Part {
  readonly path: string
  /** Beginning of the tensors' names in the file, for messages. */
  readonly prefix: string
  readonly tensors: StoredTensors
  /** Further names under which the file holds the embedding. */
  readonly aliases: ReadonlyMap<string, Stored>
  /** The config.json of a T5; another config has none of its keys. */
  readonly config: Readonly<Record<string, unknown>>
}
export interface T5Layout {
  readonly width: number
  readonly tokens: number
  /** Expected shapes by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>
}

const SHARED = 'shared.weight'
const HEAD = 'lm_head.weight'
/** Names of the embedding: safetensors keeps any one of those that share it. */
const ALIASES = [SHARED, 'encoder.embed_tokens.weight', 'decoder.embed_tokens.weight', HEAD]

/** Collects the tensors below a prefix; the names of a lone encoder get their `encoder.`. */
export function t5Part(
  file: { path: string; tensors: StoredTensors; config: Readonly<Record<string, unknown>> },
  prefix: string,
): T5Part {
  const inside = [...file.tensors].flatMap(([name, stored]): [string, Stored][] => {
    if (!name.startsWith(prefix)) return []
    return [[name.slice(prefix.length).replace(/^(block\.|final_layer_norm\.|embed_tokens\.)/, 'encoder.$1'), stored]]
  })
  const named = new Map(inside)
  const present = ALIASES.filter((name) => named.has(name))
  const aliases = new Map(present.slice(1).map((name) => [name, named.get(name)!]))
  const embedding = present.length === 0 ? [] : [[SHARED, named.get(present[0]!)!] as const]
  const others = inside.filter(([name]) => !ALIASES.includes(name))
  return { path: file.path, prefix, tensors: new Map([...embedding, ...others]), aliases, config: file.config }
}

/** The most frequent number; a single wrong shape is then the one that is named. */
function usual(numbers: readonly number[]): number | undefined {
  const counts = new Map<number, number>()
  for (const n of numbers) counts.set(n, (counts.get(n) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0]
}

function stackShapes(
  name: string,
  depth: number,
  isDecoder: boolean,
  gated: boolean,
  sizes: Record<'width' | 'inner' | 'hidden', number>,
) {
  const { width, inner, hidden } = sizes
  const attention = (at: string): [string, number[]][] => [
    ...['q', 'k', 'v'].map((part): [string, number[]] => [`${at}.${part}.weight`, [inner, width]]),
    [`${at}.o.weight`, [width, inner]],
  ]
  const layers = Array.from({ length: depth }, (_, i) => {
    const at = (layer: number) => `${name}.block.${i}.layer.${layer}`
    const last = at(isDecoder ? 2 : 1)
    return [
      ...attention(`${at(0)}.SelfAttention`),
      ...(isDecoder ? attention(`${at(1)}.EncDecAttention`) : []),
      ...(gated ? ['wi_0', 'wi_1'] : ['wi']).map((part): [string, number[]] => [
        `${last}.DenseReluDense.${part}.weight`,
        [hidden, width],
      ]),
      [`${last}.DenseReluDense.wo.weight`, [width, hidden]] as [string, number[]],
      ...Array.from({ length: isDecoder ? 3 : 2 }, (_, layer): [string, number[]] => [`${at(layer)}.layer_norm.weight`, [width]]),
    ]
  })
  return [...layers.flat(), [`${name}.final_layer_norm.weight`, [width]] as [string, number[]]]
}

/** Lists the tensors of a T5 whose sizes are those of the given tensors. */
function layoutOf({ tensors, aliases }: T5Part, wantsDecoder: boolean): T5Layout {
  const names = [...tensors.keys()]
  const sizes = (end: RegExp, axis: number) =>
    names.filter((name) => end.test(name)).map((name) => tensors.get(name)!.shape[axis] ?? 0)
  const depth = (stack: string) =>
    names.reduce(
      (most, name) => Math.max(most, Number(new RegExp(`^${stack}\\.block\\.(\\d{1,3})\\.`).exec(name)?.[1] ?? -1) + 1),
      0,
    )
  const width = usual(sizes(/layer_norm\.weight$/, 0)) ?? 1
  const inner = usual(sizes(/\.[qkv]\.weight$/, 0)) ?? 1
  const hidden = usual(sizes(/\.wi(_[01])?\.weight$/, 0)) ?? 1
  const gated = names.some((name) => /\.wi_[01]\.weight$/.test(name))
  const bias = (stack: string) => `${stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight`
  const heads = usual(sizes(/relative_attention_bias\.weight$/, 1)) ?? 1
  const tokens = tensors.get(SHARED)?.shape[0] ?? 1
  const stack = (name: string) => stackShapes(name, Math.max(1, depth(name)), name === 'decoder', gated, { width, inner, hidden })
  const stacks = wantsDecoder ? ['encoder', 'decoder'] : ['encoder']
  const shapes = new Map<string, readonly number[]>([
    [SHARED, [tokens, width]],
    ...stacks.flatMap((name): [string, readonly number[]][] => [
      [bias(name), [tensors.get(bias(name))?.shape[0] ?? 1, inner % heads === 0 ? heads : 1]],
      ...stack(name),
    ]),
  ])
  const head = aliases.get(HEAD)
  return { width, tokens, shapes: head === undefined ? shapes : new Map([...shapes, [HEAD, [tokens, width]]]) }
}

const listed = (things: readonly string[], what: string) =>
  things.length === 0 ? [] : [`${things.length} ${what} (${things.slice(0, 20).join(', ')}${things.length > 20 ? ', …' : ''})`]

/** Compares stored tensors with expected shapes. Errors: BAD_CHECKPOINT names every missing, unexpected and misshapen tensor. */
export function requireShapes(
  path: string,
  prefix: string,
  tensors: StoredTensors,
  shapes: ReadonlyMap<string, readonly number[]>,
): void {
  const text = (shape: readonly number[]) => `[${shape.join(', ')}]`
  const missing = [...shapes.keys()].filter((name) => !tensors.has(name))
  const unexpected = [...tensors.keys()].filter((name) => !shapes.has(name))
  const misshapen = [...shapes].flatMap(([name, shape]) => {
    const stored = tensors.get(name)
    if (stored === undefined || (stored.unread === undefined && text(stored.shape) === text(shape))) return []
    return [`${prefix}${name}: ${stored.unread ?? `${text(stored.shape)} instead of ${text(shape)}`}`]
  })
  const faults = [
    ...listed(
      missing.map((name) => prefix + name),
      'are missing',
    ),
    ...listed(
      unexpected.map((name) => prefix + name),
      'are unexpected',
    ),
    ...listed(misshapen, 'have another shape'),
  ]
  if (faults.length > 0)
    throw new LvmError('BAD_CHECKPOINT', `${path}: expected the tensors of a T5 but ${faults.join(', ')}`, {
      hint: 'download the weights again, and check that every file of the model is there',
    })
}

/** Activations by whether the feed-forward part has a gate. */
const ACTIVATIONS = { plain: ['relu'], gated: ['gated-gelu', 'gelu_new'] }

/** Checks that a file holds a whole T5. Errors: BAD_CHECKPOINT. */
export function checkedLayout(part: T5Part, wantsDecoder: boolean): T5Layout {
  const layout = layoutOf(part, wantsDecoder)
  const head = part.aliases.get(HEAD)
  const tensors = head === undefined ? part.tensors : new Map([...part.tensors, [HEAD, head]])
  requireShapes(part.path, part.prefix, tensors, layout.shapes)
  const gated = [...tensors.keys()].some((name) => name.endsWith('wi_0.weight'))
  for (const key of ['feed_forward_proj', 'dense_act_fn']) {
    const said = part.config[key]
    if (said === undefined || said === null || ACTIVATIONS[gated ? 'gated' : 'plain'].some((known) => known === said)) continue
    throw new LvmError(
      'BAD_CHECKPOINT',
      `${part.path}: expected ${ACTIVATIONS[gated ? 'gated' : 'plain'].join(' or ')} for "${key}" in config.json but received ${shown(said)}`,
      { hint: 'only T5 models with ReLU, or with a gate and GELU, can be used' },
    )
  }
  return layout
}
