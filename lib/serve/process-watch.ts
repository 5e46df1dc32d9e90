import type { ChildProcess } from 'node:child_process'

/** A process that says nothing for so many periods has stopped; it reports its memory every second. */
const SILENT_PERIODS = 4
/** Units: ms */
const PERIOD = 2500
/** A batch may take so many times the longest one before. */
const LONGER = 20
/** Checks of a batch within its limit. */
const CHECKS = 4

/** Why a process was killed: it said nothing, or did not finish a batch. */
export type KillReason = 'silent' | 'stuck'

/** What a process has said; the counts of periods are raised here and reset by what it says. */
export interface Signs {
  /** Periods since its last frame. */
  silent: number
  /** Periods since its last answer, or since it was asked. */
  unanswered: number
  /** Batches without an answer. */
  readonly pending: number
  /** Longest computation of a batch. Units: ms */
  readonly longest: number
}

/**
 * Kills a ready process that no longer reacts, such as one that was stopped, or that does not finish a batch, such as one in an endless
 * loop: after `batchLimit` or 20 times the longest batch before, whichever is longer.
 *
 * Periods are counted instead of time, because this process may have been stopped too. Returns a function that ends the watch.
 */
export function watchProcess(
  child: ChildProcess,
  signs: Signs,
  batchLimit: number,
  kills: (reason: KillReason) => void,
): () => void {
  const kill = (reason: KillReason) => {
    kills(reason)
    child.kill('SIGKILL')
  }
  signs.silent = 0
  const silence = setInterval(() => {
    if (++signs.silent > SILENT_PERIODS) kill('silent')
  }, PERIOD).unref()
  const period = Math.min(PERIOD, batchLimit / CHECKS)
  const progress = setInterval(() => {
    if (signs.pending === 0) signs.unanswered = 0
    else if (++signs.unanswered * period > Math.max(batchLimit, LONGER * signs.longest)) kill('stuck')
  }, period).unref()
  return () => {
    clearInterval(silence)
    clearInterval(progress)
  }
}
