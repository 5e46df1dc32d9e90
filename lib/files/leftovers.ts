import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { lstat, readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { isMainThread } from 'node:worker_threads'

const code = (error: unknown) => (error as NodeJS.ErrnoException).code ?? ''
const orNothing = (read: () => string) => {
  try {
    return read()
  } catch {
    return ''
  }
}

/** Where and since when pids count: the host, its start and the container. */
export const systemTag: string = createHash('sha256')
  .update(
    [
      hostname(),
      orNothing(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
      orNothing(() => readlinkSync('/proc/self/ns/pid')),
    ].join('\n'),
  )
  .digest('hex')
  .slice(0, 8)

/** The beginning of the names of this process. */
export const ownLeftover = `.tmp-${process.pid}-${systemTag}`

/** Names that a writer gives to what is not finished: its pid, the tag of its system, and chance. Older writers: the pid and a number. */
const LEFTOVER = /^\.tmp-(\d+)-(?:([0-9a-f]{8})[0-9a-f]{12}|\d+)(\.[\w.]+)?$/
/** A claim on the lock of a run. */
const CLAIM = /^lock\.[0-9a-f]{16}$/
/** After this, what another system left is taken to be nobody's. Units: ms. */
const LONG = 24 * 3600_000

/** Names in a folder; none where there is no folder. */
export async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (code(error) === 'ENOENT' || code(error) === 'ENOTDIR') return []
    throw error
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return code(error) !== 'ESRCH'
  }
}

const swept = new Set<string>()

/** Removes the files that killed writers left in a folder which others write to as well; looks once in a process. */
export async function removeStale(folder: string): Promise<void> {
  if (swept.has(folder)) return
  swept.add(folder)
  for (const name of await names(folder)) {
    const [, pid, tag] = LEFTOVER.exec(name) ?? []
    if (pid === undefined) continue
    const path = join(folder, name)
    const found = await lstat(path).catch(() => undefined) // its writer may have finished
    if (!found?.isFile()) continue
    const dead = tag === undefined || tag === systemTag ? !runs(Number(pid)) : Date.now() - found.mtimeMs > LONG
    if (dead) await rm(path, { force: true })
  }
}

/** Removes all that killed writers left in a folder that this process alone writes to. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await names(folder)) {
    if (LEFTOVER.test(name) || CLAIM.test(name)) await rm(join(folder, name), { recursive: true, force: true })
  }
}

/** Folders in which this process has begun files. */
const begun = new Set<string>()

function removeOwn(): void {
  for (const folder of begun) {
    try {
      for (const name of readdirSync(folder))
        if (name.startsWith(ownLeftover)) rmSync(join(folder, name), { recursive: true, force: true })
    } catch {} // the folder has gone, or a thread still writes there: the next writer removes it
  }
}

/** Lets the files that this process begins in a folder go with it, where it exits before they are finished. */
export function removeAtExit(folder: string): void {
  if (!isMainThread) return // a worker ends alone, and others of its process may be writing
  if (begun.size === 0) process.prependOnceListener('exit', removeOwn) // before the addon ends the process
  begun.add(resolve(folder))
}
