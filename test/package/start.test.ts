import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('no verb loads the whole package, which takes half a second: lib/index.js is for programs', () => {
  const files = readdirSync('bin', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const whole = /import\('[^']*lib\/index\.js'\)|^import (?!type ).*lib\/index\.js'/m
  expect(files.filter((file) => whole.test(readFileSync(join('bin', file), 'utf8')))).toEqual([])
})
