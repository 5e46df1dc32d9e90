import { choice, type Given, integer, type Options, text } from '../../options.js'
import { POOLS } from '../../spec/ops.js'

/** Options of `Encoder.open`, and of every verb that takes an encoder. */
export const encoderFields = {
  precision: choice(['float32', 'bf16', 'int8', 'auto'], {
    default: 'float32',
    about:
      'numbers in which weights are multiplied; auto: bf16 if that is clearly faster here and keeps the vectors, else float32',
    group: 'Encoder',
  }),
  batch: integer({
    default: 4096,
    min: 1,
    about: 'tokens that are computed at once; a longer text is computed alone',
    group: 'Encoder',
  }),
  prompt: text({
    default: undefined,
    empty: true,
    about: 'text before every text, or the name of one in config_sentence_transformers.json; "" for none',
    group: 'Encoder',
  }),
  pooling: choice(POOLS, {
    default: undefined,
    about: 'one vector from the vectors of a text’s tokens; default: as the folder says, and required where it does not',
    group: 'Encoder',
  }),
  dense: choice(['keep', 'skip'], { default: 'keep', about: 'linear layers after the pooling', group: 'Encoder' }),
  normalize: choice(['keep', 'always', 'never'], {
    default: 'keep',
    about: 'scaling of vectors to length 1: as the folder says, always or never',
    group: 'Encoder',
  }),
  maxTokens: integer({
    default: undefined,
    min: 1,
    about: 'longest text; a longer one loses its last words; default: as the folder says',
    group: 'Encoder',
  }),
  threads: integer({ default: undefined, min: 1, max: 1024, about: 'threads of the computation', group: 'Encoder' }),
} as const

export type EncoderOptions = Given<typeof encoderFields>
export type ResolvedEncoder = Options<typeof encoderFields>
/** Numbers in which weights are multiplied. */
export type Precision = Exclude<ResolvedEncoder['precision'], 'auto'>
