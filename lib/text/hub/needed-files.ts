import { LvmError } from '../../errors.js'

/** A file in the listing of a hub. */
export interface ListedFile {
  readonly path: string
  readonly bytes: number
  /** SHA-256 of its bytes, for a large file, or the id of its Git blob. */
  readonly sum: { readonly kind: 'sha256' | 'git'; readonly hex: string }
}

/** Weights in order of preference: safetensors are no programs, so they come first. */
const WEIGHTS = ['model.safetensors', 'model.safetensors.index.json', 'pytorch_model.bin', 'pytorch_model.bin.index.json']
/** Files of a module other than its weights: settings, tokenizer and vocabulary. */
const SETTINGS =
  /^(config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|generation_config|vocab|sentence_\w+_config)\.json$|^(vocab|merges)\.txt$/
/** Vocabularies in the format of SentencePiece, which `tokenizer.json` replaces. */
const PIECES = /^(spiece|sentencepiece\.bpe)\.model$/
const OF_ALL = /^(modules|config_sentence_transformers)\.json$|^(README|LICENSE|LICENCE)(\.\w+)?$/i

/** An entry of `modules.json`. */
interface Module {
  readonly path: string
  readonly type: string
}

const refuse = (name: string, sentence: string, hint?: string) =>
  new LvmError('ENCODER_FETCH', `encoders fetch: ${name}: ${sentence}`, hint === undefined ? {} : { hint })

/** Modules of an encoder; without `modules.json` its only module is the folder itself. Errors: ENCODER_FETCH. */
export function modulesOf(name: string, text: string | undefined): Module[] {
  if (text === undefined) return [{ path: '', type: 'Transformer' }]
  try {
    const list = JSON.parse(text) as unknown
    if (
      Array.isArray(list) &&
      list.length > 0 &&
      list.every((one) => typeof one?.path === 'string' && typeof one?.type === 'string')
    )
      return list as Module[]
  } catch {} // refused below
  throw refuse(name, 'expected a list of modules, each with a path and a type, in modules.json')
}

/** Files of the encoder that are needed, without copies of its weights in other formats; shards follow by `shardsOf`. Errors: ENCODER_FETCH. */
export function neededFiles(name: string, listing: readonly ListedFile[], modules: readonly Module[]): ListedFile[] {
  const inside = (folder: string) =>
    listing.flatMap((file) => {
      const at = file.path.lastIndexOf('/') + 1
      return file.path.slice(0, Math.max(0, at - 1)) === folder ? [{ file, base: file.path.slice(at) }] : []
    })
  const found = new Set(inside('').flatMap(({ file, base }) => (OF_ALL.test(base) ? [file] : [])))
  for (const { path, type } of modules) {
    const files = inside(path.replace(/\/$/, ''))
    const ready = files.some(({ base }) => base === 'tokenizer.json')
    for (const { file, base } of files) if (SETTINGS.test(base) || (!ready && PIECES.test(base))) found.add(file)
    const weights = WEIGHTS.flatMap((wanted) => files.filter(({ base }) => base === wanted))[0]
    if (weights !== undefined) found.add(weights.file)
    else if (/\.?(Transformer|Dense)$/.test(type))
      throw refuse(
        name,
        `expected model.safetensors or pytorch_model.bin ${path === '' ? '' : `in ${path} `}but there is ${files.length === 0 ? 'no file' : 'neither'}`,
        'choose a model of the layout of sentence-transformers, or another --revision',
      )
  }
  return [...found]
}

/** Shards that an index of weights names, beside it. Errors: ENCODER_FETCH for one that is not in the listing. */
export function shardsOf(name: string, index: string, text: string, listing: readonly ListedFile[]): ListedFile[] {
  let names: unknown[] = []
  try {
    names = [...new Set(Object.values((JSON.parse(text) as { weight_map: Record<string, unknown> }).weight_map))]
  } catch {} // an index without shards is refused below
  const folder = index.slice(0, index.lastIndexOf('/') + 1)
  if (names.length === 0) throw refuse(name, `expected names of shards in ${index} but there are none`)
  return names.map((shard) => {
    const found = listing.find(({ path }) => path === `${folder}${shard}`)
    if (found === undefined) throw refuse(name, `expected ${folder}${shard}, which ${index} names, but the hub does not list it`)
    return found
  })
}

export const isIndex = ({ path }: ListedFile): boolean => path.endsWith('.index.json')
