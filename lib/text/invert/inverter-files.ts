import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LvmError, shown } from '../../errors.js'
import type { Limits } from '../../files/limits.js'
import { openWeights, type WeightsFile } from '../../weights/open-weights.js'
import { cachedEncoders, resolveEncoder, shortName } from '../hub/encoder-store.js'
import { type GtrSpace, SPACE_OF_EMBEDDER } from './gtr-space.js'

/** The parts of a decoder, opened but not read. */
export interface InverterFiles {
  readonly hypothesizer: WeightsFile
  readonly corrector: WeightsFile | undefined
  /** Folder of the encoder with its tokenizer. */
  readonly embedder: string | undefined
  /** Folder of the tokenizer. */
  readonly tokenizer: string
  readonly space: GtrSpace
  /** Tokens of a text that the models were trained on. */
  readonly longest: number
}
type Role = 'hypothesizer' | 'corrector' | 'embedder'

const WEIGHTS = /^(model|pytorch_model)\b.*\.(safetensors|bin)$|\.index\.json$/

function roleOf({ tensors }: WeightsFile): Role | undefined {
  if (tensors.has('embedding_transform.0.weight')) return 'hypothesizer'
  if (tensors.has('embedding_transform_1.0.weight')) return 'corrector'
  return [...tensors.keys()].some((name) => /\bblock\.0\.layer\.0\.SelfAttention\.q\.weight$/.test(name)) ? 'embedder' : undefined
}

/** Folders with weights: the folder itself, or those directly inside it. */
async function weightFolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const inside = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map(({ name }) => join(folder, name))
  const holds = async (path: string) => (await readdir(path).catch(() => [])).some((name) => WEIGHTS.test(name))
  const found = []
  for (const path of [folder, ...inside.sort()]) if (await holds(path)) found.push(path)
  return found
}

const HINT =
  'put the folders of a hypothesizer, its corrector and gtr-t5-base into one folder, for example those of ielabgroup/vec2text_gtr-base-st_inversion, ielabgroup/vec2text_gtr-base-st_corrector and sentence-transformers/gtr-t5-base'

async function rolesIn(folder: string, limits: Limits): Promise<Map<Role, WeightsFile>> {
  const roles = new Map<Role, WeightsFile>()
  for (const path of await weightFolders(folder)) {
    const file = await openWeights(path, undefined, limits)
    const role = roleOf(file)
    const other = role === undefined ? undefined : roles.get(role)
    if (other !== undefined)
      throw new LvmError('BAD_CHECKPOINT', `${folder}: expected one ${role} but ${other.path} and ${path} are both one`)
    if (role !== undefined) roles.set(role, file)
  }
  return roles
}

async function given(role: Role, path: string | undefined, limits: Limits): Promise<WeightsFile | undefined> {
  if (path === undefined) return undefined
  const file = await openWeights(path, undefined, limits)
  if (roleOf(file) === role) return file
  throw new LvmError(
    'BAD_CHECKPOINT',
    `${path}: expected the weights of the ${role} but they are of ${roleOf(file) ?? 'another model'}`,
  )
}

/** Settings that change the arithmetic in a way that is not implemented, with the value that is. */
const FIXED = { embedder_model_api: null, embeddings_from_layer_n: null, corrector_ignore_hypothesis_embedding: false } as const

/** Checks the settings of training. Errors: BAD_CHECKPOINT. */
function settingsOf({ path, config }: WeightsFile): { name: string; space: GtrSpace; longest: number } {
  const refused = (key: string, expected: string) =>
    new LvmError('BAD_CHECKPOINT', `${path}: expected ${expected} for "${key}" in config.json but received ${shown(config[key])}`)
  for (const [key, only] of Object.entries(FIXED))
    if ((config[key] ?? only) !== only) throw refused(key, `${shown(only)} or nothing`)
  const name = config.embedder_model_name
  const space = typeof name === 'string' && Object.hasOwn(SPACE_OF_EMBEDDER, name) ? SPACE_OF_EMBEDDER[name] : undefined
  if (space === undefined) throw refused('embedder_model_name', Object.keys(SPACE_OF_EMBEDDER).join(' or '))
  const longest = config.max_seq_length ?? 32
  if (!Number.isSafeInteger(longest) || (longest as number) < 2 || (longest as number) > 4096)
    throw refused('max_seq_length', 'an integer from 2 to 4096')
  return { name: name as string, space, longest: longest as number }
}

/** Folder of gtr-t5-base in the cache of fetched encoders. */
const fetchedEmbedder = () => cachedEncoders().find(({ name }) => shortName(name) === 'gtr-t5-base')?.path

/**
 * Finds the parts of a decoder by the names of their tensors: in a folder with a folder for each part, or in the folder of a
 * hypothesizer.
 *
 * Errors: FILE_MISSING, BAD_CHECKPOINT; SPACE_MISMATCH when the parts were trained on different spaces.
 */
export async function findInverter(
  folder: string,
  o: { corrector?: string | undefined; embedder?: string | undefined },
  limits: Limits,
): Promise<InverterFiles> {
  if (!existsSync(folder)) throw new LvmError('FILE_MISSING', `${folder}: there is no such folder`, { hint: HINT })
  const roles = await rolesIn(folder, limits)
  const hypothesizer = roles.get('hypothesizer')
  if (hypothesizer === undefined) {
    const found = [...roles.keys()].join(' and ') || 'no weights that it knows'
    throw new LvmError('FILE_MISSING', `${folder}: expected the folder of a hypothesizer but found ${found}`, { hint: HINT })
  }
  const corrector = (await given('corrector', o.corrector, limits)) ?? roles.get('corrector')
  const settings = settingsOf(hypothesizer)
  const others = corrector === undefined ? settings : settingsOf(corrector)
  if (others.space !== settings.space)
    throw new LvmError(
      'SPACE_MISMATCH',
      `${folder}: expected a hypothesizer and a corrector of one space but they are of ${settings.space} (${settings.name}) and ${others.space} (${others.name})`,
    )
  const embedder = o.embedder === undefined ? (roles.get('embedder')?.path ?? fetchedEmbedder()) : resolveEncoder(o.embedder)
  const tokenizer = [embedder, hypothesizer.path, corrector?.path, folder].find(
    (path) => path !== undefined && existsSync(join(path, 'tokenizer.json')),
  )
  if (tokenizer === undefined)
    throw new LvmError('FILE_MISSING', `${folder}: expected tokenizer.json in one of its folders but there is none`, {
      hint: 'the tokenizer of gtr-t5-base or t5-base fits: put its folder beside the others, or name it with --embedder',
    })
  return { hypothesizer, corrector, embedder, tokenizer, space: settings.space, longest: settings.longest }
}
