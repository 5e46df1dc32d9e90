import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))

/** The command-line program in its own process. */
export interface Program {
  readonly child: ChildProcess
  /** Output so far. */
  out(): string
  err(): string
  /** Resolves when the output matches; rejects when the process ends without a match. */
  says(pattern: RegExp): Promise<void>
  /** Exit code; null if a signal ended it. */
  readonly end: Promise<number | null>
}

export function lvm(where: string | { cwd: string; env: Record<string, string> }, ...words: string[]): Program {
  const { cwd, env } = typeof where === 'string' ? { cwd: where, env: {} } : where
  const child = spawn(process.execPath, [cli, ...words], { cwd, env: { ...process.env, ...env, NO_COLOR: '1' } })
  let [out, err, ended] = ['', '', false]
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const end = new Promise<number | null>((resolve) =>
    child.on('close', (code) => {
      ended = true
      resolve(code)
    }),
  )
  return {
    child,
    out: () => out,
    err: () => err,
    end,
    says: async (pattern) => {
      while (!pattern.test(out)) {
        if (ended) throw new Error(`it ended without ${pattern}: ${out}${err}`)
        await sleep(5)
      }
    },
  }
}

/** Events printed as complete lines. */
export const eventsOf = (program: Program): { type: string; version: number; [key: string]: unknown }[] =>
  program
    .out()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
