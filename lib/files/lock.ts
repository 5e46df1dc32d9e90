import { randomUUID } from 'node:crypto'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { link, lstat, mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileError, LvmError } from '../errors.js'
import { textHash } from './hash.js'
import { alive, type Holder, isOpenHere, local, parseHolder, thisProcess } from './holder.js'
import { temporary } from './write.js'

/** A lock that this process holds. */
export interface Lock {
  release(): Promise<void>
}

/** One file of the chain of a lock: `lock`, then the claim on it, then the claim on that claim. */
interface Link {
  readonly path: string
  readonly text: string
  readonly holder: Holder | undefined
}

const claimOn = (folder: string, text: string) => join(folder, `lock.${textHash(text).slice(0, 16)}`)

const gone = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
}

async function chainOf(folder: string): Promise<Link[]> {
  const chain: Link[] = []
  for (let path = join(folder, 'lock'); ; ) {
    const found = await lstat(path).catch(gone)
    if (found?.isFile() === false) {
      const message = `${path}: expected a lock of lvm-torch, a plain file, but found something else`
      throw new LvmError('FILE_ACCESS', message, { hint: 'remove it' }) // reading a pipe would block
    }
    const text = found && (await readFile(path, 'utf8').catch(gone))
    if (text === undefined) return chain
    chain.push({ path, text, holder: parseHolder(text) })
    path = claimOn(folder, text)
  }
}

/**
 * Whether the last link of a chain still holds the lock.
 *
 * Without hard links a lock file is created empty and written afterwards, so an empty lock younger than 5 s counts as held.
 * The holder keeps its lock file open, so a lock of this process that no thread has open was left by a terminated worker thread.
 */
async function held({ path, holder }: Link, me: Holder): Promise<boolean> {
  if (holder !== undefined && holder.pid === me.pid && local(holder, me) && !isOpenHere(path)) return false
  if (holder !== undefined) return alive(holder, me)
  const made = await stat(path).then(
    (found) => found.mtimeMs,
    () => Date.now(),
  )
  return Date.now() - made < 5000
}

/** Makes the error for a folder that cannot be written; other system errors, such as a full disk, keep their own code. */
function unwritable(folder: string, what: string, error: unknown): unknown {
  const { message } = error as NodeJS.ErrnoException
  const known = fileError(error, `could not lock ${folder}`)
  if (!(known instanceof LvmError) || known.code !== 'FILE_ACCESS') return known
  return new LvmError('BAD_OPTION', `${what}: expected a folder that can be written but received "${folder}" (${message})`, {
    cause: error,
    hint: 'change the permissions of the folder, or choose another one',
  })
}

/** Creates a file with its text and keeps it open; Node closes it when the thread ends for any reason. */
function openNew(path: string, text: string): number {
  const file = openSync(path, 'wx')
  try {
    writeFileSync(file, text)
    return file
  } catch (error) {
    closeSync(file)
    throw error
  }
}

/** Creates a file with its text atomically and keeps it open; undefined when the name is taken. */
async function create(folder: string, what: string, path: string, text: string): Promise<number | undefined> {
  const written = temporary(folder)
  let file: number | undefined
  try {
    await mkdir(folder, { recursive: true })
    file = openNew(written, text)
    try {
      await link(written, path)
      return file
    } catch (error) {
      closeSync(file)
      if (['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code!)) return undefined
      return openNew(path, text) // the file system has no hard links
    }
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EEXIST' && (error as NodeJS.ErrnoException).syscall === 'open'
    if (taken) return undefined
    throw unwritable(folder, what, error)
  } finally {
    await rm(written, { force: true }).catch(() => {})
  }
}

function locked(what: string, { path, holder }: Pick<Link, 'path' | 'holder'>, me: Holder): LvmError {
  const who =
    holder === undefined ? 'a process' : holder.pid === me.pid && local(holder, me) ? 'this process' : `process ${holder.pid}`
  const where = holder === undefined || holder.host === me.host ? '' : ` on ${holder.host}`
  const since = holder === undefined ? '' : ` since ${holder.started}`
  const hint = `wait for it, or choose another name or folder; if it no longer runs there, delete ${path}`
  return new LvmError(
    'RUN_LOCKED',
    `${what}: expected no other writer but ${who}${where} has been writing it${since}`,
    holder !== undefined && local(holder, me) ? {} : { hint },
  )
}

/**
 * Makes this process the only writer of a run folder, and creates the folder if needed.
 *
 * A lock whose process has ended is taken over. The claim file is named after the hash of the lock, so exactly one of several
 * processes can create it; it is then renamed to `lock`. A claim on a lock that no longer exists is deleted.
 * Errors: RUN_LOCKED with the pid and start time of the holder; BAD_OPTION for a folder that cannot be written.
 */
export async function lockRun(folder: string, what = `run ${basename(folder)}`): Promise<Lock> {
  const me = await thisProcess()
  const text = `${JSON.stringify({ ...me, token: randomUUID() })}\n`
  const lock = join(folder, 'lock')
  const heldBy = (file: number): Lock => {
    let open = true
    const release = async () => {
      if (!open) return
      open = false
      const mine = (await readFile(lock, 'utf8').catch(() => '')) === text
      if (mine) await rm(lock, { force: true }).catch(() => {}) // on a disk that became read-only the file stays, but an unopened lock does not count
      closeSync(file)
    }
    return { release }
  }
  for (let attempt = 0; ; attempt++) {
    const file = await create(folder, what, lock, text)
    if (file !== undefined) return heldBy(file)
    const chain = await chainOf(folder)
    const last = chain.at(-1)
    if (attempt > 100 || (last !== undefined && (await held(last, me))))
      throw locked(what, last ?? { path: lock, holder: undefined }, me)
    const claim = last && claimOn(folder, last.text)
    const claimed = claim === undefined ? undefined : await create(folder, what, claim, text)
    if (claim !== undefined && claimed !== undefined) {
      if ((await readFile(lock, 'utf8').catch(() => '')) === chain[0]?.text) {
        await rename(claim, lock)
        for (const { path } of chain.slice(1)) await rm(path, { force: true })
        return heldBy(claimed)
      }
      await rm(claim, { force: true })
      closeSync(claimed)
    }
    await sleep(5 * Math.random())
  }
}

/** The process that holds the lock of a run; undefined when there is none or the lock cannot be read. */
export async function lockHolder(folder: string): Promise<Holder | undefined> {
  const last = (await chainOf(folder).catch(() => [])).at(-1)
  return last?.holder !== undefined && (await held(last, await thisProcess())) ? last.holder : undefined
}
