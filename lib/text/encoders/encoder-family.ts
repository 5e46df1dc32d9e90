import type { Node } from '../../spec/ops.js'
import type { EncoderConfig } from './encoder-config.js'

/** The part of an encoder that turns token ids into a vector per token. */
export interface Transformer {
  readonly dim: number
  /** Longest text that its table of positions allows; Infinity without a table. Units: tokens. */
  readonly longest: number
  readonly nodes: readonly Node[]
}

/** One kind of transformer: its graph from config.json, and the names of its weights in files. */
export interface EncoderFamily {
  /** Values of `model_type` in config.json. */
  readonly types: readonly string[]
  /** A name that all its weight files contain, after a prefix such as `bert.`. */
  readonly anchor: string
  /** Names of one tensor, the name in the graph first; they follow the prefix without its last part too. */
  readonly aliases: readonly (readonly string[])[]
  /** Names of weights that an encoder does not use, after the prefix or without it. */
  readonly unused: readonly RegExp[]
  /** Errors: BAD_ENCODER. */
  build(config: EncoderConfig, names: ReadonlySet<string>): Transformer
}
