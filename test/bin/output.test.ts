import { expect, it } from 'vitest'
import { wrapped } from '../../bin/output.js'
import { bytes, count, duration, table } from '../../lib/show.js'

it('a table aligns words left and numbers right, and shows a missing value as a dash', () => {
  const rows = [
    { name: 'lstm', parameters: '5,120,768', note: 'small' },
    { name: 'transformer', parameters: '17,603,840', note: null },
  ]
  expect(table(rows, { name: (r) => r.name, parameters: (r) => r.parameters, note: (r) => r.note })).toBe(
    ['name         parameters  note', 'lstm          5,120,768  small', 'transformer  17,603,840  –'].join('\n'),
  )
})
it('a table without rows is its titles', () => expect(table([], { a: () => 1, bee: () => 2 })).toBe('a  bee'))
it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [20_523_456, '20.5 MB'],
  [1_600_000_000, '1.6 GB'],
])('%i bytes are written as %s', (n, shown) => expect(bytes(n)).toBe(shown))
it.each([
  [0.04, '0.0 s'],
  [9.94, '9.9 s'],
  [9.96, '10 s'],
  [59.6, '1 min 00 s'],
  [185, '3 min 05 s'],
  [3599.7, '1 h 00 min'],
  [7620, '2 h 07 min'],
])('%f seconds are written as %s', (seconds, shown) => expect(duration(seconds)).toBe(shown))
it('a count is written with commas between thousands', () => expect(count(5120768)).toBe('5,120,768'))
it('a sentence that is longer than the terminal breaks between words, and keeps its margin', () => {
  const sentence = 'BAD_OPTION: train: expected an integer for "epochs" but received "many"'
  expect(wrapped(sentence, { isTTY: true, columns: 40 })).toBe(
    'BAD_OPTION: train: expected an integer\nfor "epochs" but received "many"',
  )
  expect(
    wrapped(`  ${sentence}`, { isTTY: true, columns: 40 })
      .split('\n')
      .every((line) => /^ {2}\S.{0,37}$/.test(line)),
  ).toBe(true)
  expect(wrapped(sentence, { columns: 40 })).toBe(sentence)
})
it.each(['fix: run: lvm-torch libtorch install --from FILE', 'lstm_baseline    0.512  a row of a table with columns'])(
  'a terminal of 30 columns gets «%s» in one piece',
  (line) => expect(wrapped(line, { isTTY: true, columns: 30 })).toBe(line),
)
