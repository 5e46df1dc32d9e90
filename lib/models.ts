import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { architectures, findArchitecture } from './architectures/index.js'
import { nameOrArchitecture } from './architectures/own.js'
import { sizeOf } from './architectures/size.js'
import { RUNS } from './checkpoint/run-folder.js'
import { HISTORY, type History, type RunManifest } from './checkpoint/run-manifest.js'
import { door } from './door.js'
import { judgeTiers, type TierName } from './evaluate/tiers.js'
import { type Architecture, PRESETS } from './spec/architecture.js'
import { countParameters } from './spec/count.js'
import { printTree } from './spec/print.js'
import { estimate } from './train/estimate.js'
import { requireOwn } from './train/own-model.js'
import { plan } from './train/recipe.js'

/** One row of the matrix: the specification's target, the model, and its run in this folder tree. */
export interface ModelRow {
  readonly row: number | null
  readonly name: string
  readonly title: string
  readonly folder: string
  readonly parameters: number
  readonly target: number | null
  /** (parameters − target) / target. */
  readonly deviation: number | null
  readonly complexity: string
  readonly causal: boolean
  /** Memory of training with a batch of 32 and a context of 5. Units: bytes. */
  readonly memory_t5_bytes: number
  /** Memory of training with a batch of 32 and a context of 1,024. Units: bytes. */
  readonly memory_t1024_bytes: number
  /** `other size`: a run with fewer or more parameters than the preset `target`. */
  readonly status: 'trained' | 'other size' | 'unfinished' | 'not trained'
  /** Validation loss of the best epoch. */
  readonly val_loss: number | null
  /** Validation cosine of the best epoch. */
  readonly val_cosine: number | null
  readonly train_seconds: number | null
  /** Highest tier of the specification that the run reaches with its own figures. */
  readonly success: TierName | 'none' | null
}

/** The PRD's dimension and context, for which parameter counts are given. */
const SHAPE = { dim: 768, context: 5 }

const readJson = <T>(folder: string, name: string): T | undefined => {
  try {
    return JSON.parse(readFileSync(join(RUNS, folder, name), 'utf8')) as T
  } catch {
    return undefined // not trained yet; `runs list` says when a run is damaged
  }
}

/** Status and best figures of the run in a folder. */
function runOf(folder: string): Pick<ModelRow, 'status' | 'val_loss' | 'val_cosine' | 'train_seconds' | 'success'> {
  const manifest = readJson<RunManifest>(folder, 'manifest.json')
  const history = readJson<History>(folder, HISTORY)
  const best = history?.history?.find(({ epoch }) => epoch === history.best_epoch)
  const done = manifest !== undefined && (history?.best_epoch != null || manifest.progress === null)
  const status =
    manifest === undefined
      ? 'not trained'
      : manifest.progress?.finished === false || !done
        ? 'unfinished'
        : sizeOf(manifest.model, manifest).fits
          ? 'trained'
          : 'other size'
  if (manifest === undefined || best === undefined)
    return { status, val_loss: null, val_cosine: null, train_seconds: null, success: null }
  const { val_loss, val_cosine } = best
  const { train_seconds, weights_bytes } = manifest
  if (status === 'other size') return { status, val_loss, val_cosine, train_seconds, success: null }
  const tiers = judgeTiers({ val_loss, val_cosine, train_seconds, weights_bytes })
  const reached = (['stretch', 'target', 'minimum'] as const).find((tier) => tiers[tier].pass === true)
  return { status, val_loss, val_cosine, train_seconds, success: reached ?? 'none' }
}

const memory = (name: string, context: number): number => {
  const { architecture, train, model } = plan(name, { context })
  const { node } = architecture.spec({ dim: SHAPE.dim, context }, model)
  return estimate(train, node, { ...SHAPE, dataBytes: 0 }).memory_bytes
}

/** Lists all models in the order of the specification's matrix, with the preset `target` at dimension 768. */
export const listModels = door('models list', {}, (): ModelRow[] => {
  return architectures.map(({ row, name, title, folder, target, complexity, causal, presets, spec }) => {
    const parameters = countParameters(spec(SHAPE, presets.target).node)
    return {
      row,
      name,
      title,
      folder,
      parameters,
      target,
      deviation: target === null ? null : (parameters - target) / target,
      complexity,
      causal,
      memory_t5_bytes: memory(name, 5),
      memory_t1024_bytes: memory(name, 1024),
      ...runOf(folder),
    }
  })
})

/** Describes one model, by name or as architecture() returns it: tree with parameter counts, presets, options and sources. Errors: BAD_OPTION for an unknown name; BAD_SPEC. */
export const showModel = door('models show', { model: nameOrArchitecture }, (model: string | Architecture) => {
  const { name, title, about, fields, presets, spec, sources } =
    typeof model === 'string' ? findArchitecture(model) : requireOwn(model)
  const { node } = spec(SHAPE, presets.target)
  const sizes = Object.fromEntries(PRESETS.map((preset) => [preset, countParameters(spec(SHAPE, presets[preset]).node)]))
  const options = Object.entries(fields).map(([key, field]) => ({
    name: key,
    about: field.about,
    expected: field.expected,
    default: field.default ?? null,
  }))
  return {
    version: 1,
    name,
    title,
    about,
    parameters: countParameters(node),
    presets: sizes,
    options,
    sources,
    tree: printTree(node),
    spec: node,
  }
})
