import { LvmError, shown } from '../errors.js'
import { whyNotNode } from './declared-names.js'
import { type Node, OPS, type OpName, type PredictorOp } from './ops.js'

/** Numbers of channels that an op reads and writes; `reads` is 0 for an op that reads any number. */
interface Flow {
  readonly reads: number
  readonly writes: (channels: number) => number
}
type P = Readonly<Record<string, number>>

const from = (reads: number, writes = reads): Flow => ({ reads, writes: () => writes })
const any: Flow = { reads: 0, writes: (channels) => channels }
const parts = (count: number): Flow => ({ reads: 0, writes: (channels) => channels / count })
type Compound = 'chain' | 'residual' | 'memory' | 'product' | 'concat'

/** Channels of every op without children. */
const FLOW: Readonly<Record<Exclude<PredictorOp, Compound | 'predictor'>, (p: P, kind: unknown) => Flow>> = {
  memoryInput: ({ memories }) => ({ reads: 0, writes: (channels) => channels * (1 + memories!) }),
  memoryMixture: ({ width, dim }) => from(width!, dim!),
  linear: (p) => from(p.in!, p.out!),
  pointwise: (p) => from(p.in!, p.out!),
  layerNorm: ({ dim }) => from(dim!),
  rmsNorm: ({ dim }) => from(dim!),
  activation: (_, kind) => (kind === 'glu' ? parts(2) : any),
  dropout: () => any,
  redraw: () => any,
  sinusoid: ({ dim }) => from(dim!),
  positions: ({ dim }) => from(dim!),
  conv: ({ channels }) => from(channels!),
  lstm: (p) => from(p.in!, p.width!),
  gru: (p) => from(p.in!, p.width!),
  attention: ({ dim }) => from(dim!),
  narrowAttention: ({ dim }) => from(dim!),
  attend: () => parts(3),
  linformer: () => parts(3),
  favor: ({ heads, channels }) => from(3 * heads! * channels!, heads! * channels!),
  mamba2: ({ dim }) => from(dim!),
  timeMixing: ({ dim }) => from(dim!),
  channelMixing: ({ dim }) => from(dim!),
  retention: ({ dim }) => from(dim!),
  s4: ({ dim }) => from(dim!),
  s4d: ({ dim }) => from(dim!),
  hyena: ({ dim, order }) => from((order! + 1) * dim!, dim!),
  flatten: ({ context }) => ({ reads: 0, writes: (channels) => channels * context! }),
}
/** Compound ops: the channels of each child go to the next, or all children read the same. */
const COMPOUND: Readonly<Record<Compound, (each: readonly number[], channels: number) => number | undefined>> = {
  chain: (each, channels) => each.at(-1) ?? channels,
  memory: (each, channels) => each.at(-1) ?? channels,
  residual: (each, channels) => ((each.at(-1) ?? channels) === channels ? channels : undefined),
  product: (each) => (each.length > 0 && each.every((other) => other === each[0]) ? each[0] : undefined),
  concat: (each) => (each.length > 0 ? each.reduce((a, b) => a + b, 0) : undefined),
}

const fail = (owner: string, message: string) =>
  new LvmError('BAD_SPEC', `${owner}: ${message}`, {
    hint: 'docs/own-architectures.md lists the ops and what they read and write',
  })

const isCompound = (op: OpName): op is Compound => Object.hasOwn(COMPOUND, op)
const KINDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  int: (value) => Number.isSafeInteger(value) && (value as number) > 0,
  count: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  real: (value) => Number.isFinite(value),
  bool: (value) => typeof value === 'boolean',
  text: (value) => typeof value === 'string',
}
/** Integers that may be 0. */
const ZEROS = new Set(['attend.turned', 'timeMixing.layer', 'channelMixing.layer'])

/** Errors: BAD_SPEC for anything but a node of a predictor with the parameters of its op. */
function requireNode(owner: string, node: unknown): asserts node is Node {
  const { op, params, of, name } = (typeof node === 'object' && node !== null ? node : {}) as Partial<Node>
  if (typeof op !== 'string' || typeof params !== 'object' || !Array.isArray(of))
    throw fail(owner, `expected a node, as linear(…) or chain(…) return it, but received ${shown(node)}`)
  if (!isCompound(op) && !Object.hasOwn(FLOW, op)) throw fail(owner, `expected an op for vectors but received ${shown(op)}`)
  const wrong = name === undefined ? undefined : whyNotNode(name)
  if (wrong !== undefined)
    throw new LvmError('BAD_SPEC', `${owner}: expected ${wrong} in named() but received ${shown(name)}`, {
      hint: 'choose another name for these parameters',
    })
  for (const [key, kind] of Object.entries(OPS[op])) {
    const value = params[key]
    if (KINDS[kind]!(value) || (value === 0 && ZEROS.has(`${op}.${key}`))) continue
    throw fail(
      owner,
      `${op}: expected ${kind === 'int' ? 'an integer ≥ 1' : `a value of kind ${kind}`} for "${key}" but received ${shown(value)}`,
    )
  }
}

/** Number of channels that a trunk writes for an input of `channels`. Errors: BAD_SPEC for a node or a width that does not fit. */
export function channelsOf(owner: string, node: unknown, channels: number, depth = 0): number {
  if (depth > 100) throw fail(owner, 'expected at most 100 nodes inside each other')
  requireNode(owner, node)
  const { op, params, of, name } = node
  const at = name === undefined ? op : `${op} "${name}"`
  if (isCompound(op)) {
    const beside = op === 'product' || op === 'concat'
    const each: number[] = []
    for (const child of of) each.push(channelsOf(owner, child, beside ? channels : (each.at(-1) ?? channels), depth + 1))
    const writes = COMPOUND[op](each, channels)
    if (writes !== undefined) return writes
    throw fail(
      owner,
      `${at}: expected ${op === 'residual' ? `${channels} channels again from` : 'equal channels from'} the ops inside but received ${each.join(', ') || 'no op'}`,
    )
  }
  const { reads, writes } = FLOW[op as Exclude<PredictorOp, Compound | 'predictor'>](params as P, params.kind)
  if (reads !== 0 && reads !== channels) throw fail(owner, `${at}: expected ${reads} channels but the input has ${channels}`)
  const out = writes(channels)
  if (!Number.isInteger(out)) throw fail(owner, `${at}: expected an input whose channels can be divided but it has ${channels}`)
  return out
}

/** Whether an earlier position of a spec sees later ones. */
export const seesLater = ({ op, params, of }: Node): boolean =>
  op === 'flatten' || op === 'linformer' || params.causal === false || of.some(seesLater)
