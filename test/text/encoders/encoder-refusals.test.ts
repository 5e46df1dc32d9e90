import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Encoder, type EncoderOptions, type LvmError } from '../../../lib/index.js'
import { native } from '../../../lib/native.js'
import { FIXTURES } from './expect-encoder.js'

const work = mkdtempSync(join(tmpdir(), 'lvm-encoders-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

let made = 0
/** Copies a fixture to a folder of its own. */
function copy(name: string): string {
  const folder = join(work, String(made++), name)
  cpSync(join(FIXTURES, name), folder, { recursive: true })
  return folder
}
type Json = Record<string, unknown>
function edit(folder: string, file: string, change: (json: Json) => Json | unknown[]): string {
  const path = join(folder, file)
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')))))
  return folder
}
/** Changes the header of a safetensors file: names and shapes of its tensors. */
function header(folder: string, file: string, change: (header: Record<string, { shape: number[] }>) => void): string {
  const path = join(folder, file)
  const bytes = readFileSync(path)
  const length = Number(bytes.readBigUInt64LE(0))
  const json = JSON.parse(bytes.toString('utf8', 8, 8 + length))
  change(json)
  const text = Buffer.from(JSON.stringify(json))
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(text.length))
  writeFileSync(path, Buffer.concat([size, text, bytes.subarray(8 + length)]))
  return folder
}
const refused = async (folder: string, options: EncoderOptions = {}): Promise<LvmError> => {
  const opened = await Encoder.open(folder, options).catch((error: unknown) => error)
  expect(opened).toBeInstanceOf(Error)
  return opened as LvmError
}

const rename = (from: string, to: string) => (header: Record<string, { shape: number[] }>) => {
  header[to] = header[from]!
  delete header[from]
}

const QUERY = 'encoder.layer.1.attention.self.query.weight'
const bert = (change: (json: Json) => Json) => edit(copy('tiny-bert'), 'config.json', change)
const modules = (change: (list: Json[]) => Json[]) =>
  edit(copy('tiny-mpnet'), 'modules.json', (list) => change(list as unknown as Json[]))
const typed = (type: string) => ({ idx: 9, name: '9', path: 'x', type: `sentence_transformers.models.${type}` })
const pools = (json: Json) => edit(copy('tiny-bert'), '1_Pooling/config.json', () => json)
const dense = (change: Json) => edit(copy('tiny-mpnet'), '2_Dense/config.json', (json) => ({ ...json, ...change }))

describe('the folder of an encoder is refused', () => {
  test.each<[string, () => string, string, RegExp]>([
    ['that does not exist', () => join(work, 'none'), 'FILE_MISSING', /none/],
    ['without modules.json and a pooling', () => remove(copy('tiny-bert'), 'modules.json'), 'BAD_ENCODER', /modules\.json/],
    ['without a tokenizer', () => remove(copy('tiny-bert'), 'tokenizer.json'), 'FILE_MISSING', /tokenizer\.json/],
    ['without weights', () => remove(copy('tiny-bert'), 'model.safetensors'), 'FILE_MISSING', /model\.safetensors/],
    ['without one of its shards', () => remove(copy('tiny-mpnet'), 'model-00002-of-00004.safetensors'), 'FILE_MISSING', /00002/],
    ['of an unknown kind', () => bert((c) => ({ ...c, model_type: 'gpt2' })), 'BAD_ENCODER', /"model_type".*"gpt2"/],
    ['of weights of another kind', () => bert((c) => ({ ...c, model_type: 't5' })), 'BAD_CHECKPOINT', /SelfAttention/],
    ['with relative keys', () => bert((c) => ({ ...c, position_embedding_type: 'relative_key' })), 'BAD_ENCODER', /relative_key/],
    ['with an unknown activation', () => bert((c) => ({ ...c, hidden_act: 'mish' })), 'BAD_ENCODER', /"hidden_act".*"mish"/],
    ['with heads that do not fit', () => bert((c) => ({ ...c, num_attention_heads: 4 })), 'BAD_ENCODER', /num_attention_heads/],
    ['without a size', () => bert(({ hidden_size, ...c }) => c), 'BAD_ENCODER', /"hidden_size"/],
    ['with an unknown module', () => modules((l) => [...l, typed('LSTM')]), 'BAD_ENCODER', /"LSTM"/],
    ['with modules out of order', () => modules((l) => [...l, typed('Dense')]), 'BAD_ENCODER', /Normalize, Dense/],
    ['with a module outside it', () => modules((l) => [{ ...l[0], path: '../x' }, ...l.slice(1)]), 'BAD_ENCODER', /\.\.\/x/],
    ['with no pooling mode', () => pools({ pooling_mode_mean_tokens: false }), 'BAD_ENCODER', /1_Pooling/],
    ['with an unknown pooling', () => pools({ pooling_mode: 'median' }), 'BAD_ENCODER', /"median"/],
    ['with an unknown old pooling', () => pools({ pooling_mode_median_tokens: true }), 'BAD_ENCODER', /pooling_mode_median/],
    ['with an unknown activation of Dense', () => dense({ activation_function: 'torch.nn.Softmax' }), 'BAD_ENCODER', /Softmax/],
    ['with a Dense of another width', () => dense({ in_features: 44 }), 'BAD_ENCODER', /"in_features"/],
    ['with a Dense of another output', () => dense({ out_features: 8 }), 'BAD_CHECKPOINT', /2_Dense.*linear\.weight/],
    ['with a Dense without its bias', () => dense({ bias: false }), 'BAD_CHECKPOINT', /unexpected \(linear\.bias\)/],
    [
      'with a layer less than its weights',
      () => bert((c) => ({ ...c, num_hidden_layers: 1 })),
      'BAD_CHECKPOINT',
      /unexpected.*layer\.1/,
    ],
    [
      'with a layer more than its weights',
      () => bert((c) => ({ ...c, num_hidden_layers: 3 })),
      'BAD_CHECKPOINT',
      /missing.*layer\.2/,
    ],
  ])('%s', async (_, folder, code, sentence) => {
    const error = await refused(folder())
    expect(error.message).toMatch(sentence)
    expect(error.code).toBe(code)
  })

  test('when a weight is missing, extra or of another shape, with the names of file and tensor', async () => {
    const missing = header(copy('tiny-bert'), 'model.safetensors', rename(QUERY, 'pooler.query'))
    expect((await refused(missing)).message).toMatch(
      /model\.safetensors: .*1 missing \(encoder\.layer\.1\.attention\.self\.query\.weight\)$/,
    )
    const extra = header(copy('tiny-bert'), 'model.safetensors', rename('pooler.dense.bias', 'encoder.layer.1.adapter.bias'))
    expect((await refused(extra)).message).toMatch(/1 unexpected \(encoder\.layer\.1\.adapter\.bias\)/)
    const shaped = header(copy('tiny-bert'), 'model.safetensors', (h) => {
      h['encoder.layer.0.output.dense.weight']!.shape.reverse()
    })
    const error = await refused(shaped)
    expect(error.message).toMatch(/encoder\.layer\.0\.output\.dense\.weight: \[23, 15\] instead of \[15, 23\]/)
    expect(error.code).toBe('BAD_CHECKPOINT')
  })

  test('when a weight is NaN', async () => {
    const folder = copy('tiny-bert')
    const path = join(folder, 'model.safetensors')
    const bytes = readFileSync(path)
    const text = bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0)))
    const [start] = JSON.parse(text)[QUERY].data_offsets
    bytes.writeUInt32LE(0x7fc00000, 8 + text.length + start)
    writeFileSync(path, bytes)
    expect(await refused(folder)).toMatchObject({ code: 'BAD_CHECKPOINT', message: expect.stringMatching(/NaN or Inf/) })
  })

  test('when its tokenizer is damaged', async () => {
    expect(await refused(edit(copy('tiny-bert'), 'tokenizer.json', (t) => ({ ...t, model: {} })))).toMatchObject({
      code: 'DATA_FORMAT',
    })
    const folder = copy('tiny-bert')
    writeFileSync(join(folder, 'tokenizer.json'), '{"model":')
    expect(await refused(folder)).toMatchObject({ code: 'DATA_FORMAT' })
  })
})

test.each([
  ['bert.', 'tiny-bert'],
  ['0.auto_model.', 'tiny-t5-gated'],
])('weights below the prefix %s are the same encoder', async (prefix, name) => {
  const folder = header(copy(name), 'model.safetensors', (h) => {
    for (const key of Object.keys(h).filter((key) => key !== '__metadata__')) {
      h[prefix + key] = h[key]!
      delete h[key]
    }
  })
  using given = await Encoder.open(join(FIXTURES, name))
  using renamed = await Encoder.open(folder)
  expect(await renamed.encode(['the cat'])).toEqual(await given.encode(['the cat']))
})

test('tied weights of T5 are one tensor under any of their names', async () => {
  using given = await Encoder.open(join(FIXTURES, 'tiny-t5-gated'))
  for (const alias of ['encoder.embed_tokens.weight', 'decoder.embed_tokens.weight', 'lm_head.weight']) {
    const folder = header(copy('tiny-t5-gated'), 'model.safetensors', (h) => {
      h[alias] = h['shared.weight']!
      delete h['shared.weight']
    })
    using other = await Encoder.open(folder)
    expect(await other.encode(['the cat'])).toEqual(await given.encode(['the cat']))
  }
})

test('a folder of transformers without modules.json takes the pooling of the options', async () => {
  const folder = remove(copy('tiny-bert'), 'modules.json')
  using encoder = await Encoder.open(folder, { pooling: 'cls' })
  expect(encoder.space).toBe('tiny-bert · cls pooling')
})

test('an id outside the vocabulary and lengths that do not add up are refused before any arithmetic', async () => {
  using encoder = await Encoder.open(join(FIXTURES, 'tiny-bert'))
  const { model } = (encoder as unknown as { opened: { model: Parameters<typeof native.textEncode>[0] } }).opened
  const run = (ids: number[], lengths: number[]) => native.textEncode(model, Int32Array.from(ids), Int32Array.from(lengths))
  await expect(run([0, 999, 2], [3])).rejects.toMatchObject({
    code: 'BAD_ARGUMENT',
    message: expect.stringMatching(/received 999/),
  })
  await expect(run([0, -1, 2], [3])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await expect(run([0, 1, 2], [2])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await expect(run([0, 1], [2, 0])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await expect(run(Array(50).fill(1), [50])).rejects.toMatchObject({ message: expect.stringMatching(/at most 40 tokens/) })
  expect(await run([], [])).toHaveLength(0)
})

function remove(folder: string, file: string): string {
  renameSync(join(folder, file), join(folder, `removed-${file.replace(/\.(safetensors|json)$/, '')}`))
  return folder
}
