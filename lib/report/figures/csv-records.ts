import { fromCsvText } from '../../show.js'

/** Parses a CSV file into records by column title. Source: RFC 4180. */
export function records(text: string): Record<string, string>[] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1)!.push(fromCsvText(quoted?.replaceAll('""', '"') ?? plain ?? ''))
    if (end === '') break
    if (end !== ',') rows.push([])
  }
  const [titles = [], ...lines] = rows
  return lines
    .filter((line) => line.length === titles.length)
    .map((line) => Object.fromEntries(titles.map((title, i) => [title, line[i]!])))
}
