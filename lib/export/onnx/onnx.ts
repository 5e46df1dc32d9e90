import type { Piece } from '../../files/write-safetensors.js'
import { native } from '../../native.js'
import type { Contexts } from '../../spec/contexts.js'
import type { Node } from '../../spec/ops.js'
import { Tensor } from '../../torch/tensor.js'
import { bytesOfPiece, modelMessage, type Place, weightMessages } from './messages.js'
import { emit } from './onnx-ops.js'
import { type Integers, OnnxWriter } from './onnx-writer.js'
import type { Chunk, Message } from './protobuf.js'

/** Names of the input and the output. */
export const INPUT = 'context'
export const OUTPUT = 'prediction'
/** Protocol Buffers end at 2 GiB; weights beyond this go to a second file. Units: bytes. */
const MOST = 1.9e9
/** Weights in a second file begin at a multiple of this, so that they can be mapped. Units: bytes. */
const PAGE = 4096

/** What the file says about the model beside its graph. */
export interface OnnxFacts {
  readonly dim: number
  readonly contexts: Contexts
  readonly producer: { readonly name: string; readonly version: string }
  readonly metadata: Readonly<Record<string, string>>
}
/** A model to write: its message, and the content of a second file, which is empty if there is none. */
export interface OnnxFile {
  readonly message: Message
  readonly beside: Message
}

/** Decides where the weights are: in the model, or at offsets of the file `beside`. */
function places(pieces: readonly Piece[], beside: string, most: number): { place: Place; parts: Message } {
  if (pieces.reduce((sum, piece) => sum + bytesOfPiece(piece), 0) <= most) return { place: () => undefined, parts: [] }
  const found = new Map<Piece, { location: string; offset: number; length: number }>()
  const parts: Chunk[] = []
  let at = 0
  for (const piece of pieces.filter(({ dtype }) => dtype !== 'int64')) {
    const length = bytesOfPiece(piece)
    const gap = (PAGE - (at % PAGE)) % PAGE
    found.set(piece, { location: beside, offset: at + gap, length })
    parts.push(new Uint8Array(gap), { byteLength: length, piece })
    at += gap + length
  }
  return { place: (piece) => found.get(piece), parts }
}

/**
 * Returns the ONNX model of a predictor from contexts to unit vectors, in float32.
 *
 * Shapes: context [batch, time, dim] → prediction [batch, dim].
 */
export function onnxModel(
  spec: Node,
  state: ReadonlyMap<string, Tensor>,
  { dim, contexts: { shortest, longest }, producer, metadata }: OnnxFacts,
  o: { readonly beside: string; readonly most?: number; readonly integers?: ReadonlyMap<string, Integers> },
): OnnxFile {
  const w = new OnnxWriter(state, o.integers)
  w.time = w.gather(w.op('Shape', [INPUT], {}), 1, 0)
  const raw = emit(w, spec, INPUT)
  const norm = w.op('Max', [w.op('ReduceL2', [raw], { axes: [-1], keepdims: 1 }), 1e-12])
  w.result(OUTPUT, w.div(raw, norm))
  const pieces = [...w.pieces.values()]
  const { place, parts } = places(pieces, o.beside, o.most ?? MOST)
  const time = shortest === longest ? shortest : 'time'
  const graph = w.finish(
    producer.name,
    [{ name: INPUT, element: 'float32', shape: ['batch', time, dim] }],
    [{ name: OUTPUT, element: 'float32', shape: ['batch', dim] }],
    weightMessages(pieces, place),
  )
  return { message: modelMessage(producer, graph, metadata), beside: parts }
}

/** Parameters and buffers of a model by name. */
export const stateOf = (model: Parameters<typeof native.modelState>[0]): ReadonlyMap<string, Tensor> =>
  new Map(native.modelState(model).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
