import { afterEach, expect, it, vi } from 'vitest'
import { colouredAnswer, colouredDiagnostic, hasColour } from '../../bin/colour.js'

afterEach(() => vi.unstubAllEnvs())
const [terminal, pipe] = [{ isTTY: true }, { isTTY: false }]

it.each([
  [terminal, {}, true],
  [pipe, {}, false],
  [terminal, { NO_COLOR: '1' }, false],
  [terminal, { NO_COLOR: '' }, true],
  [terminal, { TERM: 'dumb' }, false],
  [pipe, { FORCE_COLOR: '1' }, true],
  [pipe, { FORCE_COLOR: '' }, true],
  [terminal, { FORCE_COLOR: '0' }, false],
  [pipe, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
])('on %j with %j colours are %s', (stream, environment, expected) => {
  for (const [name, value] of Object.entries({ TERM: 'xterm', NO_COLOR: undefined, FORCE_COLOR: undefined, ...environment }))
    vi.stubEnv(name, value)
  expect(hasColour(stream)).toBe(expected)
})
it('verdicts, headings, error codes and warnings are coloured, and nothing else is changed', () => {
  const plain = 'Begin:\n  doctor  PASS\nFAILURE fix: none'
  const shown = colouredAnswer(plain)
  expect(shown).toBe('\x1b[1mBegin:\x1b[22m\n  doctor  \x1b[32mPASS\x1b[39m\nFAILURE fix: none')
  expect(colouredDiagnostic('BAD_OPTION: no\nfix: yes\nlstm: 3\nwarning: w')).toBe(
    '\x1b[31mBAD_OPTION:\x1b[39m no\n\x1b[1mfix:\x1b[22m yes\nlstm: 3\n\x1b[33mwarning:\x1b[39m w',
  )
})
