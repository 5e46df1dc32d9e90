import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { records } from '../lib/report/figures/csv-records.js'
import { csv } from '../lib/report/figures/draw-figure.js'
import {
  aligned,
  fitTables,
  jsonText,
  oneLine,
  percent,
  plainName,
  shellWord,
  table,
  terminalText,
  xmlText,
} from '../lib/show.js'

const cli = fileURLToPath(new URL('../dist/bin/lvm.js', import.meta.url))
const HOSTILE = '\x1b[2J\x07\x9b31m\x7f\u202e\u2066\ud800\u2028\r\t'
const ORDINARY = 'Ångström 中文 עברית\u200f 👩\u200d🚀 −½ «x» \\n'

it('terminalText escapes control characters, bidi overrides and lone surrogates, and keeps line breaks', () => {
  expect(terminalText(`a${HOSTILE}\r\nb`)).toBe('a\\x1b[2J\\x07\\x9b31m\\x7f\\u202e\\u2066\\ud800\\u2028\\r\\t\nb')
  expect(oneLine('a\nfix: b')).toBe('a\\nfix: b')
  for (const show of [terminalText, oneLine, xmlText]) expect(show(ORDINARY)).toBe(ORDINARY)
})
it('percent writes a minus sign, and none for a share that rounds to zero', () => {
  expect([percent(-0.0627), percent(0.042), percent(-0.0001)]).toEqual(['−6.3 %', '4.2 %', '0.0 %'])
})
it('jsonText is safe on a terminal and parses to the same value', () => {
  const value = { [HOSTILE]: [HOSTILE, ORDINARY, 'a\nb', 1] }
  for (const indent of [undefined, 2]) {
    expect(JSON.parse(jsonText(value, indent))).toEqual(value)
    expect(jsonText(value, indent).replaceAll('\n', '')).toBe(terminalText(jsonText(value, indent)).replaceAll('\n', ''))
  }
})
it('xmlText replaces every character that XML forbids', () => {
  expect(xmlText('a\0\x1b\udc00\ufffe\uffff\u202eb\t\n\r')).toBe(`a${'\ufffd'.repeat(6)}b\t\n\r`)
})
it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '＝1', "'=1", "''-1"])(
  'the CSV cell %j is not read as a formula, and reads back unchanged',
  (text) => {
    const file = csv({ columns: [text, 'b'], rows: [[text, -1.5]] })
    expect(file).toMatch(/^"?'/)
    expect(file).toMatch(/,-1\.5\n$/)
    expect(records(file)).toEqual([{ [text]: text, b: '-1.5' }])
  },
)
it('plainName keeps ordinary names and gives different names to different texts', () => {
  for (const name of ['lstm_baseline', 'a.b-c_1', '中文']) expect(plainName(name)).toBe(name)
  const odd = ['a b', 'a?b', 'a_b', 'a/b', '=a', '..\\x', '\ud800', '\x1b[2J', '../x'].map(plainName)
  expect(new Set(odd).size).toBe(odd.length)
  for (const name of odd) expect(name).toMatch(/^[\p{L}\p{N}._-]+$/u)
})
it.each(["it's", 'a b', '$(id)', 'a\x1b[2J\nb', '-', '=ls', '~', 'a\\b', '', "a\u202eb'\\", 'é', '`x`|y;z'])(
  'shellWord quotes %j so that bash reads it back unchanged',
  (word) => {
    expect(oneLine(shellWord(word, 'linux'))).toBe(shellWord(word, 'linux'))
    const said = execFileSync('bash', ['-c', `printf %s ${shellWord(word, 'linux')}`], {
      encoding: 'utf8',
      env: { LC_ALL: 'C.UTF-8' },
    })
    expect(said).toBe(word)
  },
)
it.each([
  [['train', 'lstm', '--data', 'no\x1b[2Jsuch']],
  [['verify', '\u202egnp']],
  [['runs', 'show', 'a\x9b31m']],
  [['x\x07']],
  [['train', 'lstm', '--y\x1b']],
  [['runs', 'show', 'a\x1b', '--json']],
])('the command line refuses %j without printing a control character', (words) => {
  const { stdout, stderr } = spawnSync(process.execPath, [cli, ...words], { encoding: 'utf8' })
  expect(stderr).toMatch(/^[A-Z_]+: /)
  expect(stdout + stderr).toBe(terminalText(stdout + stderr))
})

describe('a table on a narrow terminal', () => {
  afterEach(() => fitTables(Number.POSITIVE_INFINITY))
  const rows = [
    { run: 'lstm_baseline', loss: 0.25, about: 'two recurrent layers; small, and fast on any machine', at: '2026-01-01 00:00' },
    { run: 'gru', loss: 0.5, about: '–', at: '–' },
  ]
  const columns = Object.fromEntries(
    (['run', 'loss', 'about', 'at'] as const).map((key) => [key, (row: (typeof rows)[number]) => row[key]]),
  )
  it('long texts are broken into lines where that is enough', () => {
    fitTables(80)
    expect(table(rows, columns).split('\n')).toEqual([
      'run            loss  about                                     at',
      'lstm_baseline  0.25  two recurrent layers; small, and fast on  2026-01-01 00:00',
      '                     any machine',
      'gru             0.5  –                                         –',
    ])
  })
  it('a table that is still too wide goes on below, with its first column again, and loses nothing', () => {
    const figures = Array.from({ length: 9 }, (_, i) => `figure ${i}`)
    const wide = [['', ...figures], ...['lstm', 'gru'].map((run) => [run, ...figures.map((_, i) => `.${i}${run.length}5`)])]
    fitTables(60)
    const text = aligned(wide)
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(60)
    for (const cell of wide.flat()) expect(text).toContain(cell)
    expect(text.match(/^lstm /gm)).toHaveLength(2)
  })
  it('a terminal that is wide enough changes nothing', () => {
    const plain = table(rows, columns)
    fitTables(200)
    expect(table(rows, columns)).toBe(plain)
  })
})
