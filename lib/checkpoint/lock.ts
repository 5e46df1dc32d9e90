import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LvmError } from '../errors.js'
import { temporary } from './durable.js'
import { textHash } from './hash.js'
import { alive, type Holder, local, parseHolder, thisProcess } from './holder.js'

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

async function chainOf(folder: string): Promise<Link[]> {
  const chain: Link[] = []
  for (let path = join(folder, 'lock'); ; ) {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
    })
    if (text === undefined) return chain
    chain.push({ path, text, holder: parseHolder(text) })
    path = claimOn(folder, text)
  }
}

/** Whether the last of a chain still holds it. Where files have one name only, a lock is without text for a moment after its making. */
async function held({ path, holder }: Link, me: Holder): Promise<boolean> {
  if (holder !== undefined) return alive(holder, me)
  const made = await stat(path).then(
    (found) => found.mtimeMs,
    () => Date.now(),
  )
  return Date.now() - made < 5000
}

/** A folder that cannot be written as an error that says so; a full disk as it is. */
function unwritable(folder: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === undefined || code === 'ENOSPC' || code === 'EDQUOT') return error
  return new LvmError('BAD_OPTION', `run: expected a folder that can be written but received "${folder}" (${message})`, {
    cause: error,
    hint: 'choose another --name or --out, or change the rights of the folder',
  })
}

/** Makes a file with its text in one step; false when the name is taken. */
async function create(folder: string, path: string, text: string): Promise<boolean> {
  const written = temporary(folder)
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(written, text)
    try {
      await link(written, path)
    } catch (error) {
      if (['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code!)) return false
      await writeFile(path, text, { flag: 'wx' }) // where a file has one name only
    }
    return true
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EEXIST' && (error as NodeJS.ErrnoException).syscall === 'open'
    if (taken) return false
    throw unwritable(folder, error)
  } finally {
    await rm(written, { force: true }).catch(() => {})
  }
}

function locked(folder: string, { path, holder }: Pick<Link, 'path' | 'holder'>, me: Holder): LvmError {
  const who =
    holder === undefined ? 'a process' : holder.pid === me.pid && local(holder, me) ? 'this process' : `process ${holder.pid}`
  const where = holder === undefined || holder.host === me.host ? '' : ` on ${holder.host}`
  const since = holder === undefined ? '' : ` since ${holder.started}`
  const hint = `wait for it, or choose another --name; if it no longer runs there, delete ${path}`
  return new LvmError(
    'RUN_LOCKED',
    `run ${basename(folder)}: expected no other writer but ${who}${where} has been writing it${since}`,
    holder !== undefined && local(holder, me) ? {} : { hint },
  )
}

/**
 * Makes this process the one writer of a run folder, which is made where it is missing.
 *
 * A lock whose process is gone is taken over: whoever makes the claim file named after that very lock has it, so of many who try
 * exactly one succeeds; the claim then becomes the lock. Only the dead are claimed, and a claim made too late (the lock it names has
 * gone) is given up.
 * Errors: RUN_LOCKED with the pid and since when.
 */
export async function lockRun(folder: string): Promise<Lock> {
  const me = await thisProcess()
  const text = `${JSON.stringify({ ...me, token: randomUUID() })}\n`
  const lock = join(folder, 'lock')
  const release = async () => {
    if ((await readFile(lock, 'utf8').catch(() => '')) === text) await rm(lock, { force: true })
  }
  for (let attempt = 0; ; attempt++) {
    if (await create(folder, lock, text)) return { release }
    const chain = await chainOf(folder)
    const last = chain.at(-1)
    if (attempt > 100 || (last !== undefined && (await held(last, me))))
      throw locked(folder, last ?? { path: lock, holder: undefined }, me)
    const claim = last && claimOn(folder, last.text)
    if (claim !== undefined && (await create(folder, claim, text))) {
      if ((await readFile(lock, 'utf8').catch(() => '')) === chain[0]!.text) {
        await rename(claim, lock)
        for (const { path } of chain.slice(1)) await rm(path, { force: true })
        return { release }
      }
      await rm(claim, { force: true })
    }
    await sleep(5 * Math.random())
  }
}

/** The process that writes a run now, if there is one. */
export async function lockHolder(folder: string): Promise<Holder | undefined> {
  const last = (await chainOf(folder)).at(-1)
  return last?.holder !== undefined && (await alive(last.holder, await thisProcess())) ? last.holder : undefined
}
