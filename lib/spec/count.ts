import type { Node, OpName } from './ops.js'

type P = Readonly<Record<string, number>>
/** Parameters of a node without its children; a test compares them with C++ for every architecture. */
const OWN: Readonly<Record<OpName, (p: P, text: Readonly<Record<string, unknown>>) => number>> = {
  chain: () => 0,
  residual: () => 0,
  memory: () => 0,
  product: () => 0,
  concat: () => 0,
  predictor: (_, { residual }) => ({ none: 0, memory: 0, decay: 2 })[residual as string] ?? 1,
  memoryInput: (p) => p.memories!,
  memoryMixture: ({ dim, memories, width }) =>
    dim! * dim! + memories! * (2 + 2 * memories! + (memories! * (memories! - 1)) / 2 + width!),
  linear: (p, { bias }) => p.in! * p.out! + (bias === true ? p.out! : 0),
  layerNorm: (p) => 2 * p.dim!,
  rmsNorm: (p) => p.dim!,
  activation: () => 0,
  dropout: () => 0,
  sinusoid: () => 0,
  positions: (p) => p.rows! * p.dim!,
  conv: (p) => p.channels! * (p.kernel! + 1),
  lstm: (p) =>
    Array.from({ length: p.layers! }, (_, l) => 4 * p.width! * ((l === 0 ? p.in! : p.width!) + p.width! + 2)).reduce(
      (a, b) => a + b,
      0,
    ),
  gru: (p) => 3 * p.width! * (p.in! + p.width! + 2),
  attention: (p) => 4 * p.dim! * (p.dim! + 1),
  narrowAttention: ({ dim, inner }) => 4 * dim! * inner! + 3 * inner! + dim!,
  attend: () => 0,
  mamba2: ({ dim, inner, state, headDim, kernel }) =>
    dim! * (3 * inner! + 2 * state! + inner! / headDim!) + // input and output projections
    (inner! + 2 * state!) * (kernel! + 1) +
    (3 * inner!) / headDim! +
    inner!,
  timeMixing: (p) => p.dim! * (4 * p.dim! + 5),
  channelMixing: (p) => p.dim! * (p.dim! + 2 * p.hidden! + 2),
  linformer: (p) => 2 * p.rows! * p.slots!,
  s4: (p) => p.dim! * (2 + p.state!) + 3 * p.copies! * p.state!,
  s4d: (p) => 2 * p.dim! * (1 + p.state!),
  hyena: (p) => {
    const [features, filters] = [2 * p.bands! + 1, (p.order! - 1) * p.dim!]
    return (p.width! + 1) * filters + features * (p.rows! + p.width!) + p.width! * (2 * p.width! + 4)
  },
  pointwise: (p) => p.out! * (p.in! + 1),
  retention: (p) => p.dim! * (2 * p.dim! + 3 * p.value!),
  favor: () => 0,
  redraw: () => 0,
  flatten: () => 0,
  textModel: () => 0,
  embedding: (p) => p.entries! * p.dim!,
  absolutePositions: (p) => p.rows! * p.dim!,
  tokenType: (p) => p.types! * p.dim!,
  relativeBias: () => 0,
  textAttention: () => 0,
  pool: () => 0,
  unit: () => 0,
}

/** Counts the trainable parameters of a node without its children. */
export const ownParameters = ({ op, params }: Node): number => OWN[op](params as P, params)

/** Counts the trainable parameters of a spec without building it; a tied node was counted before. */
export const countParameters = (node: Node): number =>
  node.tied === true ? 0 : ownParameters(node) + node.of.reduce((sum, child) => sum + countParameters(child), 0)
