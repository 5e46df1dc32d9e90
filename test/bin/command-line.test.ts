import { join } from 'node:path'
import { expect, it } from 'vitest'
import { program, resumption, runnable } from '../../bin/command-line.js'

it.each([
  ['/home/me/project/node_modules/.bin/lvm-torch', 'npx lvm-torch'],
  ['/usr/local/bin/lvm', 'lvm'],
  [join(process.cwd(), 'dist/bin/lvm.js'), 'node dist/bin/lvm.js'],
])('the script %s is called as «%s»', (script, called) => expect(program(script)).toBe(called))

it.each([
  ['fix: run: lvm-torch runs restore RUN', 'fix: run: npx lvm-torch runs restore RUN'],
  ['fix: run: npx lvm-torch libtorch install', 'fix: run: npx lvm-torch libtorch install'],
  ['a report of lvm-torch but a part is missing', 'a report of lvm-torch but a part is missing'],
  ['source  lvm-torch synth', 'source  lvm-torch synth'],
  ['  lvm-torch demo   train', '  lvm-torch demo   train'],
])('«%s» is printed as «%s» to a user of npx', (sentence, printed) =>
  expect(runnable(sentence, '/home/me/node_modules/lvm-torch/dist/bin/lvm.js')).toBe(printed),
)

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
