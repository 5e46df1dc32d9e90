import { LvmError, shown } from '../../errors.js'
import type { Engine } from '../engine-types.js'
import { assigned, type Split } from './traffic-split.js'

/** An engine with a number that no other engine of this server has had. */
export interface Served {
  readonly engine: Engine
  readonly number: number
}

/** The run that answers a request, and the split that chose it. */
export interface Choice {
  readonly served: Served
  readonly split: Split | null
}

/** The engines that take requests, and those that a reload has replaced. */
export interface ServedModels {
  /** In the order of the command line. */
  list(): readonly Served[]
  /** All engines, the replaced ones included. */
  all(): readonly Served[]
  /** Errors: NOT_FOUND. */
  named(name: string): Served
  /** Chooses the run that was asked for, otherwise that of the split, otherwise the first. Errors: NOT_FOUND. */
  choose(name: string | undefined, client: string): Choice
  sessionName(served: Served, session: string): string
  /** Finds the engine that holds a session, and its id there. Errors: NOT_FOUND, SESSION_GONE. */
  bySession(id: string): { served: Served; session: string }
  /** Replaces all engines and the split, and returns the replaced engines. */
  swap(engines: readonly Engine[], split: Split | null): readonly Served[]
  /** Forgets a replaced engine that has ended. */
  forget(served: Served): void
}

const SESSION = /^(\d{1,9})-([\w-]{1,128})$/

export function servedModels(): ServedModels {
  let current: readonly Served[] = []
  let split: Split | null = null
  let count = 0
  const replaced = new Set<Served>()
  const named = (name: string): Served => {
    const found = current.find(({ engine }) => engine.run.name === name)
    if (found) return found
    const names = current.map(({ engine }) => engine.run.name).join(', ')
    throw new LvmError('NOT_FOUND', `request: expected one of ${names} for "model" but received ${shown(name)}`)
  }
  return {
    list: () => current,
    all: () => [...current, ...replaced],
    named,
    choose: (name, client) => {
      if (name !== undefined) return { served: named(name), split: null }
      return split === null ? { served: current[0]!, split } : { served: named(assigned(split, client)), split }
    },
    sessionName: ({ number }, session) => `${number}-${session}`,
    bySession: (id) => {
      const [, number, session] = SESSION.exec(id) ?? []
      if (session === undefined) throw new LvmError('NOT_FOUND', `request: there is no session ${shown(id)}`)
      const served = [...current, ...replaced].find((one) => one.number === Number(number))
      if (served) return { served, session }
      throw new LvmError('SESSION_GONE', 'request: the run of this session was replaced by a reload, and its sessions have ended')
    },
    swap: (engines, next) => {
      const old = current
      current = engines.map((engine) => ({ engine, number: ++count }))
      split = next
      for (const served of old) replaced.add(served)
      return old
    },
    forget: (served) => void replaced.delete(served),
  }
}
