import { choice, flag, integer, text } from '../../options.js'
import { encoderFields } from '../encoders/encoder-fields.js'
import { knownEncoding } from './decode-bytes.js'

const isLanguage = (tag: string): boolean => {
  try {
    return Intl.getCanonicalLocales(tag).length === 1
  } catch {
    return false
  }
}

/** Options of `data make`, besides the texts. */
export const makeFields = {
  encoder: text({ default: undefined, about: 'folder of a sentence encoder, or its name in the cache', group: 'Vectors' }),
  out: text({ default: undefined, about: 'base to write: BASE.npy, BASE.jsonl and BASE.card.json', group: 'Vectors' }),
  dtype: choice(['float16', 'float32'], { default: 'float16', about: 'type of the stored vectors', group: 'Vectors' }),
  text: text({ default: 'text', about: 'key of the text in a record of .jsonl', group: 'Texts' }),
  article: text({
    default: undefined,
    about: 'key of the article in a record; article_id where records have it, otherwise each record is an article',
    group: 'Texts',
  }),
  category: text({
    default: undefined,
    about: 'key of the categories in a record, or in the front matter of .md; categories otherwise',
    group: 'Texts',
  }),
  encoding: text({
    default: 'utf-8',
    about: 'encoding of .txt and .md files without a byte order mark',
    expected: 'the name of an encoding, such as utf-8, windows-1252 or shift_jis',
    matches: { test: (name) => knownEncoding(name) !== undefined },
    group: 'Texts',
  }),
  language: text({
    default: undefined,
    about: 'language of all texts; detected for each article otherwise',
    expected: 'a language tag such as en, de or pt-BR',
    matches: { test: isLanguage },
    group: 'Sentences',
  }),
  maxChars: integer({
    default: 220,
    min: 16,
    max: 100_000,
    about:
      'characters of the longest row; longer sentences are cut at clauses. Encyclopedia text then has about 126 characters a row',
    group: 'Sentences',
  }),
  ...encoderFields,
  force: flag({
    default: false,
    about: 'replace an existing base, and discard unfinished work that does not match',
    group: 'Vectors',
  }),
} as const
