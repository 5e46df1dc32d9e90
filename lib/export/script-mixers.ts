import type { Node } from '../spec/ops.js'
import type { ScriptWriter } from './script-writer.js'

type Emit = (w: ScriptWriter, node: Node, x: string) => string
const numbers = (node: Node) => node.params as Readonly<Record<string, number>>

export const RMS = `def lvm_rms_norm(self, x: Tensor, weight: Tensor, eps: float) -> Tensor:
  y = x.to(7 if x.dtype == 7 else 6)
  return y * torch.rsqrt(y.square().mean(-1, True) + eps) * weight
`
/** Computes chunks of 64 positions and carries the state from chunk to chunk. */
const SSD = `def lvm_ssd(self, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
  state = torch.zeros([x.size(0), x.size(2), x.size(3), b.size(2)], dtype=x.dtype, device=x.device)
  parts: List[Tensor] = []
  for at in range(0, x.size(1), 64):
    n = min(64, x.size(1) - at)
    xs = (x.narrow(1, at, n) * dt.narrow(1, at, n).unsqueeze(-1)).transpose(1, 2)
    la = a.narrow(1, at, n).transpose(1, 2)
    bs = b.narrow(1, at, n).unsqueeze(1)
    cs = c.narrow(1, at, n).unsqueeze(1)
    pairs = torch.ones([n, n], dtype=11, device=x.device)
    sums = la.unsqueeze(-1).expand([-1, -1, n, n]).masked_fill(pairs.triu(), 0.0).cumsum(-2)
    decay = sums.masked_fill(pairs.triu(1), -1e30).exp()
    since = la.cumsum(-1).exp().unsqueeze(-1)
    y = torch.matmul(torch.matmul(cs, bs.transpose(-1, -2)) * decay, xs) + torch.matmul(cs, state.transpose(-1, -2)) * since
    parts.append(y.transpose(1, 2))
    ends = decay.select(-2, n - 1).unsqueeze(-1)
    state = torch.matmul((xs * ends).transpose(-1, -2), bs) + since.select(-2, n - 1).unsqueeze(-1) * state
  return torch.cat(parts, 1)
`
const SHIFT = `def lvm_shifted(self, x: Tensor, mix: Tensor) -> Tensor:
  return x * mix + torch.constant_pad_nd(x, [0, 0, 1, -1]) * (1.0 - mix)
`
/** Numerically stable form of the recurrence: o is the largest exponent so far. */
const WKV = `def lvm_wkv(self, k: Tensor, v: Tensor, time_decay: Tensor, u: Tensor) -> Tensor:
  w = -time_decay.exp()
  p = torch.zeros_like(k[:, 0])
  q = torch.zeros_like(p)
  o = torch.full_like(p, -1e38)
  parts: List[Tensor] = []
  for t in range(k.size(1)):
    kt = k[:, t]
    vt = v[:, t]
    m = torch.maximum(o, u + kt)
    a = (o - m).exp()
    b = (u + kt - m).exp()
    parts.append((a * p + b * vt) / (a * q + b))
    m = torch.maximum(w + o, kt)
    a = (w + o - m).exp()
    b = (kt - m).exp()
    p = a * p + b * vt
    q = a * q + b
    o = m
  return torch.stack(parts, 1)
`

/** Emits a short depthwise causal convolution with the node's weight and bias. */
export function shortConv(w: ScriptWriter, x: string, prefix: string): string {
  const [weight, bias] = [w.param(`${prefix}weight`), w.param(`${prefix}bias`)]
  const padded = w.set(`torch.constant_pad_nd(${x}.transpose(1, 2), [${weight}.size(2) - 1, 0])`)
  return w.set(`torch.conv1d(${padded}, ${weight}, ${bias}, [1], [0], [1], ${weight}.size(0)).transpose(1, 2)`)
}

export const mamba2: Emit = (w, node, x) => {
  const { inner, state, headDim } = numbers(node) as Record<'inner' | 'state' | 'headDim', number>
  const heads = inner / headDim
  const u = w.set(`torch.linear(${x}, ${w.param('in_proj.weight')})`)
  const parts = w.set(`${u}.split_with_sizes([${inner}, ${inner + 2 * state}, ${heads}], -1)`)
  const active = w.set(`torch.silu(${shortConv(w, `${parts}[1]`, 'conv1d.')})`)
  const xbc = w.set(`${active}.split_with_sizes([${inner}, ${state}, ${state}], -1)`)
  const values = w.set(`${xbc}[0].unflatten(-1, [${heads}, ${headDim}])`)
  const dt = w.set(`torch.softplus(${parts}[2] + ${w.param('dt_bias')})`)
  const decays = w.set(`${dt} * -${w.param('A_log')}.exp()`)
  const y = w.set(`${w.method('lvm_ssd', SSD)}(${values}, ${dt}, ${decays}, ${xbc}[1], ${xbc}[2])`)
  const gated = w.set(`(${y} + ${values} * ${w.param('D')}.unsqueeze(-1)).flatten(2) * torch.silu(${parts}[0])`)
  const norm = w.set(`${w.method('lvm_rms_norm', RMS)}(${gated}, ${w.param('norm.weight')}, 1e-5).to(${x}.dtype)`)
  return w.set(`torch.linear(${norm}, ${w.param('out_proj.weight')})`)
}

const mixed = (w: ScriptWriter, x: string, name: string, to: string) =>
  w.set(`torch.linear(${w.method('lvm_shifted', SHIFT)}(${x}, ${w.param(`time_mix_${name}`)}), ${w.param(`${to}.weight`)})`)

export const timeMixing: Emit = (w, _, x) => {
  const [k, v, r] = [mixed(w, x, 'k', 'key'), mixed(w, x, 'v', 'value'), mixed(w, x, 'r', 'receptance')]
  const y = w.set(`${w.method('lvm_wkv', WKV)}(${k}, ${v}, ${w.param('time_decay')}, ${w.param('time_first')})`)
  return w.set(`torch.linear(torch.sigmoid(${r}) * ${y}, ${w.param('output.weight')})`)
}
export const channelMixing: Emit = (w, _, x) => {
  const [k, r] = [mixed(w, x, 'k', 'key'), mixed(w, x, 'r', 'receptance')]
  return w.set(`torch.sigmoid(${r}) * torch.linear(torch.relu(${k}).square(), ${w.param('value.weight')})`)
}
