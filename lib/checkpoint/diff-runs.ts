import { asyncDoor, optional, word } from '../door.js'
import { type RunDetails, showRun } from './list-runs.js'
import { RUNS } from './run-folder.js'

/** One side of a comparison of settings. */
export type DiffSide = Pick<
  RunDetails,
  'run' | 'path' | 'model' | 'parameters' | 'data' | 'data_hash' | 'best_epoch' | 'val_loss' | 'val_cosine'
>

/** A setting of two runs; undefined where a run does not have it. */
export interface SettingPair {
  /** Name in config.json, with dots between the parts of a nested one. */
  readonly key: string
  readonly a: unknown
  readonly b: unknown
  readonly same: boolean
}

/** Settings of two runs: first those that differ. */
export interface RunDiff {
  readonly a: DiffSide
  readonly b: DiffSide
  readonly settings: readonly SettingPair[]
}

/** Keys of config.json that are no settings. */
const NO_SETTINGS = ['version', 'title']

/** The values of nested objects under names with dots. */
function flat(value: Readonly<Record<string, unknown>>, before = ''): [string, unknown][] {
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? flat(inner as Record<string, unknown>, `${before}${key}.`)
      : [[before + key, inner] as [string, unknown]],
  )
}

/** The settings of a run, with the SHA-256 of its data, because a path says little. */
const settingsOf = ({ config, data_hash }: RunDetails): Map<string, unknown> =>
  new Map([
    ...flat(config).filter(([key]) => !NO_SETTINGS.includes(key)),
    ...(data_hash === null ? [] : [['data_sha256', data_hash] as const]),
  ])

const sideOf = ({ run, path, model, parameters, data, data_hash, best_epoch, val_loss, val_cosine }: RunDetails): DiffSide => ({
  run,
  path,
  model,
  parameters,
  data,
  data_hash,
  best_epoch,
  val_loss,
  val_cosine,
})

/** Compares the settings of two runs, those that differ first. Errors: RUN_MISSING; BAD_CHECKPOINT for a damaged run. */
export const diffRuns = asyncDoor(
  'runs diff',
  { a: word, b: word, root: optional(word) },
  async (a: string, b: string, root = RUNS): Promise<RunDiff> => {
    const [left, right] = [await showRun(a, root, { deep: false }), await showRun(b, root, { deep: false })]
    const [of, than] = [settingsOf(left), settingsOf(right)]
    const pairs = [...new Set([...of.keys(), ...than.keys()])].map((key): SettingPair => {
      const [x, y] = [of.get(key), than.get(key)]
      return { key, a: x, b: y, same: JSON.stringify(x) === JSON.stringify(y) }
    })
    const settings = [...pairs.filter(({ same }) => !same), ...pairs.filter(({ same }) => same)]
    return { a: sideOf(left), b: sideOf(right), settings }
  },
)
