import type { Piece } from '../../files/write-safetensors.js'
import { float, int, ints, type Message, within } from './protobuf.js'

// Field numbers of onnx.proto3, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3

/** Element types of ONNX, and the size of an element. Units: bytes. */
export const ELEMENTS = {
  float32: { type: 1, bytes: 4 },
  int8: { type: 3, bytes: 1 },
  int64: { type: 7, bytes: 8 },
  bool: { type: 9, bytes: 1 },
  float64: { type: 11, bytes: 8 },
} as const
export type Element = keyof typeof ELEMENTS

/** Where the elements of a weight are: in the model, or in a second file. Units: bytes. */
export type Place = (piece: Piece) => { readonly location: string; readonly offset: number; readonly length: number } | undefined
/** Value of an attribute: integers, a text, a float or a graph. */
export type Attribute = number | readonly number[] | string | { readonly float: number } | { readonly body: Message }
/** An input or output of a graph; a text is a size that varies, a name of it. */
export interface Port {
  readonly name: string
  readonly element: Element
  readonly shape: readonly (number | string)[]
}
interface NodeParts {
  readonly type: string
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, Attribute>>
}

export const bytesOfPiece = ({ shape, dtype }: Piece): number =>
  shape.reduce((product, size) => product * size, ELEMENTS[dtype as Element].bytes)

function attribute(name: string, value: Attribute): Message {
  const named = within(1, name)
  if (typeof value === 'number') return [...named, ...int(3, value), ...int(20, 2)]
  if (typeof value === 'string') return [...named, ...within(4, value), ...int(20, 3)]
  if ('float' in value) return [...named, ...float(2, value.float), ...int(20, 1)]
  if ('body' in value) return [...named, ...within(6, value.body), ...int(20, 5)]
  return [...named, ...ints(8, value), ...int(20, 7)]
}

export const nodeMessage = ({ type, name, inputs, outputs, attributes }: NodeParts): Message => [
  ...inputs.flatMap((input) => within(1, input)),
  ...outputs.flatMap((output) => within(2, output)),
  ...within(3, name),
  ...within(4, type),
  ...Object.entries(attributes).flatMap(([key, value]) => within(5, attribute(key, value))),
]

function portMessage({ name, element, shape }: Port): Message {
  const sizes = shape.flatMap((size) => within(1, typeof size === 'number' ? int(1, size) : within(2, size)))
  return [...within(1, name), ...within(2, within(1, [...int(1, ELEMENTS[element].type), ...within(2, sizes)]))]
}

function tensorMessage(piece: Piece, place: ReturnType<Place>): Message {
  const { name, shape, dtype } = piece
  const head = [...ints(1, shape), ...int(2, ELEMENTS[dtype as Element].type), ...within(8, name)]
  if (place === undefined) return [...head, ...within(9, [{ byteLength: bytesOfPiece(piece), piece }])]
  const entries = Object.entries(place).flatMap(([key, value]) => within(13, [...within(1, key), ...within(2, String(value))]))
  return [...head, ...entries, ...int(14, 1)]
}

/** Message of a graph. */
export const graphMessage = (
  {
    name,
    nodes,
    inputs,
    outputs,
  }: { name: string; nodes: readonly Message[]; inputs: readonly Port[]; outputs: readonly Port[] },
  weights: readonly Message[] = [],
): Message => [
  ...nodes.flatMap((each) => within(1, each)),
  ...within(2, name),
  ...weights.flatMap((each) => within(5, each)),
  ...inputs.flatMap((each) => within(11, portMessage(each))),
  ...outputs.flatMap((each) => within(12, portMessage(each))),
]
export const weightMessages = (pieces: readonly Piece[], place: Place): Message[] =>
  pieces.map((piece) => tensorMessage(piece, place(piece)))

/** Version 8 of the format came with operator set 17, the first one with LayerNormalization. */
const [FORMAT, OPERATORS] = [8, 17]

/** Message of a model. */
export const modelMessage = (
  producer: { name: string; version: string },
  graph: Message,
  facts: Readonly<Record<string, string>>,
): Message => [
  ...int(1, FORMAT),
  ...within(2, producer.name),
  ...within(3, producer.version),
  ...within(7, graph),
  ...within(8, int(2, OPERATORS)),
  ...Object.entries(facts).flatMap(([key, value]) => within(14, [...within(1, key), ...within(2, value)])),
]
