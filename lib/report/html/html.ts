import { jsonText, xmlText } from '../../show.js'

/** Text that is HTML already. */
export interface Html {
  readonly html: string
}
type Content = Html | string | number | null | undefined | false | readonly Content[]

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
/** Any text as it is written between tags or in a quoted attribute. Characters that HTML cannot hold become a mark. */
export const escaped = (text: string): string => xmlText(text).replace(/[&<>"']/g, (c) => ENTITIES[c]!)

function markup(content: Content): string {
  if (content === null || content === undefined || content === false) return ''
  if (typeof content === 'object') return 'html' in content ? content.html : content.map(markup).join('')
  return escaped(String(content))
}

/** HTML from a template: everything that is put in is escaped, unless it is HTML already. */
export const html = (parts: TemplateStringsArray, ...values: readonly Content[]): Html => ({
  html: parts.map((part, i) => part + (i < values.length ? markup(values[i]) : '')).join(''),
})

/** HTML that was made elsewhere. */
export const raw = (html: string): Html => ({ html })

/** JSON inside a script element, which no text in it can end. */
export const json = (value: unknown): Html => raw(jsonText(value, 1).replaceAll('<', '\\u003c'))
