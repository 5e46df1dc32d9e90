import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { type Given, resolve } from '../../lib/options.js'
import { makeBase } from '../../lib/text/corpus/make-base.js'
import type { MadeData } from '../../lib/text/corpus/make-events.js'
import { makeFields } from '../../lib/text/corpus/make-fields.js'
import type { MakeListener } from '../../lib/text/corpus/make-work.js'
import { doubleEncoder } from './double-encoder.js'

/** One line of a side file. */
export interface Row {
  readonly article_id: string
  readonly title?: string
  readonly index: number
  readonly text: string
}

/** A folder for each test, with texts in `texts` and the base `out`. */
export function makeFolder() {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'make-'))
    mkdirSync(join(folder, 'texts'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const at = (...names: string[]) => join(folder, ...names)
  const put = (name: string, content: string | Buffer) => writeFileSync(at('texts', name), content)
  const rows = () =>
    readFileSync(at('out.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Row)
  const make = async (
    given: Given<typeof makeFields> & { texts?: string } = {},
    encoder = doubleEncoder(),
    listener: MakeListener = {},
  ): Promise<MadeData> => {
    const { texts: from = at('texts'), ...rest } = given
    const { encoder: _, ...options } = resolve('data make', makeFields, { out: at('out'), ...rest })
    const open = async () => ({ encoder, threads: 1 })
    return makeBase({ ...options, out: options.out!, texts: from, encoder: 'double', open }, listener)
  }
  const published = ['out.npy', 'out.jsonl', 'out.card.json']
  const bytes = () => published.map((name) => readFileSync(at(name)))
  const remove = () => {
    for (const name of published) rmSync(at(name))
  }
  return { at, put, rows, texts: () => rows().map(({ text }) => text), make, bytes, remove }
}
