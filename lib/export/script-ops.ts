import type { Node, PredictorOp } from '../spec/ops.js'
import { hyena, retention, s4, s4d } from './script-convolutions.js'
import { memoryInput, memoryMixture } from './script-memory.js'
import { channelMixing, mamba2, RMS, shortConv, timeMixing } from './script-mixers.js'
import type { ScriptWriter } from './script-writer.js'

type Params = Readonly<Record<string, number>>
/** Emits the computation of an op on `x` and returns the name of its result. */
type Emit = (w: ScriptWriter, node: Node, x: string) => string

const number = (value: number) => (Number.isInteger(value) ? `${value}.0` : String(value))
const words = (node: Node) => node.params as Readonly<Record<string, string>>
const numbers = (node: Node) => node.params as Params

/** dtype=6 is float32 in TorchScript: positions are float32, as in C++. */
const ANGLES = `def lvm_angles(self, x: Tensor, r: int, count: int) -> Tuple[Tensor, Tensor]:
  j = torch.arange(0, r, 2, dtype=6, device=x.device)
  by = torch.arange(count, dtype=6, device=x.device).unsqueeze(1) * (1.0 / torch.pow(10000.0, j / float(r)))
  return by.sin().to(x.dtype), by.cos().to(x.dtype)
`
const PAIRS = `def lvm_rotate_pairs(self, x: Tensor, s: Tensor, c: Tensor) -> Tensor:
  both = x.unflatten(-1, [s.size(-1), 2])
  a = both.select(-1, 0)
  b = both.select(-1, 1)
  return torch.stack([a * c - b * s, b * c + a * s], -1).flatten(-2)
`
const HALVES = `def lvm_rotate_halves(self, x: Tensor, s: Tensor, c: Tensor) -> Tensor:
  h = s.size(-1)
  a = x.narrow(-1, 0, h)
  b = x.narrow(-1, h, h)
  return torch.cat([a * c - b * s, b * c + a * s, x.narrow(-1, 2 * h, x.size(-1) - 2 * h)], -1)
`
const SOFTMAX = `def lvm_softmax_attention(self, q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
  return torch.scaled_dot_product_attention(q, k, v, None, 0.0, causal)
`
/** Attention with positive random features over all pairs of positions. */
const FAVOR = `def lvm_favor(self, x: Tensor, w: Tensor, h: int, causal: bool) -> Tensor:
  e = w.size(1)
  s = float(e) ** -0.25
  thirds = x.chunk(3, -1)
  by = self.lvm_angles(x, e, x.size(1))
  q = self.lvm_rotate_pairs(self.lvm_heads(thirds[0], h), by[0], by[1]) * s
  k = self.lvm_rotate_pairs(self.lvm_heads(thirds[1], h), by[0], by[1]) * s
  a = torch.matmul(q, w.t())
  b = torch.matmul(k, w.t())
  c = float(w.size(0)) ** -0.5
  a = c * ((a - q.square().sum(-1, True) / 2.0 - a.amax([-1], True)).exp() + 0.0001)
  b = c * ((b - k.square().sum(-1, True) / 2.0 - b.amax([-2, -1], True)).exp() + 0.0001)
  m = torch.matmul(a, b.transpose(-1, -2))
  total = m.sum(-1, True)
  if causal:
    m = m.tril()
    total = m.sum(-1, True) + 0.000001 * a.sum(-1, True)
  return (torch.matmul(m, self.lvm_heads(thirds[2], h)) / total).transpose(1, 2).flatten(2)
`
const HEADS = `def lvm_heads(self, x: Tensor, h: int) -> Tensor:
  return x.unflatten(-1, [h, x.size(-1) // h]).transpose(1, 2)
`

const each: Emit = (w, node, x) => node.of.reduce((y, child) => emit(w, child, y), x)
const rotate = (w: ScriptWriter, kind: string) =>
  kind === 'pairs' ? w.method('lvm_rotate_pairs', PAIRS) : w.method('lvm_rotate_halves', HALVES)
const softmax = (w: ScriptWriter, q: string, k: string, v: string, causal: boolean) =>
  w.set(
    `${w.method('lvm_softmax_attention', SOFTMAX)}(${q}, ${k}, ${v}, ${causal ? 'True' : 'False'}).transpose(1, 2).flatten(2)`,
  )

const attention: Emit = (w, { params }, x) => {
  const { heads, dim, inner = dim, cross, causal } = params
  const from = cross === true ? w.memory : x
  const [weight, bias] = [w.param('in_proj_weight'), w.param('in_proj_bias')]
  const split = w.method('lvm_heads', HEADS)
  const part = (i: number, of: string) =>
    w.set(
      `${split}(torch.linear(${of}, ${weight}.narrow(0, ${i * (inner as number)}, ${inner}), ${bias}.narrow(0, ${i * (inner as number)}, ${inner})), ${heads})`,
    )
  const y = softmax(w, part(0, x), part(1, from), part(2, from), causal === true)
  return w.set(`torch.linear(${y}, ${w.param('out_proj.weight')}, ${w.param('out_proj.bias')})`)
}

const OPS: Readonly<Record<PredictorOp, Emit>> = {
  chain: each,
  residual: (w, node, x) => w.set(`${x} + ${each(w, node, x)}`),
  memory: (w, node, x) => w.reading(x, () => each(w, node, x)),
  product: (w, node, x) => w.set(node.of.map((child) => emit(w, child, x)).join(' * ')),
  concat: (w, node, x) => w.set(`torch.cat([${node.of.map((child) => emit(w, child, x)).join(', ')}], -1)`),
  predictor: (w, node, x) => {
    const { residual, inputScale, dim } = node.params
    const scaled =
      inputScale === 'sqrt_dim'
        ? w.set(`${x} * ${number(Math.sqrt(dim as number))}`)
        : inputScale === 'standardize'
          ? w.set(`(${x} - ${w.param('input.center')}) / ${w.param('input.scale')}`)
          : inputScale === 'whiten'
            ? w.set(`torch.matmul(${x} - ${w.param('input.center')}, ${w.param('input.whitening')})`)
            : x
    const hidden = w.set(`${emit(w, node.of[0]!, scaled)}[:, -1]`)
    const raw = emit(w, node.of[1]!, hidden)
    if (residual === 'none') return raw
    if (residual === 'memory') {
      w.features = hidden
      return w.set(`${raw} / ${number(Math.sqrt(dim as number))} + ${emit(w, node.of[2]!, x)}`)
    }
    return w.set(`${raw} + ${w.param('residual.weight')} * ${anchor(w, String(residual), x)}`)
  },
  memoryInput,
  memoryMixture,
  linear: (w, { params }, x) => {
    const weight = params.transposed === true ? `${w.param('weight')}.t()` : w.param('weight')
    return w.set(`torch.linear(${x}, ${weight}${params.bias === true ? `, ${w.param('bias')}` : ''})`)
  },
  layerNorm: (w, node, x) => {
    const { dim, eps } = numbers(node)
    return w.set(`torch.layer_norm(${x}, [${dim}], ${w.param('weight')}, ${w.param('bias')}, ${number(eps!)})`)
  },
  rmsNorm: (w, node, x) =>
    w.set(`${w.method('lvm_rms_norm', RMS)}(${x}, ${w.param('weight')}, ${number(numbers(node).eps!)}).to(${x}.dtype)`),
  activation: (w, node, x) => w.set(activation(words(node).kind!, x)),
  dropout: (_w, _node, x) => x,
  sinusoid: (w, node, x) => {
    const { layout } = words(node)
    const { dim } = numbers(node)
    const even = w.set(`torch.arange(0, ${dim}, 2, dtype=6, device=${x}.device)`)
    const rates = w.set(
      layout === 'pairs'
        ? `torch.exp(${even} * ${-Math.log(10000) / dim!})`
        : `1.0 / torch.pow(10000.0, ${even} / ${number(dim!)})`,
    )
    const by = w.set(`torch.arange(${x}.size(1), dtype=6, device=${x}.device).unsqueeze(1) * ${rates}`)
    const table =
      layout === 'pairs' ? `torch.stack([${by}.sin(), ${by}.cos()], -1).flatten(-2)` : `torch.cat([${by}.sin(), ${by}.cos()], -1)`
    return w.set(`${x} + ${table}.to(${x}.dtype)`)
  },
  positions: (w, _node, x) => w.set(`${x} + ${w.param('weight')}[:${x}.size(1)]`),
  conv: (w, _node, x) => shortConv(w, x, ''),
  lstm: (w, node, x) => recurrent(w, x, 'lstm', numbers(node).layers!, numbers(node).width!),
  gru: (w, node, x) => recurrent(w, x, 'gru', 1, numbers(node).width!),
  attention,
  narrowAttention: attention,
  favor: (w, { params }, x) => {
    for (const [name, source] of Object.entries({ lvm_heads: HEADS, lvm_angles: ANGLES, lvm_rotate_pairs: PAIRS }))
      w.method(name, source)
    const causal = params.causal === true ? 'True' : 'False'
    return w.set(`${w.method('lvm_favor', FAVOR)}(${x}, ${w.param('projection_matrix')}, ${params.heads}, ${causal})`)
  },
  redraw: (_w, _node, x) => x,
  flatten: (w, _node, x) => w.set(`${x}.flatten(1).unsqueeze(1)`),
  linformer: (w, { params }, x) => {
    const split = w.method('lvm_heads', HEADS)
    const thirds = w.set(`${x}.chunk(3, -1)`)
    const [q, k, v] = [0, 1, 2].map((i) => w.set(`${split}(${thirds}[${i}], ${params.heads})`)) as [string, string, string]
    const slots = (of: string, name: string) => w.set(`torch.matmul(${w.param(name)}[:${x}.size(1)].t(), ${of})`)
    const scores = w.set(`torch.matmul(${q}, ${slots(k, 'proj_k')}.transpose(-1, -2)) / (float(${q}.size(-1)) ** 0.5)`)
    return w.set(`torch.matmul(torch.softmax(${scores}, -1), ${slots(v, 'proj_v')}).transpose(1, 2).flatten(2)`)
  },
  pointwise: (w, _, x) => w.set(`torch.linear(${x}, ${w.param('weight')}.squeeze(-1), ${w.param('bias')})`),
  s4,
  s4d,
  hyena,
  retention: (w, node, x) => {
    w.method('lvm_heads', HEADS)
    w.method('lvm_rotate_pairs', PAIRS)
    return retention(w, node, x)
  },
  mamba2,
  timeMixing,
  channelMixing,
  attend: (w, { params }, x) => {
    const { heads, rotary, turned } = params
    const split = w.method('lvm_heads', HEADS)
    const thirds = w.set(`${x}.chunk(3, -1)`)
    const [q, k, v] = [0, 1, 2].map((i) => w.set(`${split}(${thirds}[${i}], ${heads})`)) as [string, string, string]
    if (rotary === 'none') return softmax(w, q, k, v, true)
    const by = w.set(`${w.method('lvm_angles', ANGLES)}(${x}, ${turned}, ${x}.size(1))`)
    const turn = rotate(w, String(rotary))
    return softmax(w, w.set(`${turn}(${q}, ${by}[0], ${by}[1])`), w.set(`${turn}(${k}, ${by}[0], ${by}[1])`), v, true)
  },
}

const activation = (kind: string, x: string): string =>
  ({
    relu: `torch.relu(${x})`,
    gelu: `torch.gelu(${x})`,
    gelu_tanh: `torch.gelu(${x}, approximate="tanh")`,
    silu: `torch.silu(${x})`,
    tanh: `torch.tanh(${x})`,
    sigmoid: `torch.sigmoid(${x})`,
    glu: `torch.glu(${x}, -1)`,
  })[kind]!

function recurrent(w: ScriptWriter, x: string, kind: 'lstm' | 'gru', layers: number, width: number): string {
  const names = Array.from({ length: layers }, (_, l) =>
    ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map((n) => `${n}_l${l}`),
  )
  const weights = names
    .flat()
    .map((name) => w.param(name))
    .join(', ')
  const zeros = w.set(`torch.zeros([${layers}, ${x}.size(0), ${width}], dtype=${x}.dtype, device=${x}.device)`)
  const state = kind === 'lstm' ? `[${zeros}, ${zeros}]` : zeros
  const results = w.set(`torch.${kind}(${x}, ${state}, [${weights}], True, ${layers}, 0.0, False, False, True)`)
  return w.set(`${results}[0]`)
}

/** Emits the anchor of a residual model: last vector, mean or decayed mean of the context. */
function anchor(w: ScriptWriter, kind: string, x: string): string {
  if (kind === 'last') return w.set(`${x}[:, -1]`)
  if (kind === 'mean') return w.set(`${x}.mean(1)`)
  const age = w.set(`torch.arange(${x}.size(1), dtype=${x}.dtype, device=${x}.device).flip(0)`)
  const weights = w.set(`torch.pow(torch.sigmoid(${w.param('residual.decay')}), ${age})`)
  return w.set(`torch.matmul(${weights} / ${weights}.sum(), ${x})`)
}

/** Emits a node within the scope of its name. */
export function emit(w: ScriptWriter, node: Node, x: string): string {
  return w.inside(node.name, () => OPS[node.op as PredictorOp](w, node, x))
}
