import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ERRORS, type ErrorCode, LvmError } from '../../lib/errors.js'
import { forPrograms } from '../../lib/hints.js'

const OPTION = /(^|\s)--[a-z]/

it.each(Object.keys(ERRORS) as ErrorCode[])(
  'the hint of %s speaks of the call in a program, and of the command in a shell',
  (code) => {
    const { hint, commandHint } = new LvmError(code, 'x')
    expect(commandHint).toBe(ERRORS[code].hint)
    expect(hint.replace(/npx lvm-torch libtorch install[^;]*/, '')).not.toMatch(OPTION)
    expect(hint).not.toMatch(/same command|runs list|models show/)
  },
)
it.each([
  [
    'use --resume to go on, --name for another folder or --overwrite',
    'use "resume" to go on, "name" for another folder or "overwrite"',
  ],
  ['use a smaller --batch-size, model or --context', 'use a smaller "batchSize", model or "context"'],
  ['add --no-audit-cache; it is slow', 'add "auditCache" false; it is slow'],
  ['run: lvm-torch models show NAME', 'call showModel(NAME)'],
  [
    'see all of it with: lvm-torch data audit FILE; train all the same with --force',
    'see all of it with: audit({ data: FILE }); train all the same with "force"',
  ],
  ['run: npx lvm-torch libtorch install cpu --force', 'run: npx lvm-torch libtorch install cpu --force'],
  ["run: lvm-torch runs restore 'a --b'", "run: lvm-torch runs restore 'a --b'"],
  ['try: python3 -m pip install --upgrade pip; or add --from', 'try: python3 -m pip install --upgrade pip; or add "from"'],
  ['sort the rows by article – then by position', 'sort the rows by article – then by position'],
])('the hint "%s" becomes "%s" in a program', (hint, call) => expect(forPrograms(hint)).toBe(call))

it('no message of the library names an option as the command line writes it', () => {
  const files = readdirSync('lib', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  for (const file of files) {
    const source = readFileSync(join('lib', file), 'utf8')
    for (const [call] of source.matchAll(/(?:badOption\([^,]*,[^,]*, |new LvmError\('[A-Z_]+', )(['`])(?:(?!\1).)*\1/gs))
      expect(call, file).not.toMatch(OPTION)
  }
})
