import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { place } from '../train/runs.js'

export const cli = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))
/** Whether there is a Python that can open terminals. */
export const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0

/** Starts a program on a new terminal, waits until it has printed a text, and closes the terminal. */
const CLOSER = `
import os, pty, re, sys
pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen = b''
while not re.search(sys.argv[1].encode(), seen):
    try: piece = os.read(master, 4096)
    except OSError: sys.exit('it ended too early: ' + seen.decode())
    seen += piece
os.close(master)
sys.stdout.write(seen.decode())
`
/** Runs a verb on a terminal that closes after it has printed a text; returns the output until then. */
export const onTerminal = (until: RegExp, ...words: string[]): string =>
  execFileSync('python3', ['-c', CLOSER, until.source, process.execPath, cli, ...words], { cwd: place('.'), encoding: 'utf8' })

/** Waits until a function has a result. */
export async function until<T>(read: () => T | undefined, seconds = 50): Promise<T> {
  for (let i = 0; i < seconds * 10; i++) {
    const found = read()
    if (found !== undefined) return found
    await sleep(100)
  }
  throw new Error('it did not happen in time')
}
export const textOf = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)
