import { choice, text } from '../../options.js'
import { encoderFields } from '../encoders/encoder-fields.js'

/** Options of `encode`. */
export const encodeFields = {
  encoder: text({ default: undefined, about: 'folder of a sentence encoder, or its name in the cache', group: 'Encode' }),
  input: text({ default: '-', about: 'file with one text a line, in UTF-8; - is stdin', group: 'Encode' }),
  out: text({
    default: undefined,
    matches: /\.npy$/i,
    expected: 'a name that ends in .npy',
    about: 'file to write, with a .jsonl of the texts and a .card.json beside it; without it JSON lines go to stdout',
    group: 'Encode',
  }),
  dtype: choice(['float32', 'float16'], { default: 'float32', about: 'type of the written numbers', group: 'Encode' }),
  empty: choice(['refuse', 'encode', 'skip'], {
    default: 'refuse',
    about: 'empty lines; skipping them shifts the rows after them',
    group: 'Encode',
  }),
  ...encoderFields,
} as const
