import { join } from 'node:path'
import { expect, it } from 'vitest'
import { program, resumption } from '../../bin/command-line.js'

it.each([
  ['/home/me/project/node_modules/.bin/lvm-torch', 'npx lvm-torch'],
  ['/usr/local/bin/lvm', 'lvm'],
  [join(process.cwd(), 'dist/bin/lvm.js'), 'node dist/bin/lvm.js'],
])('%s is called as %s', (script, called) => expect(program(script)).toBe(called))

it('quotes what a shell would take apart, and asks for --resume once', () => {
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
