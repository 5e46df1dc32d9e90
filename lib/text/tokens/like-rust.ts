type Step = Readonly<Record<string, unknown>>

/** A normalizer or a pre-tokenizer of tokenizer.json, or those inside a sequence. */
function steps(step: unknown): readonly Step[] {
  if (typeof step !== 'object' || step === null) return []
  const own = step as Step
  return [own, ...[own.normalizers, own.pretokenizers].flatMap((list) => (Array.isArray(list) ? list.flatMap(steps) : []))]
}

/** Special tokens that are searched for before texts are normalised. */
function specialTokens(list: unknown): RegExp | undefined {
  const tokens = (Array.isArray(list) ? (list as Step[]) : []).flatMap(({ content, normalized }) =>
    typeof content === 'string' && content !== '' && normalized !== true ? [content] : [],
  )
  if (tokens.length === 0) return undefined
  const longestFirst = tokens.sort((a, b) => b.length - a.length)
  return new RegExp(longestFirst.map((token) => token.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'gu')
}

/** Chinese characters that need two units of UTF-16, in the ranges of the tokenizers of Hugging Face. */
const WIDE_CHINESE = /[\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu

/**
 * Returns a function that changes texts where the JavaScript tokenizer would give other ids than the Rust library, with which encoders are
 * trained: the ids of the changed text are those of the Rust library for the text itself.
 */
export function likeRust(tokenizer: Step): (text: string) => string {
  const [normalizers, splitters] = [steps(tokenizer.normalizer), steps(tokenizer.pre_tokenizer)]
  const has = (list: readonly Step[], type: string) => list.some((step) => step.type === type)
  const lowers = normalizers.some(({ type, lowercase }) => type === 'Lowercase' || lowercase === true)
  const chinese = normalizers.some(({ handle_chinese_chars: handles }) => handles === true)
  const special = has(splitters, 'BertPreTokenizer') ? specialTokens(tokenizer.added_tokens) : undefined
  const changes: ((text: string) => string)[] = [
    // half of a surrogate pair is no character for Rust
    (text) => text.replace(/\p{Surrogate}/gu, '\ufffd'),
  ]
  // JavaScript lowers Σ at the end of a word to ς, the tokenizers of encoders were trained with σ
  if (lowers) changes.push((text) => text.replaceAll('Σ', 'σ'))
  if (chinese) changes.push((text) => text.replace(WIDE_CHINESE, ' $& '))
  // \s of JavaScript has no "next line"
  if (has(splitters, 'WhitespaceSplit')) changes.push((text) => text.replaceAll('\u0085', ' '))
  // "<PAD>" alone, or between special tokens, becomes "<pad>" and then counts as special; the spaces change no other text
  if (special !== undefined) changes.push((text) => `${text.replace(special, ' $& ')} `)
  return (text) => changes.reduce((changed, change) => change(changed), text)
}
