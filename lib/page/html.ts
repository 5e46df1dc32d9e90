import { jsonText, xmlText } from '../show.js'

/** Markup that is not escaped again. */
export interface Html {
  readonly html: string
}
type Content = Html | string | number | null | undefined | false | readonly Content[]

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
/** Escapes text for an element or a quoted attribute. Characters that HTML does not allow become U+FFFD. */
export const escaped = (text: string): string => xmlText(text).replace(/[&<>"']/g, (c) => ENTITIES[c]!)

function markup(content: Content): string {
  if (content === null || content === undefined || content === false) return ''
  if (typeof content === 'object') return 'html' in content ? content.html : content.map(markup).join('')
  return escaped(String(content))
}

/** Builds HTML from a template; every inserted value that is not Html is escaped. */
export const html = (parts: TemplateStringsArray, ...values: readonly Content[]): Html => ({
  html: parts.map((part, i) => part + (i < values.length ? markup(values[i]) : '')).join(''),
})

/** Marks a text as HTML, without escaping. */
export const raw = (html: string): Html => ({ html })

/** Returns JSON for a script element; no text in it can close the element. */
export const json = (value: unknown): Html => raw(jsonText(value, 1).replaceAll('<', '\\u003c'))
