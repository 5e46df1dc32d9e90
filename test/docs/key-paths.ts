import { isTensorEntry } from '../../lib/files/pt.js'

/** Path of a value: keys, and `[]` for each element of a list. */
type Path = readonly string[]

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !isTensorEntry(value)

/** Paths of all leaves. An empty object is a leaf; an empty list has one for its missing element. */
export function leaves(value: unknown, path: Path = []): Path[] {
  const entries =
    value instanceof Map
      ? [...value]
      : Array.isArray(value)
        ? value.map((v) => ['[]', v])
        : isObject(value)
          ? Object.entries(value)
          : []
  if (entries.length === 0) return [Array.isArray(value) ? [...path, '[]'] : path]
  return entries.flatMap(([key, inner]) => leaves(inner, [...path, String(key)]))
}

const parse = (key: string): Path => key.replaceAll('[]', '.[]').split('.')

/** Whether a written path matches a documented one; a null or an empty list also matches every path below it. */
function fits(pattern: Path, path: Path, whole: boolean): boolean {
  const [first, ...rest] = pattern
  if (path.length === 0) return pattern.length === 0 || !whole
  if (first === '**') return true
  return (first === '*' ? path[0] !== '[]' : first === path[0]) && fits(rest, path.slice(1), whole)
}

/** Returns the undocumented paths of a sample, and the documented paths that are missing in it. */
export function compare(keys: readonly string[], samples: readonly unknown[]): { undocumented: string[]; unwritten: string[] } {
  const patterns = keys.map(parse)
  const paths = samples.flatMap((sample) => leaves(sample))
  const undocumented = paths.filter((path) => !patterns.some((pattern) => fits(pattern, path, false)))
  const unwritten = patterns.filter((pattern) => !paths.some((path) => fits(pattern, path, true)))
  const named = (list: readonly Path[]) => [...new Set(list.map((path) => path.join('.').replaceAll('.[]', '[]')))]
  return { undocumented: named(undocumented), unwritten: named(unwritten) }
}

/** Keys under each heading of a page, from tables whose first column is called `key`. */
export function documented(page: string): Map<string, string[]> {
  const sections = new Map<string, string[]>()
  for (const section of page.split(/^#+ /m)) {
    const [title, ...lines] = section.split('\n')
    const start = lines.findIndex((line) => line.startsWith('| key |'))
    if (start < 0) continue
    const table = lines.slice(start + 2, lines.indexOf('', start) < 0 ? undefined : lines.indexOf('', start))
    const keys = table.flatMap((line) => [...line.split('|')[1]!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!))
    for (const name of title!.split(', ')) sections.set(name.replaceAll('`', ''), keys)
  }
  return sections
}
