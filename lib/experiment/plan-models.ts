import { architectures } from '../architectures/index.js'
import { hashOf } from '../data/shards.js'
import { shown } from '../errors.js'
import { nearestWord } from '../show.js'
import type { Architecture } from '../spec/architecture.js'
import { readModelFile } from '../train/model-file.js'
import { keysAt, type PlanText } from './plan-file.js'

/** An architecture of one's own, its file, and the SHA-256 of that file. */
export interface OwnModel {
  readonly architecture: Architecture
  readonly file: string
  readonly hash: string
}

/** The architecture of a name, from a file of the plan or from this package. */
export const architectureNamed = (model: string, own: readonly OwnModel[]): Architecture =>
  own.find(({ architecture }) => architecture.name === model)?.architecture ?? architectures.find(({ name }) => name === model)!

/** Reads the files of "model-file". Errors: BAD_OPTION with the line; those of readModelFile. */
export async function ownModels(plan: PlanText, value: unknown, at: (path: string) => string): Promise<OwnModel[]> {
  const files = value === undefined || value === null ? [] : Array.isArray(value) ? (value as unknown[]) : [value]
  const own: OwnModel[] = []
  for (const [i, file] of files.entries()) {
    const place = ['model-file', ...(Array.isArray(value) ? [i] : [])]
    if (typeof file !== 'string' || file === '')
      throw plan.wrong(place, 'the JavaScript file of an architecture, or a list of such files,', shown(file))
    const architecture = await readModelFile(at(file))
    if (own.some((other) => other.architecture.name === architecture.name))
      throw plan.wrong(place, 'each name of an architecture once', `${architecture.name} again`)
    own.push({ architecture, file: at(file), hash: await hashOf([at(file)]) })
  }
  return own
}

/** Names of the models of a plan: those below "models", then those of files. Errors: BAD_OPTION with the line. */
export function namesOfModels(plan: PlanText, value: unknown, own: readonly OwnModel[]): string[] {
  const fromFiles = own.map(({ architecture }) => architecture.name)
  const known = [...architectures.map(({ name }) => name), ...fromFiles]
  const names = Array.isArray(value)
    ? (value as unknown[])
    : typeof value === 'string'
      ? [value]
      : Object.keys(keysAt(plan, ['models'], value))
  if (names.length + own.length === 0)
    throw plan.wrong(['models'], 'at least one model', 'none', `known models: ${known.join(', ')}`)
  names.forEach((name, i) => {
    if (known.includes(name as string) && names.indexOf(name) === i) return
    const meant = typeof name === 'string' && !known.includes(name) ? nearestWord(name, known) : undefined
    throw plan.wrong(
      ['models', Array.isArray(value) ? i : String(name)],
      `each once of ${known.join(', ')}`,
      shown(name),
      meant && `did you mean ${meant}?`,
    )
  })
  return [...new Set([...(names as string[]), ...fromFiles])]
}
