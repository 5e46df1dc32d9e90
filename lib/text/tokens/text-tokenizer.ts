import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { LvmError } from '../../errors.js'
import { readJsonObject } from '../../files/json.js'
import { DEFAULT_LIMITS } from '../../files/limits.js'
import { damaged } from '../../files/read-file.js'
import { Tokenizer } from '../../packages/huggingface-tokenizers.js'
import { likeRust } from './like-rust.js'

export const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json'] as const
/** A vocabulary of 250,000 pieces is a JSON file of 17 MB. */
const LIMITS = { ...DEFAULT_LIMITS, jsonBytes: 256 * 2 ** 20 }

/** Splits texts into token ids, as the tokenizer.json of an encoder says. */
export class TextTokenizer {
  private readonly before: number
  private readonly added: number
  constructor(
    /** The tokenizer of the library, for decoding. */
    readonly inner: Tokenizer,
    /** Longest text that it was made for; undefined for no bound. Units: tokens. */
    readonly modelMaxLength: number | undefined,
    private readonly prepared: (text: string) => string = (text) => text,
  ) {
    const bare: readonly number[] = inner.encode('a', { add_special_tokens: false }).ids
    const whole: readonly number[] = inner.encode('a').ids
    this.added = whole.length - bare.length
    const starts = Array.from({ length: this.added + 1 }, (_, at) => at)
    this.before = starts.find((at) => bare.every((id, i) => whole[at + i] === id)) ?? 0
  }

  /** Token ids of a text with the special tokens; a text longer than `most` loses its last words. */
  ids(text: string, most = Number.POSITIVE_INFINITY): readonly number[] {
    const { ids } = this.inner.encode(this.prepared(text))
    if (ids.length <= most) return ids
    const after = ids.length - (this.added - this.before)
    return [...ids.slice(0, Math.max(this.before, most - (this.added - this.before))), ...ids.slice(after)]
  }

  /** Tokens at the start of every text that begins with `prompt`. */
  promptTokens = (prompt: string): number => this.ids(prompt).length - (this.added - this.before)
}

/**
 * Opens the tokenizer of an encoder's folder.
 *
 * Errors: FILE_MISSING without tokenizer.json; DATA_FORMAT for one that is damaged or of an unknown kind.
 */
export async function openTokenizer(folder: string, o: { lowerCase: boolean }): Promise<TextTokenizer> {
  const [path, configPath] = TOKENIZER_FILES.map((name) => join(folder, name)) as [string, string]
  if (!existsSync(path)) {
    throw new LvmError('FILE_MISSING', `${folder}: expected tokenizer.json but the folder has none`, {
      hint: `a fast tokenizer writes it, in Python: AutoTokenizer.from_pretrained("${folder}").save_pretrained("${folder}")`,
    })
  }
  const described = await readJsonObject(path, LIMITS)
  const config = existsSync(configPath) ? await readJsonObject(configPath) : {}
  const { normalizer } = described
  const first = { type: 'Lowercase' }
  const tokenizer = o.lowerCase
    ? { ...described, normalizer: { type: 'Sequence', normalizers: normalizer === null ? [first] : [first, normalizer] } }
    : described
  const most = config.model_max_length
  try {
    return new TextTokenizer(
      new Tokenizer(tokenizer, config),
      typeof most === 'number' && Number.isSafeInteger(most) && most > 0 ? most : undefined,
      likeRust(tokenizer),
    )
  } catch (cause) {
    throw damaged(path, `expected a tokenizer that can be used but ${cause instanceof Error ? cause.message : 'it fails'}`, cause)
  }
}
