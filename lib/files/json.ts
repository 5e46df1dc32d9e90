import { readFile } from 'node:fs/promises'
import { DEFAULT_LIMITS, type Limits } from './limits.js'
import { damaged, fileSize } from './read-file.js'

const [QUOTE, BACKSLASH, COLON] = ['"', '\\', ':'].map((c) => c.charCodeAt(0)) as [number, number, number]

/** Index after the closing quote of the string that starts at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes++
    if (escapes % 2 === 0) return end + 1
  }
  return text.length
}

/** Counts the occurrences of a part in a text; stops at `enough + 1`. */
export const countOf = (text: string, part: string, enough: number): number => {
  let count = 0
  for (let at = text.indexOf(part); at >= 0 && count <= enough; at = text.indexOf(part, at + 1)) count++
  return count
}

/** Whether JSON nests deeper than `limit`; recursion over such a value would overflow the stack. */
function nestsDeeper(text: string, limit: number): boolean {
  if (countOf(text, '[', limit) + countOf(text, '{', limit) <= limit) return false
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const c = text[at]
    if (c === '"') at = endOfString(text, at) - 1
    else if (c === '[' || c === '{') {
      if (++depth > limit) return true
    } else if (c === ']' || c === '}') depth--
  }
  return false
}

/** Finds a key that occurs twice in one object of a JSON text; JSON.parse would silently keep the last. */
export function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = []
  for (let at = 0; at < text.length; at++) {
    const c = text[at]
    if (c === '{' || c === '[') open.push(new Set())
    else if (c === '}' || c === ']') open.pop()
    else if (c === '"') {
      const end = endOfString(text, at)
      let next = end
      while (/\s/.test(text[next] ?? 'x')) next++
      if (text.charCodeAt(next) === COLON) {
        const key = JSON.parse(text.slice(at, end)) as string
        if (open.at(-1)?.has(key)) return key
        open.at(-1)?.add(key)
      }
      at = end - 1
    }
  }
  return undefined
}

/** Replaces the NaN and Infinity that Python writes by null, outside strings. */
function withoutNaN(text: string): string {
  const parts: string[] = []
  for (let at = 0; at < text.length; ) {
    const inString = text.charCodeAt(at) === QUOTE
    const quote = text.indexOf('"', at)
    const end = inString ? endOfString(text, at) : quote < 0 ? text.length : quote
    const part = text.slice(at, end)
    parts.push(inString ? part : part.replace(/(?<![\w.])-?(?:NaN|Infinity)\b/g, 'null'))
    at = end
  }
  return parts.join('')
}

/**
 * Parses JSON. With `python`, NaN and Infinity, which Python writes although JSON lacks them, become null.
 *
 * Errors: SyntaxError; RangeError for nesting deeper than `limit`.
 */
export function parseJson(text: string, limit: number, { python = true } = {}): unknown {
  if (nestsDeeper(text, limit)) throw new RangeError(`it nests deeper than ${limit} levels`)
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!python || !/NaN|Infinity/.test(text)) throw error
    return JSON.parse(withoutNaN(text))
  }
}

/** Names the encoding of a text that is not UTF-8, from its first bytes; undefined when it may be UTF-8. */
export function foreignEncoding(head: Buffer): string | undefined {
  const mark = head.toString('hex', 0, 4)
  if (mark === 'fffe0000' || mark === '0000feff') return 'UTF-32'
  if (mark.startsWith('fffe') || mark.startsWith('feff')) return 'UTF-16'
  return head.subarray(0, 64).includes(0) ? 'UTF-16 without a mark, or no text' : undefined
}

/** Describes a JSON error without the long excerpt that JSON.parse quotes. */
export const jsonFault = (error: unknown): string => (error instanceof RangeError ? error.message : 'it is not JSON')

/** Reads a small JSON file, with or without a byte order mark. Errors: FILE_MISSING, DATA_FORMAT. */
export async function readJson(path: string, limits: Limits = DEFAULT_LIMITS): Promise<unknown> {
  const size = await fileSize(path)
  if (size > limits.jsonBytes) throw damaged(path, `expected at most ${limits.jsonBytes} bytes but it holds ${size}`)
  const bytes = await readFile(path)
  const encoding = foreignEncoding(bytes)
  if (encoding !== undefined) throw damaged(path, `expected JSON in UTF-8 but it is ${encoding}; save it as UTF-8`)
  try {
    return parseJson(bytes.toString('utf8').replace(/^\uFEFF/, ''), limits.jsonDepth)
  } catch (error) {
    throw damaged(path, jsonFault(error), error)
  }
}

/** Reads the object in a small JSON file. Errors: FILE_MISSING, DATA_FORMAT. */
export async function readJsonObject(path: string, limits: Limits = DEFAULT_LIMITS): Promise<Record<string, unknown>> {
  const value = await readJson(path, limits)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(path, 'expected an object')
  return value as Record<string, unknown>
}
