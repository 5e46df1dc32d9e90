import { badOption, LvmError } from '../errors.js'
import { jsonHash } from '../files/hash.js'
import { type NativeRanks, type NativeTensor, type NativeTrainer, native } from '../native.js'
import { awaited, exchange, farewell, gathered, hostKey, type Talk } from './exchange.js'
import { type Launched, launch, type RankWork } from './launch.js'
import { type RankPlace, rankPlace, torchrunPrefix } from './rank-place.js'

/** Time that the other ranks have to end after this one. Units: ms */
const ENDING = 10_000

/** Windows that an evaluation is over. */
export type EvaluatedPart = 'train' | 'val' | 'test'
/** Work that all ranks do together: they swap weights and averages, write the sharded optimizer state, or evaluate windows. */
export type Help = 'swap' | 'state' | EvaluatedPart

/** The ranks of a training, or of other work that they share, seen from one of them. */
export interface Group<Work = Help> {
  readonly rank: number
  readonly size: number
  /** Ranks on this machine. */
  readonly local: number
  readonly native: Talk['ranks']
  /** Whether this rank only follows rank 0, which alone saves, logs and tells. */
  readonly follows: boolean
  /** Aborted by the step after which all ranks stop. */
  readonly stopped: AbortSignal
  stop(): void
  /** Aborted when a rank that this process has started has failed. */
  readonly lost: AbortSignal
  /** Says what this rank is doing, for the message of a rank that waits for it. */
  note(text: string): void
  /** Returns on all ranks what rank 0 makes; meanwhile the others do what it asks for. Errors: RANK_LOST. */
  ofFirst<T>(key: string, make: () => Promise<T>, help?: (what: Work) => Promise<unknown>): Promise<T>
  /** On rank 0, within `ofFirst`: asks the other ranks for something that all do together. */
  ask(what: Work): Promise<void>
  /** The first of this rank's part of `count` equal pieces of work, and the one after its last. */
  share(count: number): readonly [number, number]
  /** Adds a tensor up over all ranks, in place, once all have come to it, however late. Errors: RANK_LOST. */
  sum(tensor: NativeTensor): Promise<void>
  /** On rank 0: asks the others to leave the rest of an evaluation out. */
  halt(): Promise<void>
  halted(): Promise<boolean>
  /** Errors: RANK_MISMATCH unless all ranks have the same facts. */
  requireSame(facts: Readonly<Record<string, unknown>>): Promise<void>
  /** Connects the ranks, and gives all of them the weights and the optimizer state of rank 0, if there is a trainer. */
  connect(trainer?: NativeTrainer): Promise<void>
  /** Waits until all ranks are done. */
  finish(): Promise<void>
  /** The error that ends this rank: for a lost rank it names that rank. */
  failed(error: unknown): Promise<LvmError>
  close(): Promise<void>
}

const own = (processes: number | undefined): RankPlace | undefined =>
  processes === undefined || processes === 1
    ? undefined
    : { rank: 0, size: processes, address: '127.0.0.1', port: 0, serve: true, prefix: torchrunPrefix() }

/** Place of this process from the environment or from `processes`; undefined for a single process. Errors: BAD_OPTION. */
export function placeOf(owner: string, { processes, rankTimeout, shardOptimizer }: Asked): RankPlace | undefined {
  const given = rankPlace()
  if (given !== undefined && processes !== undefined)
    throw badOption(
      owner,
      'processes',
      'no value where the environment has RANK and WORLD_SIZE',
      processes,
      'leave --processes out',
    )
  const place = given ?? own(processes)
  if (place === undefined && rankTimeout !== undefined)
    throw badOption(owner, 'rankTimeout', 'no value without "processes", where it has no effect,', rankTimeout)
  if (place === undefined && shardOptimizer)
    throw badOption(owner, 'shardOptimizer', 'no value without "processes", where it has no effect,', shardOptimizer)
  return place
}

/** The facts of a rank that differ from those of rank 0, and whose. */
function difference(all: readonly Readonly<Record<string, unknown>>[]): string | undefined {
  const [first = {}] = all
  for (const [rank, facts] of all.entries()) {
    const keys = Object.keys({ ...first, ...facts }).filter(
      (key) => jsonHash([facts[key] ?? null]) !== jsonHash([first[key] ?? null]),
    )
    if (keys.length > 0) return `expected the same ${keys.join(', ')} on every rank but rank ${rank} differs from rank 0`
  }
  return undefined
}

interface Asked {
  readonly processes: number | undefined
  readonly rankTimeout: number | undefined
  readonly shardOptimizer?: boolean
}
const TIMEOUT_SECONDS = 300

/** Groups that this process has joined by the variables of a launcher; all ranks join theirs in the same order. */
let groups = 0
/** The store that rank 0 runs for all of these groups: the others may come to the next one before rank 0 has left the one before. */
let store: NativeRanks | undefined

/** Connects this process to the other ranks of its work, which it starts with `processes`. Errors: RANK_LOST. */
export async function openGroup<Work = Help>(place: RankPlace, work: RankWork, asked: Asked): Promise<Group<Work>> {
  const timeout = (asked.rankTimeout ?? TIMEOUT_SECONDS) * 1000
  const shareMemory = process.env.LVM_TORCH_SHARED_MEMORY !== '0'
  const prefix = `${place.prefix}/${asked.processes === undefined ? groups++ : 0}` // a started rank is a new process
  const isOurs = place.serve && asked.processes === undefined
  if (isOurs && store === undefined) store = await native.ranks({ ...place, prefix: 'store', timeout, shareMemory })
  const ranks = await native.ranks({ ...place, serve: place.serve && !isOurs, prefix, timeout, shareMemory })
  native.ranksNote(ranks, 'starting')
  const started = asked.processes === undefined ? undefined : launch(work, { size: place.size, port: native.ranksPort(ranks) })
  const talk: Talk = { ranks, rank: place.rank, size: place.size, timeout, ended: () => started?.ended() }
  try {
    const hosts = await exchange(talk, 'host', hostKey())
    return groupOf(talk, hosts, started)
  } catch (error) {
    const { error: told } = await farewell(talk, error)
    native.dispose(ranks)
    await started?.close(0)
    throw told
  }
}

/** Value that rank 0 has made; until then this rank does what it asks for. Errors: RANK_LOST. */
async function followed<T, Work>(talk: Talk, at: string, help?: (what: Work) => Promise<unknown>): Promise<T> {
  for (let i = 0; ; i++) {
    const told = JSON.parse(await awaited(talk, `${at}/${i}`, 0)) as { what: Work } | { value: T }
    if ('value' in told) return told.value
    await help!(told.what)
  }
}

/** Asking of rank 0, and following of the others. */
function asking<Work>(talk: Talk, key: (name: string) => string): Pick<Group<Work>, 'ofFirst' | 'ask'> {
  let tell: (message: object) => Promise<unknown> = () => Promise.reject(new LvmError('INTERNAL', 'no rank waits'))
  return {
    ofFirst: async (name, make, help) => {
      const at = key(name)
      if (talk.rank > 0) return followed(talk, at, help)
      let told = 0
      tell = (message) => native.ranksSet(talk.ranks, `${at}/${told++}/0`, JSON.stringify(message))
      const value = await make()
      await tell({ value })
      return value
    },
    ask: async (what) => {
      await tell({ what })
    },
  }
}

function groupOf<Work>(talk: Talk, hosts: readonly string[], started: Launched | undefined): Group<Work> {
  const { ranks, rank, size } = talk
  const here = hosts[rank]!
  const stopping = new AbortController()
  let calls = 0
  let ok = false
  const leave = () => native.ranksAbandon(ranks)
  started?.lost.addEventListener('abort', leave)
  const key = (name: string) => `${++calls}/${name}`
  return {
    ...asking<Work>(talk, key),
    rank,
    size,
    local: hosts.filter((host) => host === here).length,
    native: ranks,
    follows: rank > 0,
    stopped: stopping.signal,
    stop: () => stopping.abort(),
    lost: started?.lost ?? new AbortController().signal,
    note: (text) => native.ranksNote(ranks, text),
    share: (count) => [Math.floor((count * rank) / size), Math.floor((count * (rank + 1)) / size)],
    sum: async (tensor) => {
      await gathered(talk, key('sum')) // a rank that waits in Gloo gives up after the time-out, though the others only work
      await native.ranksSum(ranks, tensor)
    },
    halt: async () => {
      await native.ranksSet(ranks, 'halted', '')
    },
    halted: async () => (await native.ranksGet(ranks, 'halted')) !== null,
    requireSame: async (facts) => {
      const differs = difference(await exchange(talk, key('facts'), facts))
      if (differs !== undefined) throw new LvmError('RANK_MISMATCH', `ranks: ${differs}`)
    },
    connect: async (trainer) => {
      native.ranksNote(ranks, 'connecting to the other ranks')
      const near = hosts.every((host) => host === here) ? '127.0.0.1' : ''
      await native.ranksConnect(ranks, near, process.env.GLOO_SOCKET_IFNAME ?? '')
      if (trainer !== undefined) await native.ranksShare(ranks, trainer)
    },
    finish: async () => {
      native.ranksNote(ranks, 'done')
      const at = key('done')
      await native.ranksSet(ranks, `${at}/${rank}`, '')
      for (let other = 1; rank === 0 && other < size; other++) await awaited(talk, at, other) // the store ends with rank 0
      ok = true
    },
    failed: async (error) => {
      const { error: told, heard } = await farewell(talk, error)
      leave()
      if (rank > 0 && heard) told.reported = true
      return told
    },
    close: async () => {
      started?.lost.removeEventListener('abort', leave) // a process that is killed below fails too
      native.dispose(ranks)
      await started?.close(ok ? ENDING : 0)
    },
  }
}
