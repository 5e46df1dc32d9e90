import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Compiles this room and those it imports to plain JavaScript for child processes, independent of the last build. */
function compiled(): string {
  const out = mkdtempSync(join(tmpdir(), 'lvm-compiled-'))
  const rooms = ['lib', 'lib/data', 'lib/checkpoint', 'lib/files'].flatMap((room) =>
    readdirSync(join(root, room)).flatMap((name) => (name.endsWith('.ts') ? [`${room}/${name}`] : [])),
  )
  for (const file of [...rooms, 'test/checkpoint/saves.ts', 'test/checkpoint/child.ts']) {
    const { outputText } = ts.transpileModule(readFileSync(join(root, file), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
    })
    const path = join(out, file.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, outputText)
  }
  writeFileSync(join(out, 'package.json'), '{"type":"module"}')
  return out
}

let code: string | undefined
afterAll(() => {
  if (code !== undefined) rmSync(code, { recursive: true, force: true })
})

/** A child process, and the lines it has printed so far. */
export interface Child {
  readonly process: ChildProcess
  readonly lines: string[]
  /** Resolves when a line matches, or with undefined when the process ends without a match. */
  line(pattern: RegExp): Promise<string | undefined>
  /** Kills the process, and resolves when it has ended. */
  kill(): Promise<void>
}

/** Starts `child.ts` with a verb and a run folder. */
export function start(verb: 'save' | 'lock', folder: string, env: NodeJS.ProcessEnv = process.env): Child {
  code ??= compiled()
  const child = spawn(process.execPath, [join(code, 'test/checkpoint/child.js'), verb, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env,
  })
  const lines: string[] = []
  let rest = ''
  let heard = () => {}
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop()!
    lines.push(...parts)
    heard()
  })
  let ended = false
  const end = new Promise<void>((resolve) => {
    child.on('close', () => {
      ended = true
      heard()
      resolve()
    })
  })
  return {
    process: child,
    lines,
    line: async (pattern) => {
      for (;;) {
        const found = lines.find((line) => pattern.test(line))
        if (found !== undefined || ended) return found
        await new Promise<void>((resolve) => {
          heard = resolve
        })
      }
    },
    kill: () => {
      child.kill('SIGKILL')
      return end
    },
  }
}
