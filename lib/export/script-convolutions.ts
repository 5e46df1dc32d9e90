import type { Node } from '../spec/ops.js'
import type { ScriptWriter } from './script-writer.js'

type Emit = (w: ScriptWriter, node: Node, x: string) => string
const numbers = (node: Node) => node.params as Readonly<Record<string, number>>

/** Kernels and convolutions are computed in float64 (dtype 7 of TorchScript): they are cheap, and round-off then hides no other form of them. */
const LONG_CONV = `def lvm_long_conv(self, u: Tensor, k: Tensor) -> Tensor:
  n = 2 * u.size(1)
  y = torch.fft_irfft(torch.fft_rfft(u.to(7), n, 1) * torch.fft_rfft(k, n, 0), n, 1)
  return y.narrow(1, 0, u.size(1)).to(u.dtype)
`
const S4 = `def lvm_s4_kernel(self, inv_dt: Tensor, C: Tensor, B: Tensor, A_real: Tensor, A_imag: Tensor, P: Tensor, time: int) -> Tensor:
  copies = inv_dt.size(0) // A_real.size(0)
  dt = inv_dt.to(7).exp()
  a = torch.complex(-A_real.to(7).exp(), -A_imag.to(7)).repeat([copies, 1])
  b = torch.view_as_complex(B.to(7).contiguous())[0].repeat([copies, 1])
  p = torch.view_as_complex(P.to(7).contiguous())[0].repeat([copies, 1])
  c = torch.view_as_complex(C.to(7).contiguous())[0]
  d = torch.reciprocal(2.0 / dt - a)
  e = 2.0 / dt + a
  r = p.conj() * d / (1.0 + 2.0 * torch.real((p * p.conj() * d).sum(-1, True)))
  s = torch.zeros_like(d)
  parts: List[Tensor] = []
  for t in range(time):
    y = e * s - p * (2.0 * torch.real((p.conj() * s).sum(-1, True)))
    if t == 0:
      y = y + 2.0 * b
    s = d * (y - p * (2.0 * torch.real((r * y).sum(-1, True))))
    parts.append(2.0 * torch.real((c * s).sum(-1)))
  return torch.stack(parts, 0)
`
const S4D = `def lvm_s4d_kernel(self, C: Tensor, log_dt: Tensor, log_A_real: Tensor, A_imag: Tensor, time: int) -> Tensor:
  a = torch.complex(-log_A_real.to(7).exp(), A_imag.to(7))
  z = log_dt.to(7).exp().unsqueeze(-1) * a
  c = torch.view_as_complex(C.to(7).contiguous()) * ((z.exp() - 1.0) / a)
  t = torch.arange(time, dtype=7, device=C.device).unsqueeze(1)
  k = torch.zeros([time, C.size(0)], dtype=7, device=C.device)
  for i in range(C.size(1)):
    k = k + 2.0 * torch.real(c[:, i] * (t * z[:, i]).exp())
  return k
`
const RETENTION = `def lvm_retention(self, q: Tensor, k: Tensor, v: Tensor, g: Tensor, h: int, eps: float) -> Tensor:
  e = q.size(-1) // h
  time = q.size(1)
  rates = 1.0 / torch.pow(10000.0, torch.linspace(0.0, 1.0, e // 2, dtype=6, device=q.device))
  by = torch.arange(time, dtype=6, device=q.device).unsqueeze(1) * rates
  s = by.sin().to(q.dtype)
  c = by.cos().to(q.dtype)
  qh = self.lvm_rotate_pairs(self.lvm_heads(q, h), s, c)
  kh = self.lvm_rotate_pairs(self.lvm_heads(k, h), s, c) / (float(e) ** 0.5)
  fade = torch.log(1.0 - torch.exp2(-5.0 - torch.arange(h, dtype=6, device=q.device))).to(7).view(-1, 1, 1)
  i = torch.arange(time, dtype=7, device=q.device)
  m = ((i.unsqueeze(1) - i).clamp_min(0.0) * fade).exp().tril()
  a = torch.matmul(qh, kh.transpose(-1, -2)) * (m / m.sum(-1, True).sqrt()).to(q.dtype)
  o = torch.matmul(a / a.abs().sum(-1, True).clamp(1.0, 50000.0), self.lvm_heads(v, h))
  o = o * torch.rsqrt(o.square().mean(-1, True) + eps)
  return torch.silu(g) * o.transpose(1, 2).flatten(2)
`

export const s4: Emit = (w, _, x) => {
  const [dt, c, b, re, im, p] = ['inv_dt', 'C', 'B', 'A_real', 'A_imag', 'P'].map((name) => w.param(`kernel.${name}`))
  const k = w.set(`${w.method('lvm_s4_kernel', S4)}(${dt}, ${c}, ${b}, ${re}, ${im}, ${p}, ${x}.size(1))`)
  return w.set(`${w.method('lvm_long_conv', LONG_CONV)}(${x}, ${k}) + ${x} * ${w.param('D')}[0]`)
}
export const s4d: Emit = (w, _, x) => {
  const [c, dt, re, im] = ['C', 'log_dt', 'log_A_real', 'A_imag'].map((name) => w.param(`kernel.${name}`))
  const k = w.set(`${w.method('lvm_s4d_kernel', S4D)}(${c}, ${dt}, ${re}, ${im}, ${x}.size(1))`)
  return w.set(`${w.method('lvm_long_conv', LONG_CONV)}(${x}, ${k}) + ${x} * ${w.param('D')}`)
}
export const hyena: Emit = (w, node, x) => {
  const { dim, order } = numbers(node) as Record<'dim' | 'order', number>
  const conv = w.method('lvm_long_conv', LONG_CONV)
  let h = w.set(`${w.param('pos_emb.z')}[0][:${x}.size(1)].to(7)`)
  for (const i of [0, 2, 4]) {
    const [weight, bias] = [w.param(`implicit_filter.${i}.weight`), w.param(`implicit_filter.${i}.bias`)]
    h = w.set(`torch.sin(${w.param('implicit_filter.1.freq')}.to(7) * torch.linear(${h}, ${weight}.to(7), ${bias}.to(7)))`)
  }
  h = w.set(`torch.matmul(${h}, ${w.param('implicit_filter.6.weight')}.to(7).t())`)
  if (node.params.modulate === true)
    h = w.set(
      `${h} * torch.exp(-${w.param('pos_emb.t')}[0][:${x}.size(1)].to(7) * ${w.param('modulation.deltas')}[0].abs().to(7))`,
    )
  const parts = w.set(`${x}.split(${dim}, -1)`)
  let v = w.set(`${parts}[${order}]`)
  for (let i = order - 1; i >= 1; i--) {
    const at = (order - 1 - i) * dim
    v = w.set(`${v} * ${parts}[${i}]`)
    v = w.set(`${conv}(${v}, ${h}.narrow(1, ${at}, ${dim})) + ${w.param('bias')}.narrow(0, ${at}, ${dim}) * ${v}`)
  }
  return w.set(`${v} * ${parts}[0]`)
}
/** Needs the methods `heads` and `rotate_pairs`. */
export const retention: Emit = (w, node, x) => {
  const { heads, eps } = numbers(node)
  const [q, k, v, g] = ['q', 'k', 'v', 'g'].map((name) => w.set(`torch.linear(${x}, ${w.param(`${name}_proj.weight`)})`))
  const y = w.set(`${w.method('lvm_retention', RETENTION)}(${q}, ${k}, ${v}, ${g}, ${heads}, ${eps})`)
  return w.set(`torch.linear(${y}, ${w.param('out_proj.weight')})`)
}
