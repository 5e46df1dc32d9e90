// Starts ./serve of an unpacked bundle, and tells its events and its processes.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** Environment without anything of this clone: no libtorch, no home folder, no variables of npm. */
const bare = () => ({ PATH: process.env.PATH, OMP_NUM_THREADS: '1' })

/** Starts `serve` of a bundle with further options; resolves once it listens. */
export async function startBundle(folder, words) {
  const begun = performance.now()
  const child = spawn(`${folder}/serve`, ['--port', '0', '--json', ...words], { cwd: '/', env: bare() })
  const events = []
  const waiting = new Set()
  const said = []
  child.stderr.on('data', (chunk) => said.push(String(chunk)))
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }))
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line)
    if (event.type !== 'request') events.push(event)
    for (const look of waiting) look()
  })
  /** Resolves with the next event of one of these types after the first `seen` events. */
  const next = (types, seen, seconds = 60) =>
    new Promise((done, fail) => {
      const late = setTimeout(() => end(fail, new Error(`no event ${types.join(' or ')} within ${seconds} s`)), seconds * 1000)
      const end = (settle, value) => {
        clearTimeout(late)
        waiting.delete(look)
        settle(value)
      }
      const look = () => {
        const found = events.slice(seen).find(({ type }) => types.includes(type))
        if (found) end(done, found)
      }
      waiting.add(look)
      look()
      exited.then(({ code, signal }) => end(fail, new Error(`serve ended with ${signal ?? code}: ${said.join('').trim()}`)))
    })
  const { url, models } = await next(['listening'], 0)
  return {
    url,
    models,
    pid: child.pid,
    seconds: (performance.now() - begun) / 1000,
    exited,
    /** Sends a signal and resolves with the first event of these types that follows. */
    signal(name, types) {
      const seen = events.length
      child.kill(name)
      return next(types, seen)
    },
    next: (types) => next(types, events.length),
    kill: () => child.kill('SIGKILL'),
  }
}

/** Processes that a process has started; empty outside Linux. */
export function childrenOf(pid) {
  const file = `/proc/${pid}/task/${pid}/children`
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number) : []
}
