import { type ChildProcess, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'

const cli = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))
const many = fileURLToPath(new URL('many-verbs.mjs', import.meta.url))

/** Output of a process up to a zero byte, or all of it. */
const answerOf = (child: ChildProcess, words: readonly string[]): Promise<string> =>
  new Promise((done, failed) => {
    const [out, error] = [[] as Buffer[], [] as Buffer[]]
    const hearError = (chunk: Buffer) => error.push(chunk)
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      child.off('close', end).stdout!.off('data', hear)
      child.stderr!.off('data', hearError)
      if (out.length > 0) done(Buffer.concat(out).toString())
      else failed(new Error(`${words.join(' ')}: ended with ${signal ?? code}: ${Buffer.concat(error)}`))
    }
    const hear = (chunk: Buffer) => {
      const whole = chunk.at(-1) === 0
      out.push(whole ? chunk.subarray(0, -1) : chunk)
      if (whole) end(0, null)
    }
    child.on('close', end).stdout!.on('data', hear)
    child.stderr!.on('data', hearError)
  })

const asking = (child: ChildProcess) => child.stdio[3] as Writable

/** Runs verbs in a folder: each in a process of its own, or after others in one, which saves the start of libtorch. */
export function verbProcess(cwd: string, env: NodeJS.ProcessEnv) {
  let shared: ChildProcess | undefined
  const alone = (words: readonly string[], more: NodeJS.ProcessEnv) =>
    answerOf(spawn(process.execPath, [cli, ...words], { cwd, env: { ...env, ...more } }), words)
  const among = async (words: readonly string[]) => {
    if (shared === undefined || shared.exitCode !== null || shared.signalCode !== null)
      shared = spawn(process.execPath, [many, pathToFileURL(cli).href], { cwd, env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
    asking(shared).write(`${JSON.stringify(words)}\n`)
    return answerOf(shared, words)
  }
  const end = () => shared && asking(shared).end()
  return { alone, among, end }
}
