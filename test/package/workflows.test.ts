import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../lib/libtorch/paths.js'

const folder = join(packageRoot(), '.github/workflows')
const workflows = readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }))

test('every action of a workflow is pinned by the hash of a commit, with its version beside it', () => {
  const used = workflows.flatMap(({ text }) => [...text.matchAll(/\buses:(.*)/g)].map((match) => match[1]!.trim()))
  expect(used.length).toBeGreaterThan(0)
  expect(used.filter((action) => !/^[\w.-]+(\/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action))).toEqual([])
})

test('an action has the same version in all workflows', () => {
  const used = workflows.flatMap(({ text }) => [...text.matchAll(/uses: (\S+)@(\S+)/g)])
  for (const [, action] of used)
    expect(new Set(used.filter((other) => other[1] === action).map((other) => other[2])).size).toBe(1)
})

test('CI builds and runs the tiny suite on every shipped platform', () => {
  for (const { text } of workflows) {
    for (const runner of ['ubuntu-24.04', 'ubuntu-24.04-arm', 'macos-15', 'windows-2022']) expect(text).toContain(runner)
    expect(text).toMatch(/run: npm run (build|prebuild)\n(.*\n)*? +- run: npm run test:tiny/)
  }
})
