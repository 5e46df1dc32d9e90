import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { asLvmError, LvmError } from '../errors.js'
import { read } from '../libtorch/machine.js'
import { type NativeRanks, native } from '../native.js'

/** Time between two looks into the store. Units: ms */
const LOOK = 20
/** Looks between two checks whether the awaited rank still lives. */
const CHECK = 50
/** Time that a rank has to say why it ended. Units: ms */
const GRACE = 3000

/** Why a rank ended, as it writes it into the store. */
interface Note {
  readonly code: string
  readonly message: string
}
/** A rank's sign of life: a counter and what it is doing. */
interface Beat {
  readonly count: string
  readonly doing: string
}

/** The ranks that talk to each other through a store. */
export interface Talk {
  readonly ranks: NativeRanks
  readonly rank: number
  readonly size: number
  /** Time after which a silent rank counts as lost. Units: ms */
  readonly timeout: number
  /** Sentence on a process of this machine that has ended; undefined while all run. */
  readonly ended: () => string | undefined
}

/** Host of this process: processes with the same one reach each other through the loopback interface. */
export function hostKey(): string {
  const boot = read('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
  try {
    return `${hostname()} ${boot} ${readlinkSync('/proc/self/ns/net')}`
  } catch {
    return `${hostname()} ${boot}`
  }
}

const all = (size: number) => Array.from({ length: size }, (_, rank) => rank)

async function beatOf({ ranks }: Talk, rank: number): Promise<Beat | undefined> {
  const text = await native.ranksGet(ranks, `beat/${rank}`)
  const [, count = '', doing = ''] = /^(\d+) (.*)$/s.exec(text ?? '') ?? []
  return text === null ? undefined : { count, doing }
}

async function noteOf({ ranks }: Talk, rank: number): Promise<Note | undefined> {
  const text = await native.ranksGet(ranks, `failed/${rank}`)
  return text === null ? undefined : (JSON.parse(text) as Note)
}

/** Time without a sign of life after which a rank may have ended. Units: ms */
const STALE = 3000

/** An error that already says which rank was lost. */
class Lost extends LvmError {
  constructor(message: string) {
    super('RANK_LOST', message)
  }
}
const lost = (message: string): LvmError => new Lost(message)

/** Throws if a rank has ended; `seen` keeps the signs of life between two calls. Returns the time since the last one. Units: ms */
async function requireAlive(talk: Talk, rank: number, seen: Map<number, { count: string; at: number }>): Promise<number> {
  const ended = talk.ended()
  if (ended !== undefined) throw lost(ended)
  for (const each of all(talk.size)) {
    const note = each === talk.rank ? undefined : await noteOf(talk, each)
    if (note !== undefined && note.code !== 'RANK_LOST') throw lost(`rank ${each} failed: ${note.code}: ${note.message}`)
  }
  const beat = await beatOf(talk, rank)
  const before = seen.get(rank)
  const count = beat?.count ?? ''
  if (before === undefined || before.count !== count) {
    seen.set(rank, { count, at: performance.now() })
    return 0
  }
  const silent = performance.now() - before.at
  if (silent > talk.timeout)
    throw lost(
      beat === undefined
        ? `rank ${rank} of ${talk.size} did not connect within ${talk.timeout / 1000} s`
        : `rank ${rank} has given no sign of life for ${talk.timeout / 1000} s; it was ${beat.doing}`,
    )
  return silent
}

/** Waits for a text of a rank as long as that rank lives; undefined after `patience` without a sign of life. Errors: RANK_LOST. */
async function awaitedUntil(talk: Talk, key: string, from: number, patience: number): Promise<string | undefined> {
  const seen = new Map<number, { count: string; at: number }>()
  for (let looks = 0; ; looks++) {
    const text = await native.ranksGet(talk.ranks, `${key}/${from}`)
    if (text !== null) return text
    if (looks % CHECK === 0 && (await requireAlive(talk, from, seen)) > patience) return undefined
    await sleep(LOOK)
  }
}

/** Waits for a text of a rank as long as that rank lives. Errors: RANK_LOST. */
export const awaited = async (talk: Talk, key: string, from: number): Promise<string> =>
  (await awaitedUntil(talk, key, from, Infinity))!

/** Waits until all ranks have come to a sum, however late, or one gives no sign of life: the connection then shows whether it has ended. */
export async function gathered(talk: Talk, key: string): Promise<void> {
  await native.ranksSet(talk.ranks, `${key}/${talk.rank}`, '')
  for (const rank of all(talk.size)) if ((await awaitedUntil(talk, key, rank, STALE)) === undefined) return
}

/** Gives every rank's value to all, in the order of the ranks. Errors: RANK_LOST. */
export async function exchange<T>(talk: Talk, key: string, value: T): Promise<T[]> {
  await native.ranksSet(talk.ranks, `${key}/${talk.rank}`, JSON.stringify(value))
  const values: T[] = []
  for (const rank of all(talk.size)) values.push(JSON.parse(await awaited(talk, key, rank)) as T)
  return values
}

/** Sentences on the ranks that gave no reason: they have ended, or are alive and do not answer. */
async function standing(talk: Talk, silent: readonly number[], before: readonly (Beat | undefined)[], how: string) {
  const sentences: string[] = []
  for (const rank of silent) {
    const beat = await beatOf(talk, rank)
    const moved = beat !== undefined && beat.count !== before[rank]?.count
    sentences.push(`rank ${rank} ${moved ? 'is alive but does not answer' : how}, last seen ${beat?.doing ?? 'nowhere'}`)
  }
  return sentences.join('; ')
}

/** Gloo's errors say whether a connection broke or a wait was too long. */
const howLost = ({ message }: LvmError): string =>
  /closed|reset|broken pipe/i.test(message)
    ? 'has ended'
    : /timed out|timeout/i.test(message)
      ? 'does not answer'
      : 'has ended or hangs'

/** Finds out which rank was lost, and where the others stood. */
async function explained(talk: Talk, own: LvmError): Promise<string> {
  const before = await Promise.all(all(talk.size).map((rank) => beatOf(talk, rank)))
  const here = before[talk.rank]?.doing ?? ''
  const until = performance.now() + GRACE
  for (;;) {
    const ended = talk.ended()
    if (ended !== undefined) return `${ended}; rank ${talk.rank} was ${here}`
    const notes = await Promise.all(all(talk.size).map((rank) => noteOf(talk, rank)))
    const failed = notes.findIndex((note, rank) => rank !== talk.rank && note !== undefined && note.code !== 'RANK_LOST')
    if (failed >= 0) return `rank ${failed} failed: ${notes[failed]!.code}: ${notes[failed]!.message}`
    const silent = all(talk.size).filter((rank) => rank !== talk.rank && notes[rank] === undefined)
    if (silent.length === 0) return `the connection of the ranks broke: ${own.message}`
    if (performance.now() > until) return `${await standing(talk, silent, before, howLost(own))}; rank ${talk.rank} was ${here}`
    await sleep(5 * LOOK)
  }
}

/** Waits until the other ranks have said why they end: they read the reason of rank 0, which may run the store. */
async function waitForNotes(talk: Talk): Promise<void> {
  const until = performance.now() + GRACE
  for (const rank of all(talk.size)) {
    while (rank > 0 && performance.now() < until && (await noteOf(talk, rank)) === undefined) await sleep(LOOK)
  }
}

/**
 * Writes into the store why this rank ends, and for a lost rank finds out which one; the returned error names it.
 *
 * `heard`: rank 0 was alive and reads the reason from the store, so that it prints it.
 */
export async function farewell(talk: Talk, error: unknown): Promise<{ error: LvmError; heard: boolean }> {
  const own = asLvmError(error)
  let heard = false
  try {
    const note: Note = { code: own.code, message: own.message }
    await native.ranksSet(talk.ranks, `failed/${talk.rank}`, JSON.stringify(note))
    await native.ranksSet(talk.ranks, 'lost', `${talk.rank}`)
    heard = (await noteOf(talk, talk.rank)) !== undefined
    if (own instanceof Lost) return { error: own, heard }
    if (own.code === 'RANK_LOST') return { error: lost(await explained(talk, own)), heard }
    if (talk.rank === 0) await waitForNotes(talk)
    return { error: own, heard }
  } catch {
    // Only rank 0 or its launcher runs the store.
    const gone = talk.ended() ?? 'rank 0 has ended, or the launcher that runs the store'
    return { error: own.code === 'RANK_LOST' ? lost(gone) : own, heard }
  }
}
