import type { Piece } from '../../files/write-safetensors.js'
import { Tensor } from '../../torch/tensor.js'
import { SpecWriter } from '../spec-writer.js'
import { type Arrangement, arranged } from './arranged-weight.js'
import { type Attribute, ELEMENTS, type Element, graphMessage, nodeMessage, type Port } from './messages.js'
import type { Message } from './protobuf.js'

/** Name of a value of the graph, or a number, which is float32. */
export type Value = string | number

/** A matrix of a quantised run: integers [out, in], and a scale for each output. */
export interface Integers {
  readonly values: Tensor
  readonly scales: Tensor
  /** Whether the model holds it as [in, out]. */
  readonly turned: boolean
}

/** An ONNX graph, written node by node; parameters are reached through the names of the nodes of the spec. */
export class OnnxWriter extends SpecWriter {
  /** Weights and constants by name. */
  readonly pieces = new Map<string, Piece>()
  /** Number of positions, an int64 scalar. */
  time = ''
  private nodes: Message[] = []
  private readonly known = new Map<string, string>()
  private count = 0

  constructor(
    private readonly state: ReadonlyMap<string, Tensor>,
    private readonly integers: ReadonlyMap<string, Integers> = new Map(),
  ) {
    super()
  }

  /** Adds a node and returns the name of its result. */
  op(type: string, inputs: readonly Value[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    return this.ops(type, inputs, 1, attributes)[0]!
  }
  /** Adds a node with several results. */
  ops(type: string, inputs: readonly Value[], outputs: number, attributes: Readonly<Record<string, Attribute>> = {}): string[] {
    this.count += 1
    const name = [...this.path, `${type}_${this.count}`].join('/')
    const results = Array.from({ length: outputs }, (_, i) => (outputs === 1 ? name : `${name}:${i}`))
    const read = inputs.map((value) => this.value(value))
    this.nodes.push(nodeMessage({ type, name, inputs: read, outputs: results, attributes }))
    return results
  }
  /** Gives a value the name of an output. */
  result(name: string, value: string): void {
    this.nodes.push(nodeMessage({ type: 'Identity', name, inputs: [value], outputs: [name], attributes: {} }))
  }
  private value(value: Value): string {
    return typeof value === 'string' ? value : this.constant([value], [])
  }

  add = (a: Value, b: Value): string => this.op('Add', [a, b])
  sub = (a: Value, b: Value): string => this.op('Sub', [a, b])
  mul = (a: Value, b: Value): string => this.op('Mul', [a, b])
  div = (a: Value, b: Value): string => this.op('Div', [a, b])
  matmul = (a: Value, b: Value): string => this.op('MatMul', [a, b])
  transpose = (x: string, ...perm: number[]): string => this.op('Transpose', [x], { perm })
  /** 0 keeps a size, −1 stands for what is left. */
  reshape = (x: string, ...shape: number[]): string => this.op('Reshape', [x, this.ints(shape)])
  unsqueeze = (x: string, ...axes: number[]): string => this.op('Unsqueeze', [x, this.ints(axes)])
  squeeze = (x: string, axis: number): string => this.op('Squeeze', [x, this.ints([axis])])
  concat = (parts: readonly string[], axis: number): string => this.op('Concat', parts, { axis })
  gather = (x: string, index: string | number, axis: number): string =>
    this.op('Gather', [x, typeof index === 'number' ? this.ints([index], []) : index], { axis })
  split = (x: string, sizes: readonly number[]): string[] => this.ops('Split', [x, this.ints(sizes)], sizes.length, { axis: -1 })
  /** Parts of equal size along the channels. */
  equal = (x: string, parts: number): string[] => this.ops('Split', [x], parts, { axis: -1 })
  sum = (x: string, axis = -1, keepdims = 1): string => this.op('ReduceSum', [x, this.ints([axis])], { keepdims })
  slice = (x: string, axis: number, from: number, to: number): string =>
    this.op('Slice', [x, this.ints([from]), this.ints([to]), this.ints([axis])])
  cast = (x: string, dtype: Element): string => this.op('Cast', [x], { to: ELEMENTS[dtype].type })

  /** A constant of the model. */
  constant(
    values: readonly number[],
    shape: readonly number[] = [values.length],
    dtype: 'float32' | 'float64' | 'int64' = 'float32',
  ): string {
    const name = this.once(`${dtype}[${shape}](${values})`, () => `constant_${this.known.size}`)
    const array = {
      float32: () => Float32Array.from(values),
      float64: () => Float64Array.from(values),
      int64: () => BigInt64Array.from(values, BigInt),
    }
    return this.keep({ name, shape, dtype, make: async () => Tensor.from(array[dtype](), shape) })
  }
  ints = (values: readonly number[], shape: readonly number[] = [values.length]): string => this.constant(values, shape, 'int64')

  /** Full name of a parameter of the current node. */
  private full(name: string): string {
    return [...this.path, name].join('.')
  }
  shape(name: string): number[] {
    return this.state.get(this.full(name))!.shape
  }
  /** A parameter of the current node as the run holds it. */
  param(name: string): string {
    return this.weight(name, {})
  }
  /** A weight of the current node, arranged while the file is written; that of a quantised run stays in integers. */
  weight(
    name: string,
    { of = [name], ...how }: Arrangement & { readonly of?: readonly string[] } = { transposed: true },
  ): string {
    const integers = of.length === 1 ? this.integers.get(this.full(of[0]!)) : undefined
    if (integers !== undefined) return this.dequantized(this.full(name), integers, how)
    const sources = of.map((each) => this.state.get(this.full(each))!)
    return this.keep(arranged(this.full(name), sources, 'float32', how))
  }
  private dequantized(name: string, { values, scales, turned }: Integers, how: Arrangement): string {
    const transposed = turned !== (how.transposed === true)
    const piece = arranged(name, [values], 'int8', { ...how, transposed })
    return this.once(`dequantized/${piece.name}`, () => {
      const axis = piece.shape.length - (transposed ? 1 : 2)
      const scale = this.keep(arranged(`${name}.scale`, [scales], 'float32', { rows: how.rows }))
      return this.op('DequantizeLinear', [this.keep(piece), scale], { axis })
    })
  }
  private keep(piece: Piece): string {
    this.pieces.set(piece.name, piece)
    return piece.name
  }
  /** A float32 constant that libtorch computes while the file is written, with the rounding of the run's own. */
  computed(name: string, shape: readonly number[], make: () => Promise<Tensor>): string {
    return this.keep({ name, shape, dtype: 'float32', make })
  }

  /** Makes a value once for the whole graph. */
  once(key: string, make: () => string): string {
    const name = this.known.get(key) ?? make()
    this.known.set(key, name)
    return name
  }
  /** Makes the graph that a Scan runs for every position: state and inputs → new state and outputs. */
  body(inputs: readonly Port[], make: (...names: string[]) => readonly Port[]): Message {
    const before = this.nodes
    this.nodes = []
    const named = inputs.map((port) => ({ ...port, name: `${[...this.path, port.name].join('/')}:${this.count}` }))
    const outputs = make(...named.map(({ name }) => name))
    const made = graphMessage({ name: 'step', nodes: this.nodes, inputs: named, outputs })
    this.nodes = before
    return made
  }
  /** Message of the whole graph without its weights. */
  finish(name: string, inputs: readonly Port[], outputs: readonly Port[], weights: readonly Message[]): Message {
    return graphMessage({ name, nodes: this.nodes, inputs, outputs }, weights)
  }
}
