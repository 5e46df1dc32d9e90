import { choice, flag, integer, text } from '../../options.js'
import { GTR_SPACES } from './gtr-space.js'

/** Options of `Decoder.open` beside the folder. */
export const decoderFields = {
  corrector: text({
    default: undefined,
    about: 'folder of the corrector; the one beside the hypothesizer unless given',
    group: 'Text',
  }),
  embedder: text({
    default: undefined,
    about: 'folder of the encoder (gtr-t5-base); its weights are used instead of those in the hypothesizer',
    group: 'Text',
  }),
  threads: integer({ default: undefined, min: 1, max: 1024, about: 'threads of the computation', group: 'Machine' }),
} as const

/** Options of `decoder.decode`. */
export const inversionFields = {
  steps: integer({
    default: 5,
    min: 0,
    max: 1000,
    about: 'corrections of each text at most; 0 keeps the first text',
    group: 'Text',
  }),
  beam: integer({
    default: 1,
    min: 1,
    max: 64,
    about: 'texts of each vector that are corrected at once; the time of a step grows with its square',
    group: 'Text',
  }),
  compat: flag({
    default: false,
    about: 'as the original: the last text instead of the best, no early stop, and texts of up to 128 tokens',
    group: 'Text',
  }),
  maxLength: integer({
    default: undefined,
    min: 2,
    max: 4096,
    about: 'tokens of a text at most, the start included; default: as the models were trained with',
    group: 'Text',
  }),
  space: choice(GTR_SPACES, {
    default: undefined,
    about: 'space of the vectors; that of the decoder unless given',
    group: 'Text',
  }),
  bridge: flag({ default: false, about: 'convert vectors of another GTR space to that of the decoder', group: 'Text' }),
} as const
