// The public entry `lvm-torch/spec`: what an architecture of one's own is made of.
export { LvmError } from '../errors.js'
export { choice, type Field, type Fields, flag, integer, type Options, real, text } from '../options.js'
export type { Architecture, Declared, Preset, Shape } from './architecture.js'
export { countParameters } from './count.js'
export {
  type Activation,
  activation,
  attend,
  attention,
  chain,
  channelMixing,
  concat,
  conv,
  dropout,
  favor,
  flatten,
  gru,
  hyena,
  layerNorm,
  linear,
  linformer,
  lstm,
  mamba2,
  memory,
  type Node,
  named,
  pointwise,
  positions,
  product,
  redraw,
  residual,
  retention,
  rmsNorm,
  s4,
  s4d,
  sinusoid,
  tied,
  timeMixing,
} from './ops.js'
export { architecture, type CommonOptions, type OwnArchitecture } from './own-architecture.js'
export { printTree } from './print.js'
