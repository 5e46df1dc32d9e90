import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { random } from '../../lib/statistics/random.js'

const LVM = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))
const ENCODER = fileURLToPath(new URL('../text/encoders/fixtures/tiny-bert', import.meta.url))
const FILES = 1000
const KILLS = 20
const WORDS = 'river stone window letter garden winter market silver engine forest'.split(' ')

const folder = mkdtempSync(join(tmpdir(), 'make-kills-'))
beforeAll(() => {
  mkdirSync(join(folder, 'texts'))
  for (let file = 0; file < FILES; file++) {
    const word = (i: number) => WORDS[Math.floor(random(file, i) * WORDS.length)]!
    const sentences = Array.from(
      { length: 5 + (file % 20) },
      (_, i) => `The ${word(3 * i)} of file ${file} has a ${word(3 * i + 1)} near the ${word(3 * i + 2)}.`,
    )
    writeFileSync(join(folder, 'texts', `${file}.txt`), sentences.join(' '))
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const files = (out: string) => ['.npy', '.jsonl', '.card.json'].map((end) => join(folder, out + end))
const bytes = (out: string) => files(out).map((file) => readFileSync(file))
const isComplete = (out: string) =>
  files(out).every((file) => existsSync(file)) && !existsSync(join(folder, `${out}.making`, 'card.json'))

/** Runs `data make`, and kills it after a time. Returns whether it ended by itself. */
async function run(out: string, killAfter?: number): Promise<boolean> {
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
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  clearTimeout(timer)
  expect(signal === 'SIGKILL' || code === 0).toBe(true)
  return signal === null
}

test(`data make that is killed at ${KILLS} random instants gives the bytes of an uninterrupted one`, async () => {
  const began = performance.now()
  await run('whole')
  const whole = performance.now() - began
  const expected = bytes('whole')
  let complete = 0
  for (let kill = 0; kill < KILLS; kill++) {
    await run('killed', whole * random(0, kill))
    if (!isComplete('killed')) continue
    complete++
    expect(bytes('killed')).toEqual(expected)
    for (const file of files('killed')) rmSync(file)
    rmSync(join(folder, 'killed.making'), { recursive: true, force: true })
  }
  if (complete === 0 || existsSync(join(folder, 'killed.making'))) {
    await run('killed')
    expect(bytes('killed')).toEqual(expected)
  }
})
