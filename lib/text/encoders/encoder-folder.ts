import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { LvmError, shown } from '../../errors.js'
import { readJson, readJsonObject } from '../../files/json.js'
import { damaged } from '../../files/read-file.js'
import { type Activation, POOLS, type Pool } from '../../spec/ops.js'
import { EncoderConfig } from './encoder-config.js'

/** A linear layer after the pooling. */
export interface DenseModule {
  readonly folder: string
  /** Place in modules.json. */
  readonly index: number
  readonly config: EncoderConfig
  /** Undefined for the identity. */
  readonly activation: Activation | undefined
}

/** A folder in the layout of sentence-transformers, as its modules.json describes it. */
export interface EncoderFolder {
  readonly path: string
  /** Folder of the transformer's config, weights and tokenizer. */
  readonly transformer: string
  readonly config: EncoderConfig
  readonly pools: readonly Pool[]
  /** Whether tokens of the prompt count in the pooling. */
  readonly poolsPrompt: boolean
  readonly dense: readonly DenseModule[]
  readonly normalize: boolean
  /** Undefined when the folder says nothing. Units: tokens. */
  readonly maxTokens: number | undefined
  readonly lowerCase: boolean
  readonly prompts: Readonly<Record<string, string>>
  readonly defaultPrompt: string | undefined
  /** Configuration files that were read. */
  readonly files: readonly string[]
}

interface Module {
  readonly type: string
  readonly path: string
  readonly index: number
}

const wrong = (path: string, sentence: string, hint?: string) =>
  new LvmError('BAD_ENCODER', `${path}: ${sentence}`, hint === undefined ? {} : { hint })

/** Errors: BAD_ENCODER for a path outside the folder. */
async function readModules(path: string): Promise<Module[]> {
  const list = await readJson(path)
  if (!Array.isArray(list)) throw damaged(path, 'expected a list of modules')
  return list.map((entry: unknown, index) => {
    const { type, path: folder } = (typeof entry === 'object' && entry !== null ? entry : {}) as Record<string, unknown>
    if (typeof type !== 'string' || typeof folder !== 'string') throw damaged(path, 'expected a type and a path for each module')
    if (/^([\\/]|[A-Za-z]:)|(^|[\\/])\.\.([\\/]|$)/.test(folder))
      throw wrong(path, `expected folders inside the encoder's but received ${shown(folder)}`)
    return { type: type.split('.').at(-1)!, path: folder, index }
  })
}

const open = async (folder: string, name: string, files: string[]): Promise<EncoderConfig> => {
  const path = join(folder, name)
  const values = await readJsonObject(path)
  files.push(path)
  return new EncoderConfig(path, values)
}
const openIfThere = (folder: string, name: string, files: string[]): Promise<EncoderConfig> | EncoderConfig =>
  existsSync(join(folder, name)) ? open(folder, name, files) : new EncoderConfig(join(folder, name), {})

/** Keys of older pooling configs, in the order in which their vectors are concatenated. */
const POOL_KEYS: readonly (readonly [string, Pool])[] = [
  ['pooling_mode_cls_token', 'cls'],
  ['pooling_mode_max_tokens', 'max'],
  ['pooling_mode_mean_tokens', 'mean'],
  ['pooling_mode_mean_sqrt_len_tokens', 'mean_sqrt_len'],
  ['pooling_mode_weightedmean_tokens', 'weightedmean'],
  ['pooling_mode_lasttoken', 'lasttoken'],
]

/** Errors: BAD_ENCODER for an unknown mode, or none. */
function poolsOf(config: EncoderConfig): Pool[] {
  const named = config.values.pooling_mode
  const modes = named === undefined ? [] : Array.isArray(named) ? named : [named]
  const pools = modes.map((mode) => {
    const known = POOLS.find((pool) => pool === mode || (pool === 'mean_sqrt_len' && mode === 'mean_sqrt_len_tokens'))
    if (known === undefined) throw config.refuse('pooling_mode', `modes of ${POOLS.join(', ')}`)
    return known
  })
  const unknown = Object.keys(config.values).find(
    (key) => /^pooling_mode_/.test(key) && config.values[key] === true && !POOL_KEYS.some(([known]) => known === key),
  )
  if (unknown !== undefined) throw config.refuse(unknown, 'false, because this pooling is not known')
  const found = named === undefined ? POOL_KEYS.filter(([key]) => config.values[key] === true).map(([, pool]) => pool) : pools
  if (found.length === 0) throw wrong(config.path, 'expected a pooling mode but none is true')
  return found
}

/** Activation functions of Dense, by their class in PyTorch. */
const DENSE_ACTIVATIONS: Readonly<Record<string, Activation | 'identity'>> = {
  Identity: 'identity',
  Tanh: 'tanh',
  ReLU: 'relu',
  GELU: 'gelu',
  SiLU: 'silu',
  Sigmoid: 'sigmoid',
}

async function denseOf(folder: string, index: number, files: string[]): Promise<DenseModule> {
  const config = await open(folder, 'config.json', files)
  config.only('module_input_name', 'sentence_embedding')
  config.only('module_output_name', 'sentence_embedding')
  const given = config.values.activation_function === null ? 'Identity' : config.text('activation_function', 'torch.nn.Tanh')
  const found = DENSE_ACTIVATIONS[given.split('.').at(-1)!]
  if (found === undefined)
    throw config.refuse('activation_function', `one of ${Object.keys(DENSE_ACTIVATIONS).join(', ')} of torch.nn`)
  return { folder, index, config, activation: found === 'identity' ? undefined : found }
}

/** Errors: BAD_ENCODER when the modules are unknown, or in another order than Transformer, Pooling, Dense, Normalize. */
function ordered(path: string, modules: readonly Module[]): void {
  const known = ['Transformer', 'Pooling', 'Dense', 'Normalize']
  const unknown = modules.find(({ type }) => !known.includes(type))
  if (unknown !== undefined) throw wrong(path, `expected modules of ${known.join(', ')} but received ${shown(unknown.type)}`)
  const order = modules.map(({ type }) => type)
  if (!/^Transformer Pooling( Dense)*( Normalize)?$/.test(order.join(' ')))
    throw wrong(
      path,
      `expected Transformer, Pooling, then Dense and Normalize if any, but received ${order.join(', ') || 'none'}`,
    )
}

const strings = (value: unknown): Record<string, string> =>
  typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
    : {}

/**
 * Reads the configuration of an encoder. A folder without modules.json, as transformers writes it, needs a `pooling`.
 *
 * Errors: FILE_MISSING, DATA_FORMAT, BAD_ENCODER.
 */
export async function readEncoderFolder(path: string, pooling: Pool | undefined): Promise<EncoderFolder> {
  const files: string[] = []
  const list = join(path, 'modules.json')
  if (!existsSync(path)) throw new LvmError('FILE_MISSING', `${path}: there is no such folder`)
  const plain = !existsSync(list)
  if (plain && pooling === undefined) {
    throw wrong(
      path,
      'expected a folder in the layout of sentence-transformers but it has no modules.json',
      `for a folder of transformers with one config.json and its weights, give the pooling (${POOLS.join(', ')})`,
    )
  }
  if (!plain) files.push(list)
  const modules = plain ? [] : await readModules(list)
  if (!plain) ordered(list, modules)
  const of = (type: string) => modules.filter((module) => module.type === type)
  const transformer = join(path, of('Transformer')[0]?.path ?? '')
  const config = await open(transformer, 'config.json', files)
  const limits = await openIfThere(transformer, 'sentence_bert_config.json', files)
  const general = await openIfThere(path, 'config_sentence_transformers.json', files)
  const [pool] = of('Pooling')
  const poolConfig = pool === undefined ? undefined : await open(join(path, pool.path), 'config.json', files)
  const dense = []
  for (const { path: folder, index } of of('Dense')) dense.push(await denseOf(join(path, folder), index, files))
  const named = general.values.default_prompt_name
  return {
    path,
    transformer,
    config,
    pools: pooling === undefined ? poolsOf(poolConfig!) : [pooling],
    poolsPrompt: poolConfig?.values.include_prompt !== false,
    dense,
    normalize: of('Normalize').length > 0,
    maxTokens: limits.values.max_seq_length == null ? undefined : limits.size('max_seq_length'),
    lowerCase: limits.flag('do_lower_case', false),
    prompts: strings(general.values.prompts),
    defaultPrompt: typeof named === 'string' ? named : undefined,
    files,
  }
}
