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

/** Hash of host, boot and pid namespace: the scope in which a pid is unique. */
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

/** Prefix of this process's temporary files. */
export const ownLeftover = `.tmp-${process.pid}-${systemTag}`

/** Names of temporary files: the writer's pid, its system tag and a random part; older versions wrote the pid and a number. */
const LEFTOVER = /^\.tmp-(\d+)-(?:([0-9a-f]{8})[0-9a-f]{12}|\d+)(\.[\w.]+)?$/
/** Name of a claim on the lock of a run. */
const CLAIM = /^lock\.[0-9a-f]{16}$/
/** Minimum age of abandoned temporary files of another system. Units: ms. */
const ABANDONED = 24 * 3600_000

/** File names in a folder; empty when there is no folder. */
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

/** Removes the temporary files and folders of killed writers from a shared folder, once per process. */
export async function removeStale(folder: string): Promise<void> {
  if (swept.has(folder)) return
  swept.add(folder)
  for (const name of await names(folder)) {
    const [, pid, tag] = LEFTOVER.exec(name) ?? []
    if (pid === undefined) continue
    const path = join(folder, name)
    const found = await lstat(path).catch(() => undefined) // its writer may have finished
    if (!found?.isFile() && !(tag !== undefined && found?.isDirectory())) continue
    const dead = tag === undefined || tag === systemTag ? !runs(Number(pid)) : Date.now() - found.mtimeMs > ABANDONED
    if (dead) await rm(path, { recursive: true, force: true })
  }
}

/** Removes all temporary files and claims from a folder that only this process writes to. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await names(folder)) {
    if (LEFTOVER.test(name) || CLAIM.test(name)) await rm(join(folder, name), { recursive: true, force: true })
  }
}

/** Folders in which this process has made temporary files. */
const begun = new Set<string>()

function removeOwn(): void {
  for (const folder of begun) {
    try {
      for (const name of readdirSync(folder))
        if (name.startsWith(ownLeftover)) rmSync(join(folder, name), { recursive: true, force: true })
    } catch {} // the folder is gone, or a thread still writes there; the next writer removes the files
  }
}

/** Removes this process's temporary files in a folder when the process exits. */
export function removeAtExit(folder: string): void {
  if (!isMainThread) return // other threads may still write when a worker exits
  if (begun.size === 0) process.prependOnceListener('exit', removeOwn) // before the addon ends the process
  begun.add(resolve(folder))
}
