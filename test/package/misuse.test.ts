import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

interface Answer {
  readonly count: number
  readonly problems: readonly string[]
  readonly covered: readonly string[]
  readonly exported: readonly string[]
}
const folder = mkdtempSync(join(tmpdir(), 'lvm-misuse-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the misuses in a child process with its own folder, so that a crash is a result. */
function misused(part: number, of: number): Promise<Answer> {
  const script = fileURLToPath(new URL('misuse.mjs', import.meta.url))
  const cwd = join(folder, String(part), 'deep', 'below') // some misuses write to the folder above
  mkdirSync(cwd, { recursive: true })
  const child = spawn(process.execPath, [script, String(part), String(of)], { cwd, timeout: 240_000, killSignal: 'SIGKILL' })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  return new Promise((done, failed) =>
    child.on('close', (code, signal) =>
      code === 0 ? done(JSON.parse(out)) : failed(new Error(`the process ended with ${signal ?? code}: ${err.slice(-2000)}`)),
    ),
  )
}

const PARTS = 2
let answers: Answer[]
beforeAll(async () => {
  answers = await Promise.all(Array.from({ length: PARTS }, (_, part) => misused(part, PARTS)))
}, 300_000)

test('every misuse of a public function or method ends in an LvmError with a known code and a short message', () => {
  expect(answers.flatMap(({ problems }) => problems)).toEqual([])
  expect(answers.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(10_000)
})
test('every function that the package exports is among the misuses', () => {
  const { covered, exported } = answers[0]!
  const classes = ['LvmError', 'Tensor', 'TorchScriptModule', 'Encoder', 'Decoder'] // their methods are called instead
  const withoutArguments = ['architectures', 'devices', 'operators', 'listModels', 'ERRORS', 'FAULTS']
  expect(exported.filter((name) => ![...covered, ...classes, ...withoutArguments].includes(name))).toEqual([])
})
