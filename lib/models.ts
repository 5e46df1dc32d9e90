import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { architectures, findArchitecture } from './architectures/index.js'
import { RUNS } from './checkpoint/folder.js'
import { PRESETS } from './spec/architecture.js'
import { countParameters, printTree } from './spec/count.js'

/** One row of the matrix: what was asked for, what there is, and whether it was trained in this tree. */
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
  readonly status: 'trained' | 'not trained'
}

/** The PRD's shape, which parameter counts are given for. */
const SHAPE = { dim: 768, context: 5 }

function hasRun(folder: string): boolean {
  try {
    return readdirSync(join(RUNS, folder)).includes('manifest.json')
  } catch {
    return false
  }
}

/** Every model there is, in the order of the PRD's matrix, with its `target` preset at dimension 768. */
export function listModels(): ModelRow[] {
  return architectures.map(({ row, name, title, folder, target, complexity, causal, presets, spec }) => {
    const parameters = countParameters(spec(SHAPE, presets.target).node)
    const deviation = target === null ? null : (parameters - target) / target
    return {
      row,
      name,
      title,
      folder,
      parameters,
      target,
      deviation,
      complexity,
      causal,
      status: hasRun(folder) ? 'trained' : 'not trained',
    }
  })
}

/** One model as a tree with parameter counts, its presets and its sources. Errors: BAD_OPTION for a name that is none. */
export function showModel(name: string) {
  const { title, about, fields, presets, spec, sources } = findArchitecture(name)
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
}
