import { join } from 'node:path'
import { expect, it } from 'vitest'
import { program, resumption } from '../../bin/command-line.js'

it.each([
  ['/home/me/project/node_modules/.bin/lvm-torch', 'npx lvm-torch'],
  ['/usr/local/bin/lvm', 'lvm'],
  [join(process.cwd(), 'dist/bin/lvm.js'), 'node dist/bin/lvm.js'],
])('the script %s is called as «%s»', (script, called) => expect(program(script)).toBe(called))

it('the command line that resumes is quoted for a shell and has --resume once', () => {
  const words = [
    'train',
    'lstm',
    '--resume',
    '--overwrite',
    '--data',
    "it's here.npz",
    '--name=a_b-1',
    '--note',
    '$HOME',
    '--no-resume',
  ]
  expect(resumption(words)).toMatch(/ train lstm --data 'it'\\''s here.npz' --name=a_b-1 --note '\$HOME' --resume$/)
})
