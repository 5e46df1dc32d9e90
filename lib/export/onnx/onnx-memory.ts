import { ages, causal, distances, type Emit, linear, numbers, square } from './onnx-parts.js'

/** [x, m_1 … m_K] at every position; see native/kernels/exponential-scan.cpp. */
export const memoryInput: Emit = (w, node, x) => {
  const { memories } = numbers(node)
  const rates = w.reshape(w.op('Sigmoid', [w.param('decay')]), memories!, 1, 1)
  const within = w.op('Where', [causal(w), w.op('Pow', [rates, distances(w)]), 0]) // [memories, time, time]
  const means = w.matmul(w.div(within, w.sum(within)), w.unsqueeze(x, 1)) // [batch, memories, time, dim]
  return w.concat([x, w.reshape(w.transpose(means, 0, 2, 1, 3), 0, 0, -1)], -1)
}

/** The mixture of exponential means at the last position. */
export const memoryMixture: Emit = (w, node, x) => {
  const { memories, width, dim } = numbers(node) as Record<'memories' | 'width' | 'dim', number>
  const weights = w.op('Pow', [w.unsqueeze(w.op('Sigmoid', [w.param('decay')]), 1), ages(w)])
  const totals = w.sum(weights) // [memories, 1]
  const means = w.matmul(w.div(weights, totals), x) // [batch, memories, dim]
  const products = w.matmul(means, w.transpose(means, 0, 2, 1))
  const norms = w.op('Sqrt', [w.op('Max', [w.sum(square(w, means), -1, 0), 1e-24])])
  const cosines = w.div(products, w.mul(w.unsqueeze(norms, 2), w.unsqueeze(norms, 1)))
  const pairs = Array.from({ length: memories }, (_, i) =>
    Array.from({ length: memories - i - 1 }, (_, j) => i * memories + i + 1 + j),
  )
  const upper = w.gather(w.reshape(cosines, 0, -1), w.ints(pairs.flat()), 1)
  const counts = w.op('Expand', [w.op('Log', [w.squeeze(totals, 1)]), w.op('Shape', [norms])])
  const facts = w.div(w.sub(w.concat([counts, norms, upper], 1), w.param('summary_center')), w.param('summary_scale'))
  const summary = w.matmul(facts, w.weight('summary'))
  const gates = w.mul(w.matmul(w.features, w.weight('gate')), 1 / Math.sqrt(width))
  const shares = w.add(w.add(w.param('weight'), summary), gates)
  const mixed = w.squeeze(w.matmul(w.unsqueeze(shares, 1), w.sub(means, w.param('center'))), 1)
  return w.add(mixed, w.mul(linear(w, mixed, w.weight('map')), 1 / Math.sqrt(dim)))
}
