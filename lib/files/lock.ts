import { randomUUID } from 'node:crypto'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { link, lstat, mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileError, LvmError } from '../errors.js'
import { textHash } from './hash.js'
import { alive, type Holder, isOpenHere, local, parseHolder, thisProcess } from './holder.js'
import { temporary } from './write.js'

/** A lock that is held. */
export interface Lock {
  release(): Promise<void>
}

/** One file of the chain that holds the lock: `lock`, then the claim on it, then the claim on that. */
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
      throw new LvmError('FILE_ACCESS', message, { hint: 'remove it' }) // reading a pipe would wait for ever
    }
    const text = found && (await readFile(path, 'utf8').catch(gone))
    if (text === undefined) return chain
    chain.push({ path, text, holder: parseHolder(text) })
    path = claimOn(folder, text)
  }
}

/**
 * Whether the last of a chain still holds it. Where files have one name only, a lock is without text for a moment after its making.
 *
 * The holder keeps its lock file open, so one of this process that nobody has open was left by a worker thread that has ended.
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

/** A folder that cannot be written as an error that says so; a full disk and the like by their own codes. */
function unwritable(folder: string, what: string, error: unknown): unknown {
  const { message } = error as NodeJS.ErrnoException
  const known = fileError(error, `could not lock ${folder}`)
  if (!(known instanceof LvmError) || known.code !== 'FILE_ACCESS') return known
  return new LvmError('BAD_OPTION', `${what}: expected a folder that can be written but received "${folder}" (${message})`, {
    cause: error,
    hint: 'change the rights of the folder, or choose another one',
  })
}

/** Opens a new file with its text; Node closes it when the thread ends, however that comes. */
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

/** Makes a file with its text in one step, and keeps it open; undefined when the name is taken. */
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
      return openNew(path, text) // where a file has one name only
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
  const hint = `wait for it, or choose another --name; if it no longer runs there, delete ${path}`
  return new LvmError(
    'RUN_LOCKED',
    `${what}: expected no other writer but ${who}${where} has been writing it${since}`,
    holder !== undefined && local(holder, me) ? {} : { hint },
  )
}

/**
 * Makes this process the one writer of a run folder, which is made where it is missing.
 *
 * A lock whose process is gone is taken over: whoever makes the claim file named after that very lock has it, so of many who try
 * exactly one succeeds; the claim then becomes the lock. Only the dead are claimed, and a claim made too late (the lock it names has
 * gone) is given up.
 * Errors: RUN_LOCKED with the pid and since when; BAD_OPTION for a folder that cannot be written.
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
      if (mine) await rm(lock, { force: true }).catch(() => {}) // on a disk that became read-only it stays, and no longer counts
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

/** The process that writes a run now, if there is one; a lock that cannot be read names nobody. */
export async function lockHolder(folder: string): Promise<Holder | undefined> {
  const last = (await chainOf(folder).catch(() => [])).at(-1)
  return last?.holder !== undefined && (await held(last, await thisProcess())) ? last.holder : undefined
}
