import { type Emit, numbers } from './onnx-parts.js'
import type { OnnxWriter } from './onnx-writer.js'

/** Order of the gates of libtorch in that of ONNX: input, output, forget, cell; update, reset, hidden. */
const GATES = { LSTM: [0, 3, 1, 2], GRU: [1, 0, 2] } as const

function layer(w: OnnxWriter, x: string, op: keyof typeof GATES, at: number, width: number): string {
  const rows = GATES[op].map((gate) => [gate * width, width] as const)
  const total = rows.length * width
  const weight = (name: string) => w.weight(name, { rows, shape: [1, total, w.shape(name)[1]!] })
  const bias = w.weight(`biases_l${at}`, { of: [`bias_ih_l${at}`, `bias_hh_l${at}`], rows, shape: [1, 2 * total] })
  const given = [x, weight(`weight_ih_l${at}`), weight(`weight_hh_l${at}`), bias]
  const [outputs] = w.ops(op, given, 1, { hidden_size: width, ...(op === 'GRU' && { linear_before_reset: 1 }) })
  return w.squeeze(outputs!, 1)
}

function layers(w: OnnxWriter, x: string, op: keyof typeof GATES, count: number, width: number): string {
  let y = w.transpose(x, 1, 0, 2)
  for (let at = 0; at < count; at++) y = layer(w, y, op, at, width)
  return w.transpose(y, 1, 0, 2)
}
export const lstm: Emit = (w, node, x) => layers(w, x, 'LSTM', numbers(node).layers!, numbers(node).width!)
export const gru: Emit = (w, node, x) => layers(w, x, 'GRU', 1, numbers(node).width!)
