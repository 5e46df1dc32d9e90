import { lexer, type Token, type Tokens } from '../../packages/marked.js'
import { parse } from '../../packages/yaml.js'
import { cleanText } from '../sentences/clean-text.js'

const FRONT_MATTER = /^---[ \t]*\r?\n([\s\S]*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/
const TAG = /<\/?[a-z][^<>]*>|\[\^[^\]\s]+\]:?/gi
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  copy: '©',
  reg: '®',
  trade: '™',
  ndash: '–',
  mdash: '—',
  hellip: '…',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  times: '×',
  rarr: '→',
  larr: '←',
}
const ENTITY = /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]{2,8}));/gi

function entity(whole: string, hex: string | undefined, digits: string | undefined, name: string | undefined): string {
  if (name !== undefined) return ENTITIES[name] ?? whole
  const code = hex !== undefined ? Number.parseInt(hex, 16) : Number(digits)
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
}

/** Text of inline marks: the words of links and emphasis, without images, tags and footnote marks. */
function inline(tokens: readonly Token[]): string {
  const parts = tokens.map((token) => {
    if (token.type === 'image' || token.type === 'html') return ''
    if (token.type === 'br') return ' '
    const { tokens: inner, text, raw } = token as Tokens.Text
    if (inner !== undefined) return inline(inner)
    return token.type === 'codespan' ? text : (text ?? raw).replace(TAG, '').replace(ENTITY, entity)
  })
  return parts.join('')
}

function* blocks(tokens: readonly Token[]): Generator<string> {
  for (const token of tokens) {
    if (token.type === 'list') for (const item of (token as Tokens.List).items) yield* blocks(item.tokens)
    else if (token.type === 'blockquote') yield* blocks(token.tokens ?? [])
    else if (token.type === 'heading' || token.type === 'paragraph' || token.type === 'text')
      yield inline(token.tokens ?? [token])
  }
}

/** Parses the front matter of a text; anything that is not an object in YAML is text. */
function frontMatter(text: string): { facts: Record<string, unknown>; body: string } {
  const [whole, yaml] = FRONT_MATTER.exec(text) ?? []
  if (whole === undefined) return { facts: {}, body: text }
  try {
    const facts: unknown = parse(yaml!, { maxAliasCount: 10 })
    if (typeof facts === 'object' && facts !== null && !Array.isArray(facts))
      return { facts: facts as Record<string, unknown>, body: text.slice(whole.length) }
  } catch {} // such as a text between two rules
  return { facts: {}, body: text }
}

/**
 * Reads the paragraphs, headings and list items of a Markdown text, and its front matter.
 *
 * Links keep their words; code blocks, tables, images, HTML and footnote marks are left out.
 */
export function markdownParagraphs(text: string): {
  paragraphs: string[]
  title: string | undefined
  facts: Readonly<Record<string, unknown>>
} {
  const { facts, body } = frontMatter(text)
  const tokens = lexer(body)
  const paragraphs = Array.from(blocks(tokens), cleanText).filter((paragraph) => /[\p{L}\p{N}]/u.test(paragraph))
  const heading = tokens.find((token) => token.type === 'heading') as Tokens.Heading | undefined
  const named = typeof facts.title === 'string' ? facts.title : heading && inline(heading.tokens)
  const title = cleanText(named ?? '')
  return { paragraphs, title: title === '' ? undefined : title, facts }
}
