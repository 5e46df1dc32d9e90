import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findArchitecture } from '../../lib/architectures/index.js'
import { pieceOf, writeSafetensors } from '../../lib/files/write-safetensors.js'
import { load, Tensor } from '../../lib/index.js'
import { native } from '../../lib/native.js'
import { place } from '../train/runs.js'

export type State = Map<string, Tensor>
export const DIM = 16

/** Core weights of an untrained model; an import itself uses seed 0. */
async function drawn(model: string, options: Record<string, unknown>, seed = 7): Promise<State> {
  const { node } = findArchitecture(model).spec({ dim: DIM, context: 5 }, options)
  const made = await native.model(node, 'float32', 'cpu', seed)
  return new Map(native.modelState(made).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
}
export const filled = (value: number, ...shape: number[]) =>
  Tensor.from(
    new Float32Array(shape.reduce((a, b) => a * b, 1)).map((_, i) => value * (i % 2 === 0 ? 1 : -1)),
    shape,
  )

export interface Form {
  model: string
  options: Record<string, unknown>
  /** Replacements that turn our core names into the published ones. */
  names: (name: string) => string
  /** Published tensors that a model of vectors lacks. */
  beside: () => Record<string, Tensor>
  config?: Record<string, unknown>
  /** Expected warnings about undetermined options. */
  guessed?: string[]
}
export const gpt2: Form = {
  model: 'distilgpt2',
  options: { width: 12, layers: 3, heads: 3, ffn: 20, positions: 9 },
  names: (name) => name.replace('core.gpt.', 'transformer.'),
  beside: () => ({
    'transformer.wte.weight': filled(0.14, 11, 12),
    'lm_head.weight': filled(0.14, 11, 12),
    'transformer.h.0.attn.bias': filled(1, 1, 1, 9, 9),
    'transformer.h.1.attn.masked_bias': filled(-1e4),
  }),
  config: { model_type: 'gpt2', n_head: 3, n_layer: 3, activation_function: 'gelu_new', layer_norm_epsilon: 1e-5 },
}
export const mamba2: Form = {
  model: 'mamba2',
  options: { width: 12, layers: 3, state: 6, headDim: 4, expand: 2, kernel: 3 },
  names: (name) => name.replace('core.', 'backbone.'),
  beside: () => ({ 'backbone.embedding.weight': filled(0.5, 11, 12), 'lm_head.weight': filled(0.5, 11, 12) }),
  config: { d_model: 12, n_layer: 3, ssm_cfg: { layer: 'Mamba2' }, rms_norm: true, attn_layer_idx: [] },
}
export const hybrid: Form = {
  ...mamba2,
  model: 'hybrid',
  options: {
    width: 12,
    layers: 4,
    attnLayers: '1,3',
    heads: 2,
    attnHeadDim: 8,
    rotary: 4,
    state: 6,
    headDim: 4,
    expand: 2,
    kernel: 3,
  },
  config: { d_model: 12, n_layer: 4, attn_layer_idx: [1, 3], attn_cfg: { head_dim: 8, num_heads: 2, rotary_emb_dim: 4 } },
}
export const rwkv: Form = {
  model: 'rwkv',
  options: { width: 12, layers: 3, ffn: 20 },
  names: (name) => name.replace('core.', ''),
  beside: () => ({ 'emb.weight': filled(0.5, DIM, 12), 'head.weight': filled(0.5, DIM, 12) }),
}
const s4: Form = {
  model: 's4',
  options: { width: 12, layers: 2, pattern: 'sf', kernel: 'dplr', state: 6, copies: 3, ffn: 20 },
  names: (name) => name.replace('core.', 'model.').replace(/norm\.(weight|bias)$/, 'norm.norm.$1'),
  beside: () => ({ 'encoder.0.weight': filled(0.5, 11, 12), 'decoder.output_transform.weight': filled(0.5, 11, 12) }),
}
const hyena: Form = {
  model: 'hyena',
  options: { width: 12, layers: 3, order: 3, ffn: 20, positions: 9, filterWidth: 8, bands: 2 },
  names: (name) => name.replace('core.', 'backbone.'),
  beside: () => ({
    'backbone.embeddings.word_embeddings.weight': filled(0.5, 11, 12),
    'lm_head.weight': filled(0.5, 11, 12),
    'backbone.layers.0.mixer.filter_fn.implicit_filter.3.freq': filled(14, 1, 8),
    'backbone.layers.0.mixer.filter_fn.implicit_filter.5.freq': filled(14, 1, 8),
  }),
  guessed: ['the file does not say modulate: using false'],
}
const LONG = { k: 'key', v: 'value', r: 'receptance' }
export const forms: [string, Form][] = [
  ['GPT-2 of Hugging Face', gpt2],
  [
    'its body alone',
    { ...gpt2, names: (name) => name.replace('core.gpt.', ''), beside: () => ({ 'wte.weight': filled(0.14, 11, 12) }) },
  ],
  ['Mamba-2 of state-spaces', mamba2],
  [
    'Mamba-2 of Hugging Face',
    {
      ...mamba2,
      beside: () => ({ 'backbone.embeddings.weight': filled(0.5, 11, 12), 'lm_head.weight': filled(0.5, 11, 12) }),
      config: { model_type: 'mamba2', layer_norm_epsilon: 1e-5, hidden_act: 'silu' },
    },
  ],
  [
    'its body alone',
    { ...mamba2, names: (name) => name.replace('core.', ''), beside: () => ({ 'embeddings.weight': filled(0.5, 11, 12) }) },
  ],
  ['Mamba-2 with attention', hybrid],
  ['S4 of state-spaces', s4],
  ['Hyena of safari', hyena],
  ['RWKV-4 of BlinkDL', rwkv],
  [
    'RWKV-4 of Hugging Face',
    {
      ...rwkv,
      names: (name) =>
        name
          .replace('core.', 'rwkv.')
          .replace('.att.', '.attention.')
          .replace('.ffn.', '.feed_forward.')
          .replace('.ln0.', '.pre_ln.')
          .replace(/time_mix_(.)$/, (_, letter: 'k' | 'v' | 'r') => `time_mix_${LONG[letter]}`),
      beside: () => ({ 'rwkv.embeddings.weight': filled(0.5, 11, 12), 'head.weight': filled(0.5, 11, 12) }),
    },
  ],
]

/** Tensors of a published file. */
export async function checkpoint({ model, options, names, beside }: Form): Promise<{ state: State; stored: State }> {
  const state = await drawn(model, options)
  const core = [...state].flatMap(([name, tensor]): [string, Tensor][] =>
    name.startsWith('core.') ? [[names(name), tensor]] : [],
  )
  return { state, stored: new Map([...core, ...Object.entries(beside())]) }
}
export async function folder(name: string, files: Record<string, State | object>): Promise<string> {
  await mkdir(place(name), { recursive: true })
  for (const [file, value] of Object.entries(files)) {
    const path = join(place(name), file)
    if (!(value instanceof Map)) await writeFile(path, JSON.stringify(value))
    else if (file.endsWith('.safetensors')) {
      const pieces = [...value].map(([key, tensor]) => pieceOf(key, tensor))
      await writeSafetensors(path, pieces, { format: 'pt' })
    } else await native.savePt(path, Object.fromEntries([...value].map(([key, tensor]) => [key, tensor.native])))
  }
  return place(name)
}
/** Weights of a run by name. */
export async function weightsOf(run: string): Promise<Map<string, number[]>> {
  using model = await load(run)
  const found = new Map<string, number[]>()
  for (const { name, tensor } of native.modelState(model.native)) found.set(name, [...(await numbers(Tensor.wrap(tensor)))])
  return found
}
export const numbers = async (tensor: Tensor) => (await tensor.data()) as Float32Array
export const core = (names: Iterable<string>) => [...names].filter((name) => name.startsWith('core.'))
