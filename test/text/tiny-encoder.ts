import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { random } from '../../lib/statistics/random.js'

interface Shape {
  readonly seed?: number
  /** Components of a token's vector: a multiple of 2. */
  readonly hidden?: number
  /** Add a Dense module of the same size. */
  readonly dense?: boolean
  readonly normalize?: boolean
}

const WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]']
const CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789.,:;!?-_'
/** Every word is spelt in single characters, so that all texts differ. */
const VOCABULARY = [...WORDS, ...CHARACTERS, ...[...CHARACTERS].map((c) => `##${c}`)]

function tokenizer(): object {
  const vocab = Object.fromEntries(VOCABULARY.map((word, id) => [word, id]))
  const token = (content: string) => ({
    id: vocab[content],
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: WORDS.map(token),
    normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: { type: 'BertProcessing', sep: ['[SEP]', 3], cls: ['[CLS]', 2] },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: { type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100, vocab },
  }
}

/** Weights of a name and shape, drawn by seed, as a safetensors file. */
function safetensors(shapes: Readonly<Record<string, readonly number[]>>, seed: number): Buffer {
  const header: Record<string, object> = {}
  const pieces: Buffer[] = []
  let at = 0
  for (const [n, [name, shape]] of Object.entries(shapes).entries()) {
    const size = shape.reduce((a, b) => a * b, 1)
    const scale = shape.length === 1 ? 0.1 : 2 / Math.sqrt(shape[1]!)
    const shift = /LayerNorm.weight$/.test(name) ? 1 : 0
    const values = Float32Array.from({ length: size }, (_, i) => shift + scale * (random(1000 * seed + n, i) - 0.5))
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + 4 * size] }
    at += 4 * size
    pieces.push(Buffer.from(values.buffer))
  }
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text, ...pieces])
}

function bertShapes(hidden: number): Record<string, readonly number[]> {
  const linear = (name: string, out: number, into: number) => ({ [`${name}.weight`]: [out, into], [`${name}.bias`]: [out] })
  const norm = (name: string) => ({ [`${name}.weight`]: [hidden], [`${name}.bias`]: [hidden] })
  const layer = 'encoder.layer.0'
  return {
    'embeddings.word_embeddings.weight': [VOCABULARY.length, hidden],
    'embeddings.position_embeddings.weight': [64, hidden],
    'embeddings.token_type_embeddings.weight': [2, hidden],
    ...norm('embeddings.LayerNorm'),
    ...linear(`${layer}.attention.self.query`, hidden, hidden),
    ...linear(`${layer}.attention.self.key`, hidden, hidden),
    ...linear(`${layer}.attention.self.value`, hidden, hidden),
    ...linear(`${layer}.attention.output.dense`, hidden, hidden),
    ...norm(`${layer}.attention.output.LayerNorm`),
    ...linear(`${layer}.intermediate.dense`, 2 * hidden, hidden),
    ...linear(`${layer}.output.dense`, hidden, 2 * hidden),
    ...norm(`${layer}.output.LayerNorm`),
  }
}

/** Files of a small random BERT in the layout of sentence-transformers, by their paths. */
export function tinyEncoder({ seed = 0, hidden = 16, dense = false, normalize = true }: Shape = {}): Record<string, Buffer> {
  const kinds = ['Transformer', 'Pooling', ...(dense ? ['Dense'] : []), ...(normalize ? ['Normalize'] : [])]
  const modules = kinds.map((kind, idx) => ({
    idx,
    name: String(idx),
    path: idx === 0 ? '' : `${idx}_${kind}`,
    type: `sentence_transformers.models.${kind}`,
  }))
  const config = {
    model_type: 'bert',
    hidden_size: hidden,
    num_attention_heads: 2,
    num_hidden_layers: 1,
    intermediate_size: 2 * hidden,
    vocab_size: VOCABULARY.length,
    max_position_embeddings: 64,
    type_vocab_size: 2,
    hidden_act: 'gelu',
    layer_norm_eps: 1e-12,
  }
  const json = (value: unknown) => Buffer.from(JSON.stringify(value))
  return {
    'modules.json': json(modules),
    'config.json': json(config),
    'tokenizer.json': json(tokenizer()),
    'tokenizer_config.json': json({ tokenizer_class: 'BertTokenizer', model_max_length: 64 }),
    'model.safetensors': safetensors(bertShapes(hidden), seed),
    '1_Pooling/config.json': json({ word_embedding_dimension: hidden, pooling_mode_mean_tokens: true }),
    ...(dense && {
      '2_Dense/config.json': json({
        in_features: hidden,
        out_features: hidden,
        bias: false,
        activation_function: 'torch.nn.modules.linear.Identity',
      }),
      '2_Dense/model.safetensors': safetensors({ 'linear.weight': [hidden, hidden] }, seed + 1),
    }),
  }
}

/** Writes such an encoder to a folder, whose name begins the name of its space; returns the path. */
export function writeTinyEncoder(folder: string, shape: Shape = {}): string {
  for (const [path, bytes] of Object.entries(tinyEncoder(shape))) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), bytes)
  }
  return folder
}
