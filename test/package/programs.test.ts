import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { RIGHT, WRONG } from './right-and-wrong.js'

const app = mkdtempSync(join(tmpdir(), 'lvm-torch-programs-'))
afterAll(() => rmSync(app, { recursive: true, force: true }))
const modules = join(packageRoot(), 'node_modules')
mkdirSync(join(app, 'node_modules'))
symlinkSync(packageRoot(), join(app, 'node_modules/lvm-torch'), 'junction')
writeFileSync(join(app, 'package.json'), '{"name": "app", "private": true, "type": "module"}')

const HEAD =
  "import * as lvm from 'lvm-torch'; import { torch } from 'lvm-torch'; declare const x: lvm.Tensor, w: lvm.Tensor, model: lvm.Model"
/** Lines of a file with errors, and their text. */
const errorsIn = (output: string, file: string) =>
  new Map(
    Array.from(output.matchAll(/^(\S+)\((\d+),\d+\): error (.*)$/gm)).flatMap(([, path, line, text]) =>
      path === file ? [[Number(line) - 2, text]] : [],
    ),
  )

test('programs that are right compile, and wrong ones do not', async () => {
  const write = (name: string, programs: readonly string[]) =>
    writeFileSync(join(app, name), `${HEAD}\n${programs.map((program) => `{ ${program} }`).join('\n')}\n`)
  write('right.ts', RIGHT)
  write('wrong.ts', WRONG)
  const options = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--exactOptionalPropertyTypes',
    '--target',
    'es2022',
    '--lib',
    'es2023,esnext.disposable',
  ]
  const words = [
    ...options,
    '--types',
    'node',
    '--typeRoots',
    join(modules, '@types'),
    '--module',
    'nodenext',
    'right.ts',
    'wrong.ts',
  ]
  const output = await new Promise<string>((done) => {
    execFile(process.execPath, [join(modules, 'typescript/bin/tsc'), ...words], { cwd: app }, (_, stdout) => done(stdout))
  })
  const [right, wrong] = [errorsIn(output, 'right.ts'), errorsIn(output, 'wrong.ts')]
  expect([...right].map(([i, text]) => `${RIGHT[i]}: ${text}`)).toEqual([])
  expect(WRONG.filter((_, i) => !wrong.has(i))).toEqual([])
  expect(Math.min(RIGHT.length, WRONG.length)).toBeGreaterThanOrEqual(40)
}, 60_000)
