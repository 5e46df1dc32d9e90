import type { Node } from '../spec/ops.js'
import { emit } from './script-ops.js'
import { ScriptWriter } from './script-writer.js'

/**
 * Returns the TorchScript source of a predictor from contexts to unit vectors.
 *
 * Shapes: x [batch, time, dim] → [batch, dim].
 */
export function torchScript(
  node: Node,
  { dim, weight, shortest, longest }: { dim: number; weight: string; shortest: number; longest: number },
): string {
  const w = new ScriptWriter()
  const like = w.param(weight)
  const x = w.set(`x.to(device=${like}.device, dtype=${like}.dtype)`)
  const raw = emit(w, node, x)
  const length = [
    shortest > 1 ? `x.size(1) >= ${shortest}` : 'x.size(1) >= 1',
    ...(Number.isFinite(longest) ? [`x.size(1) <= ${longest}`] : []),
  ].join(' and ')
  const times = Number.isFinite(longest) ? `${shortest} to ${longest}` : `${shortest} or more`
  return [
    'def forward(self, x: Tensor) -> Tensor:',
    `  assert x.dim() == 3 and x.size(2) == ${dim}, "expected contexts of shape [batch, time, ${dim}]"`,
    `  assert ${length}, "expected ${times} vectors in a context"`,
    ...w.lines.map((line) => `  ${line}`),
    `  return ${raw} / ${raw}.norm(2, -1, True).clamp_min(1e-12)`,
    '',
    ...w.methods.values(),
  ].join('\n')
}
