import type { Stored, StoredTensors } from '../checkpoint/stored-tensors.js'
import { withTrueC } from './s4-weights.js'

type Config = Readonly<Record<string, unknown>>
/** Shape of a tensor by our name; empty if there is none. */
type Shapes = (name: string) => readonly number[]

/** A published form of weights of one of our architectures. */
export interface Published {
  readonly model: string
  readonly about: string
  /** Whether tensor names identify this form. */
  is(names: readonly string[]): boolean
  /** Replacements that turn names into ours. */
  readonly renamed: readonly (readonly [RegExp, string])[]
  /** Our names of tensors that a model of vectors lacks: token embeddings, and computed tables. */
  readonly dropped: RegExp
  /** Name of the token embedding, which sets the input scale. */
  readonly tokens: RegExp
  /** Options found in shapes and config.json; `layers` is the number of layers. */
  options(shape: Shapes, layers: number, config: Config, names: readonly string[]): Record<string, unknown>
  /** Options that no shape shows; without a config.json they get defaults. */
  readonly unseen?: readonly string[]
  /** Values that config.json may have for a key. */
  readonly only?: Readonly<Record<string, readonly unknown[]>>
  /** Converts tensors that are stored differently from ours. */
  change?(tensors: StoredTensors): StoredTensors
}

const hasName = (pattern: RegExp) => (names: readonly string[]) => names.some((name) => pattern.test(name))

/** Whether the mixers are Mamba-2; layers without its decay use attention. */
const stateSpace = hasName(/^(backbone\.)?layers\.\d+\.mixer\.A_log$/)
const attending = (names: readonly string[]): number[] =>
  names.flatMap((name) => {
    const [, layer, index] = /^((?:backbone\.|core\.)?layers\.(\d+)\.mixer)\.conv1d\.weight$/.exec(name) ?? []
    return layer === undefined || names.includes(`${layer}.A_log`) ? [] : [Number(index)]
  })

const mamba: Omit<Published, 'model' | 'is'> = {
  about: 'Mamba-2 of state-spaces or Hugging Face',
  renamed: [[/^(?:backbone\.)?(layers|norm_f)\./, 'core.$1.']],
  dropped: /^(backbone\.embeddings?|embeddings|lm_head)\.weight$/,
  tokens: /^(backbone\.)?embeddings?\.weight$/,
  unseen: ['heads', 'attnHeadDim', 'rotary'],
  only: { layer_norm_epsilon: [1e-5], hidden_act: ['silu', 'swish'], rms_norm: [true], norm_before_gate: [false] },
  options(shape, layers, config, names) {
    const attends = attending(names).sort((a, b) => a - b)
    const first = names.find((name) => name.endsWith('.mixer.A_log'))?.replace('.A_log', '')
    const [width = 0, inner = 0] = [shape('core.norm_f.weight')[0], shape(`${first}.norm.weight`)[0]]
    const [channels = 0, , kernel] = shape(`${first}.conv1d.weight`)
    const attention = (config.attn_cfg ?? {}) as Record<string, number | undefined>
    return {
      width,
      layers,
      state: (channels - inner) / 2,
      headDim: inner / (shape(`${first}.A_log`)[0] ?? 1),
      expand: inner / width,
      kernel,
      attnLayers: attends.length > 0 ? attends.join() : undefined,
      heads: attention.num_heads,
      attnHeadDim: attention.head_dim,
      rotary: attention.rotary_emb_dim,
    }
  },
}

/** Names of S4 version 3 under those of version 4, which nests one level deeper and changes one shape and one sign. */
const VERSION_3: readonly (readonly [RegExp, string])[] = [
  [/^(core\.layers\.\d+)\.layer\.kernel\.kernel\.L$/, '$1.layer.layer.kernel.l_kernel'],
  [/^(core\.layers\.\d+)\.layer\.kernel\.kernel\.(?:inv|log)_w_real$/, '$1.layer.layer.kernel.A_real'],
  [/^(core\.layers\.\d+)\.layer\.kernel\.kernel\./, '$1.layer.layer.kernel.'],
  [/^(core\.layers\.\d+)\.layer\.D$/, '$1.layer.layer.D'],
]
function fromVersion3(tensors: StoredTensors): StoredTensors {
  const changed = new Map<string, Stored>()
  for (const [name, stored] of tensors) {
    const { shape, read } = stored
    const applied =
      (op: string, ...args: number[]) =>
      async () => {
        using tensor = await read()
        return tensor.op(op, ...args)
      }
    if (/\.kernel\.log_dt$/.test(name) && shape.length === 1)
      changed.set(name.replace(/log_dt$/, 'inv_dt'), { shape: [shape[0]!, 1], read: applied('aten::unsqueeze', 1) })
    else if (/\.kernel\.w_imag$/.test(name)) changed.set(name.replace(/w_imag$/, 'A_imag'), { shape, read: applied('aten::neg') })
    else changed.set(name, stored)
  }
  return changed
}

/** Shortest text that repeats to the given one. */
const period = (text: string): string =>
  text.slice(
    0,
    Array.from(text, (_, i) => i + 1).find((n) => text.slice(0, n).repeat(text.length / n) === text),
  )

/** All published forms; a new form is a new entry here. */
export const published: readonly Published[] = [
  {
    model: 'distilgpt2',
    about: 'GPT-2 of Hugging Face',
    is: hasName(/^(transformer\.)?h\.0\.attn\.c_attn\.weight$/),
    renamed: [[/^(?:transformer\.)?(wpe|h|ln_f)\./, 'core.gpt.$1.']],
    dropped: /^(transformer\.)?wte\.weight$|^lm_head\.weight$|\.attn\.(bias|masked_bias)$/,
    tokens: /^(transformer\.)?wte\.weight$/,
    unseen: ['heads'],
    only: {
      activation_function: ['gelu_new', 'gelu_pytorch_tanh'],
      layer_norm_epsilon: [1e-5],
      scale_attn_weights: [true],
      scale_attn_by_inverse_layer_idx: [false],
    },
    options: (shape, layers, { n_head }) => ({
      width: shape('core.gpt.wpe.weight')[1],
      layers,
      heads: n_head,
      ffn: shape('core.gpt.h.0.mlp.c_fc.weight')[1],
      positions: shape('core.gpt.wpe.weight')[0],
    }),
  },
  { ...mamba, model: 'hybrid', is: (names) => stateSpace(names) && attending(names).length > 0 },
  { ...mamba, model: 'mamba2', is: (names) => stateSpace(names) && attending(names).length === 0 },
  {
    model: 'rwkv',
    about: 'RWKV-4 of BlinkDL or Hugging Face',
    is: hasName(/^(rwkv\.)?blocks\.0\.(att|attention)\.time_decay$/),
    renamed: [
      [/^(?:rwkv\.)?(blocks|ln_out)\./, 'core.$1.'],
      [/\.pre_ln\./, '.ln0.'],
      [/\.attention\./, '.att.'],
      [/\.feed_forward\./, '.ffn.'],
      [/\.time_mix_(k|v|r)(?:ey|alue|eceptance)$/, '.time_mix_$1'],
    ],
    dropped: /^(emb|head|(rwkv\.)?embeddings)\.weight$/,
    tokens: /^(emb|(rwkv\.)?embeddings)\.weight$/,
    only: { layer_norm_epsilon: [1e-5] },
    options: (shape, layers) => ({
      width: shape('core.ln_out.weight')[0],
      layers,
      ffn: shape('core.blocks.0.ffn.key.weight')[0],
    }),
  },
  {
    model: 's4',
    about: 'S4 of state-spaces/s4',
    is: hasName(/^(model\.)?layers\.\d+\.layer\.(layer\.kernel|kernel\.kernel)\.C$/),
    renamed: [[/^(?:model\.)?(layers\.\d+|norm)\./, 'core.$1.'], [/\bnorm\.norm\./, 'norm.'], ...VERSION_3],
    dropped: /^(encoder|decoder|loss|loss_val|task)\.|\.kernel\.(omega|z)$/,
    tokens: /^encoder\..*\.weight$/,
    options(shape, layers, _, names) {
      const kinds = Array.from({ length: layers }, (_, i) => (names.includes(`core.layers.${i}.layer.ff.2.weight`) ? 'f' : 's'))
      const pattern = period(kinds.join(''))
      const kernel = `core.layers.${kinds.indexOf('s')}.layer.layer.kernel`
      return {
        width: shape('core.norm.weight')[0],
        layers: layers / pattern.length,
        pattern,
        kernel: 'dplr',
        state: 2 * (shape(`${kernel}.C`)[2] ?? 0),
        copies: shape(`${kernel}.A_real`)[0],
        ffn: pattern.includes('f') ? shape(`core.layers.${kinds.indexOf('f')}.layer.ff.2.weight`)[1] : undefined,
      }
    },
    change: (tensors) => withTrueC(fromVersion3(tensors)),
  },
  {
    model: 'hyena',
    about: 'Hyena of HazyResearch/safari',
    is: hasName(/^(model\.)?backbone\.layers\.0\.mixer\.filter_fn\.bias$/),
    renamed: [[/^(?:model\.)?backbone\.(layers|ln_f)\./, 'core.$1.']],
    dropped:
      /^(model\.)?(backbone\.embeddings\..*|lm_head\.weight)$|\.implicit_filter\.[35]\.freq$|\.pos_emb\.t$|\.modulation\.deltas$/,
    tokens: /^(model\.)?backbone\.embeddings\.word_embeddings\.weight$/,
    unseen: ['modulate'],
    options(shape, layers) {
      const mixer = 'core.layers.0.mixer'
      const [width = 0] = shape('core.ln_f.weight')
      const [, positions, channels = 0] = shape(`${mixer}.filter_fn.pos_emb.z`)
      return {
        width,
        layers,
        order: (shape(`${mixer}.in_proj.weight`)[0] ?? 0) / width - 1,
        ffn: shape('core.layers.0.mlp.fc1.weight')[0],
        positions,
        filterWidth: shape(`${mixer}.filter_fn.implicit_filter.0.weight`)[0],
        bands: (channels - 1) / 2,
      }
    },
  },
]

/** Finds the published form by tensor names; undefined for our own weights and those of the specification's Python classes. */
export const recognised = (names: readonly string[]): Published | undefined => published.find((form) => form.is(names))
