import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { random } from '../../lib/statistics/random.js'
import { shared } from './python.js'

const LVM = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))
const ENCODER = fileURLToPath(new URL('../text/encoders/fixtures/tiny-bert', import.meta.url))
const FILES = 1000
const KILLS = 20
const WORDS = 'river stone window letter garden winter market silver engine forest'.split(' ')

/** Sentences of Wikipedia, where they are at hand. */
const WIKI = shared('wiki42113.jsonl.gz')
const sentences: string[] = existsSync(WIKI)
  ? gunzipSync(readFileSync(WIKI))
      .toString()
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { text: string }).text)
  : Array.from({ length: 20_000 }, (_, i) => {
      const word = (n: number) => WORDS[Math.floor(random(i, n) * WORDS.length)]!
      return `The ${word(0)} of row ${i} has a ${word(1)} near the ${word(2)}.`
    })

const folder = mkdtempSync(join(tmpdir(), 'make-kills-'))
beforeAll(() => {
  mkdirSync(join(folder, 'texts'))
  const each = Math.floor(sentences.length / FILES)
  for (let file = 0; file < FILES; file++) {
    const paragraphs = Array.from({ length: Math.ceil(each / 6) }, (_, i) =>
      sentences.slice(each * file + 6 * i, each * file + Math.min(each, 6 * (i + 1))).join(' '),
    )
    writeFileSync(join(folder, 'texts', `${file}.txt`), [`== File ${file} ==`, ...paragraphs].join('\n\n'))
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const files = (out: string) => ['.npy', '.jsonl', '.card.json'].map((end) => join(folder, out + end))
/** Hashes, because comparing and printing Buffers of megabytes takes gigabytes. */
const hashes = (out: string) => files(out).map((file) => createHash('sha256').update(readFileSync(file)).digest('hex'))
/** Folders of unfinished work. */
const left = () => readdirSync(folder).filter((name) => name.endsWith('.making'))

/** Runs `data make`, and kills it after a time. Returns its exit code; null after a kill. */
async function run(out: string, killAfter?: number): Promise<number | null> {
  const words = [
    LVM,
    'data',
    'make',
    join(folder, 'texts'),
    '--encoder',
    ENCODER,
    '--out',
    join(folder, out),
    '--no-audit',
    '--threads',
    '1',
  ]
  const child = spawn(process.execPath, words, { stdio: 'ignore' })
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter)
  const [code] = (await once(child, 'exit')) as [number | null]
  clearTimeout(timer)
  return code
}

test(`data make that is killed at ${KILLS} random instants gives the bytes of an uninterrupted one`, async () => {
  const began = performance.now()
  expect(await run('whole')).toBe(0)
  const whole = performance.now() - began
  const expected = hashes('whole')
  /** Compares a finished base, and requires that the same command leaves it and its folder as they should be. */
  const check = async () => {
    expect(hashes('killed')).toEqual(expected)
    expect(await run('killed')).toBe(2) // the base exists
    expect(left()).toEqual([])
    for (const file of files('killed')) rmSync(file)
  }
  const ends: (number | null)[] = []
  for (let kill = 0; kill < KILLS; kill++) {
    ends.push(await run('killed', whole * random(0, kill)))
    expect([0, 2, null]).toContain(ends.at(-1)) // 2: the base was complete at the kill before
    if (ends.at(-1) !== null) await check()
  }
  expect(ends).toContain(null)
  if (existsSync(join(folder, 'killed.making')) || !existsSync(files('killed')[0]!)) expect(await run('killed')).toBe(0)
  await check()
})
