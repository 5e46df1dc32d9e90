import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LvmError } from '../errors.js'
import { wholeDocument } from '../files/sealed.js'

export const CELL_STATES = ['queued', 'training', 'evaluating', 'done', 'failed', 'out of budget', 'interrupted'] as const

/** One training of a sweep: a model, or one of its folds or seeds. */
export interface Cell {
  readonly model: string
  /** File of an architecture of one's own. */
  readonly model_file?: string
  /** Part of the articles that is held out, as i/k, and seed of the training; absent without folds or several seeds. */
  readonly fold?: string
  readonly seed?: number
  /** Name of its run. */
  readonly run: string
  readonly state: (typeof CELL_STATES)[number]
  /** Exit code of the last command; null if a signal ended it or no command has run. */
  readonly exit: number | null
  readonly signal: string | null
  readonly error: { readonly code: string; readonly message: string } | null
  /** Time spent on training and evaluation. */
  readonly seconds: number
}

/** Content of sweep.json. */
export interface Sweep {
  readonly version: 1
  readonly data: string
  /** Options of every training, under their library names. */
  readonly options: Readonly<Record<string, string | number | boolean>>
  readonly budget_seconds: number | null
  readonly runs: string
  readonly cells: readonly Cell[]
}

export const SWEEP = 'sweep.json'

/** Reads the sweep of a folder; undefined without one. Errors: DATA_FORMAT when the file is not a sweep. */
export async function readSweep(folder: string, changed?: (path: string) => void): Promise<Sweep | undefined> {
  const path = join(folder, SWEEP)
  try {
    const sweep = wholeDocument(path, await readFile(path, 'utf8'), changed) as unknown as Sweep
    if (sweep.version === 1 && Array.isArray(sweep.cells)) return sweep
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  throw new LvmError('DATA_FORMAT', `${path}: expected {"version": 1, "cells": […]} but received something else`, {
    hint: 'move the file away; sweep writes a new one',
  })
}
