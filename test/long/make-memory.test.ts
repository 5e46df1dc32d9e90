import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { random } from '../../lib/statistics/random.js'
import { writeTinyEncoder } from '../text/tiny-encoder.js'

const LIBRARY = new URL('../../dist/lib/index.js', import.meta.url).href
const FILES = 6400
const WORDS = 'river stone window letter garden winter market silver engine forest'.split(' ')

const folder = mkdtempSync(join(tmpdir(), 'make-memory-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Prints the anonymous memory after a collection of garbage, in MiB, with each event of progress. */
const MEASURE = `
import { readFileSync } from 'node:fs'
import { makeData } from ${JSON.stringify(LIBRARY)}
const progress = ({ type, rows, rows_total }) => {
  if (type !== 'progress') return
  gc()
  console.log(rows / rows_total, /RssAnon:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1] / 1024)
}
await makeData({ texts: 'texts', encoder: 'encoder', out: 'base', threads: 1 }, { progress })
`

test.runIf(process.platform === 'linux')(
  'data make over thousands of files needs no more memory at its end than in its middle',
  async () => {
    mkdirSync(join(folder, 'texts'))
    for (let file = 0; file < FILES; file++) {
      const word = (i: number) => WORDS[Math.floor(random(file, i) * WORDS.length)]!
      const text = Array.from(
        { length: 6 + (file % 9) },
        (_, i) => `The ${word(i)} of ${file} is near the ${word(i + 50)}.`,
      ).join(' ')
      writeFileSync(join(folder, 'texts', `${file}.txt`), text)
    }
    writeTinyEncoder(join(folder, 'encoder'))
    writeFileSync(join(folder, 'measure.mjs'), MEASURE)
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', 'measure.mjs'], { cwd: folder })
    const samples = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ').map(Number) as [number, number])
    const most = (from: number, to: number) =>
      Math.max(...samples.filter(([part]) => part > from && part <= to).map(([, anon]) => anon))
    expect(samples.length).toBeGreaterThan(4)
    expect(most(0.5, 1) - most(0, 0.5)).toBeLessThan(16) // oneDNN keeps a kernel for each of few batch sizes
  },
)
