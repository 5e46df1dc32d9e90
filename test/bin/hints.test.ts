import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { normsWarning } from '../../lib/data/checks.js'
import { ERRORS, type ErrorCode, LvmError } from '../../lib/errors.js'
import { forPrograms, worded } from '../../lib/hints.js'
import { PATTERNS } from '../../lib/study/diagnose/patterns.js'
import { npy } from '../files/fixture.js'

const OPTION = /(^|\s)--[a-z]/

it.each(Object.keys(ERRORS) as ErrorCode[])(
  'the hint of %s names options of the function in a program, and flags in a shell',
  (code) => {
    const { hint, commandHint } = new LvmError(code, 'x')
    expect(commandHint).toBe(ERRORS[code].hint)
    expect(hint.replace(/npx lvm-torch libtorch install[^;]*/, '')).not.toMatch(OPTION)
    expect(hint).not.toMatch(/same command|runs list|models show/)
  },
)
it.each([
  [
    'use --resume to continue, --name for another folder or --overwrite',
    'use "resume" to continue, "name" for another folder or "overwrite"',
  ],
  ['use a smaller --batch-size, model or --context', 'use a smaller "batchSize", model or "context"'],
  ['add --no-audit-cache; it is slow', 'add "auditCache" false; it is slow'],
  ['run: lvm-torch models show NAME', 'call showModel(NAME)'],
  [
    'see the full audit with: lvm-torch data audit FILE; train anyway with --force',
    'see the full audit with: audit({ data: FILE }); train anyway with "force"',
  ],
  ['run: npx lvm-torch libtorch install cpu --force', 'run: npx lvm-torch libtorch install cpu --force'],
  ["run: lvm-torch runs restore 'a --b'", "run: lvm-torch runs restore 'a --b'"],
  ['try: python3 -m pip install --upgrade pip; or add --from', 'try: python3 -m pip install --upgrade pip; or add "from"'],
  ['sort the rows by article – then by position', 'sort the rows by article – then by position'],
])('the hint "%s" becomes "%s" in a program', (hint, call) => expect(forPrograms(hint)).toBe(call))

it('no message of the library names a command-line flag', () => {
  const files = readdirSync('lib', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  for (const file of files) {
    const source = readFileSync(join('lib', file), 'utf8')
    for (const [call] of source.matchAll(/(?:badOption\([^,]*,[^,]*, |new LvmError\('[A-Z_]+', )(['`])(?:(?!\1).)*\1/gs))
      expect(call, file).not.toMatch(OPTION)
  }
})

it('no sentence of a result names a command-line flag in a program', () => {
  expect(worded('train with --ema 0 or a smaller --lr')).toBe('train with "ema" 0 or a smaller "lr"')
  expect(normsWarning({ min: 1, max: 2, mean: 1.5, deviating: 1 }, 2)).not.toMatch(OPTION)
  for (const { why, fix } of PATTERNS)
    for (const words of [why, fix]) if (typeof words === 'string') expect(worded(words)).not.toMatch(OPTION)
})
it('the command line names flags in warnings and results', () => {
  const cli = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))
  const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-hints-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const long = npy('<f4', [12, 4], new Uint8Array(new Float32Array(12 * 4).fill(1).buffer))
  writeFileSync(join(folder, 'long.npy'), long)
  const { stdout } = spawnSync(process.execPath, [cli, 'data', 'inspect', 'long.npy'], { cwd: folder, encoding: 'utf8' })
  expect(stdout).toContain(
    'warning: 12 of 12 vectors are not of length 1 (from 2.000 to 2.000, mean 2.000); --normalize makes them so',
  )
})
it('the usual hints of DIVERGED and OUT_OF_MEMORY fit every verb', () => {
  expect(new LvmError('OUT_OF_MEMORY', 'predict: no').commandHint).not.toMatch(/--/)
  expect(new LvmError('DIVERGED', 'gate: no').commandHint).toMatch(/^train with a smaller --lr/)
})
