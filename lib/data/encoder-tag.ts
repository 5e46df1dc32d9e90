import { damaged } from '../files/read-file.js'

/** The encoder that made the vectors of a base, as its card describes it. */
export interface EncoderTag {
  readonly name: string
  /** SHA-256 over its weights, tokenizer and module configs. */
  readonly hash?: string
  readonly precision?: string
  /** Text put before each encoded text, such as "query: ". */
  readonly prompt?: string
  /** Options that were given in place of what its folder says. */
  readonly pooling?: string
  readonly dense?: string
  readonly normalize?: string
}

const KEYS = ['name', 'hash', 'precision', 'prompt', 'pooling', 'dense', 'normalize'] as const

/** Reads `encoder` of a card: its name, or an object with its name and hash; other keys are not read. Errors: DATA_FORMAT. */
export function readEncoderTag(path: string, value: unknown): string | EncoderTag {
  if (typeof value === 'string' && value !== '') return value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(path, 'expected a text for "encoder"')
  const fields = value as Readonly<Record<string, unknown>>
  const known = KEYS.filter((key) => fields[key] !== undefined && fields[key] !== null)
  const wrong = known.find((key) => typeof fields[key] !== 'string') ?? (fields.name ? undefined : 'name')
  if (wrong !== undefined) throw damaged(path, `expected a text for "encoder.${wrong}"`)
  return Object.fromEntries(known.map((key) => [key, fields[key]])) as unknown as EncoderTag
}

/** The encoder of a card as an object; undefined without one. */
export const encoderTag = (encoder: string | EncoderTag | undefined): EncoderTag | undefined =>
  typeof encoder === 'string' ? { name: encoder } : encoder
