import type { Node } from '../spec/ops.js'
import type { ScriptWriter } from './script-writer.js'

/** [x, m_1 … m_K] at every position, in blocks that carry sums and totals to the next; see native/kernels/exponential-scan.cpp. */
const MEANS = `def lvm_exponential_means(self, x: Tensor, rates: Tensor) -> Tensor:
  k = rates.size(0)
  sums = torch.zeros([x.size(0), 1, k, x.size(2)], dtype=x.dtype, device=x.device)
  totals = torch.zeros([k, 1], dtype=x.dtype, device=x.device)
  means: List[Tensor] = []
  at = 0
  while at < x.size(1):
    n = min(32, x.size(1) - at)
    part = x.narrow(1, at, n)
    age = torch.arange(n, dtype=x.dtype, device=x.device)
    within = torch.pow(rates.unsqueeze(-1).unsqueeze(-1), (age.unsqueeze(1) - age).clamp_min(0)).tril()
    faded = torch.pow(rates.unsqueeze(1), age + 1.0)
    totals = within.sum(-1) + faded * totals.narrow(1, totals.size(1) - 1, 1)
    every = torch.matmul(within.transpose(0, 1).flatten(0, 1), part).unflatten(1, [n, k]) + faded.t().unsqueeze(-1) * sums
    means.append((every / totals.t().unsqueeze(-1)).flatten(2))
    sums = every.narrow(1, n - 1, 1)
    at += n
  return torch.cat([x, torch.cat(means, 1)], -1)
`

/** What the means say about the text so far; see native/kernels/exponential-scan.cpp. */
const SUMMARY = `def lvm_summary(self, means: Tensor, totals: Tensor) -> Tensor:
  k = means.size(1)
  products = torch.matmul(means, means.transpose(-1, -2))
  norms = torch.diagonal(products, 0, -2, -1).clamp_min(1e-24).sqrt()
  pairs = torch.triu_indices(k, k, 1, device=means.device)
  cosines = (products / (norms.unsqueeze(-1) * norms.unsqueeze(-2))).flatten(-2).index_select(-1, pairs[0] * k + pairs[1])
  return torch.cat([torch.log(totals).expand_as(norms), norms, cosines], -1)
`

/** Emits the exponential means of all positions, beside the vectors. */
export const memoryInput = (w: ScriptWriter, _: Node, x: string): string =>
  w.set(`${w.method('lvm_exponential_means', MEANS)}(${x}, torch.sigmoid(${w.param('decay')}))`)

/** Emits the mixture of exponential means at the last position. */
export function memoryMixture(w: ScriptWriter, { params }: Node, x: string): string {
  const age = w.set(`torch.arange(${x}.size(1), dtype=${x}.dtype, device=${x}.device).flip(0)`)
  const weights = w.set(`torch.pow(torch.sigmoid(${w.param('decay')}).unsqueeze(1), ${age})`)
  const totals = w.set(`${weights}.sum(1)`)
  const means = w.set(`torch.matmul(${weights} / ${totals}.unsqueeze(1), ${x})`)
  const facts = w.set(`${w.method('lvm_summary', SUMMARY)}(${means}, ${totals}) - ${w.param('summary_center')}`)
  const summary = w.set(`torch.matmul(${facts} / ${w.param('summary_scale')}, ${w.param('summary')}.t())`)
  const gates = w.set(`torch.matmul(${w.features}, ${w.param('gate')}.t()) * ${1 / Math.sqrt(params.width as number)}`)
  const each = w.set(`${w.param('weight')} + ${summary} + ${gates}`)
  const sum = w.set(`torch.matmul(${each}.unsqueeze(1), ${means}).squeeze(1)`)
  const mixed = w.set(`${sum} - ${each}.sum(-1, True) * ${w.param('center')}`)
  return w.set(`${mixed} + torch.linear(${mixed}, ${w.param('map')}, None) * ${1 / Math.sqrt(params.dim as number)}`)
}
