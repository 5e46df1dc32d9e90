import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

/** Who holds a lock. */
interface Owner {
  readonly pid: number
  readonly host: string
}

const succeeds = (work: Promise<unknown>, except: string) =>
  work.then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== except) throw error
      return false
    },
  )

/** The holder of a lock; `gone` when it died or never finished writing its name, undefined when the lock is no more. */
async function holder(path: string): Promise<{ owner: Owner | undefined; content: string; gone: boolean } | undefined> {
  try {
    const [content, { mtimeMs }] = [await readFile(path, 'utf8'), await stat(path)]
    if (content === '') return { owner: undefined, content, gone: Date.now() - mtimeMs > 10_000 }
    const owner = JSON.parse(content) as Owner
    // A process of another machine on a shared disk cannot be seen from here.
    return { owner, content, gone: owner.host === hostname() && !alive(owner.pid) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Takes a lock whose holder is gone out of the way; what was newly taken in the meantime is put back. */
async function clear(path: string, content: string): Promise<void> {
  const aside = `${path}.${process.pid}`
  if (!(await succeeds(rename(path, aside), 'ENOENT'))) return
  if ((await readFile(aside, 'utf8')) !== content) await succeeds(link(aside, path), 'EEXIST')
  await rm(aside)
}

/** Runs `work` while no other process holds the lock file `path`; `waiting` is told once whom it waits for. */
export async function withLock<T>(
  path: string,
  waiting: (owner: string) => void,
  work: () => Promise<T>,
  every = 500,
): Promise<T> {
  const me = JSON.stringify({ pid: process.pid, host: hostname() } satisfies Owner)
  for (let told = false; !(await succeeds(writeFile(path, me, { flag: 'wx' }), 'EEXIST')); ) {
    const other = await holder(path)
    if (other?.gone) await clear(path, other.content)
    if (other === undefined || other.gone) continue
    if (!told && other.owner) waiting(`process ${other.owner.pid} on ${other.owner.host}`)
    told ||= other.owner !== undefined
    await sleep(every)
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}
