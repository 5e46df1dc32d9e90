import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Writes the first articles of the sample as .txt files, one sentence in each paragraph; returns the folder. */
export function writeNotes(folder: string, articles: number): string {
  mkdirSync(folder, { recursive: true })
  const sample = readFileSync(new URL('../../data/sample/factbook.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { article_id: string; text: string })
  for (const id of [...new Set(sample.map(({ article_id }) => article_id))].slice(0, articles)) {
    const said = sample.filter(({ article_id }) => article_id === id).map(({ text }) => text)
    writeFileSync(join(folder, `${id}.txt`.replace(/[^\w.]/g, '-')), said.slice(0, 30).join('\n\n'))
  }
  return folder
}
