import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { t5Part } from '../../lib/text/generate/t5-layout.js'
import { GREEDY, T5 } from '../../lib/text/generate/t5-model.js'
import { Decoder } from '../../lib/text/invert/decoder.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { openWeights } from '../../lib/weights/open-weights.js'
import { type Change, configured, copyOf, FIXTURE, goldenOf, integers, meanOf, rewritten } from './inverter-fixture.js'

const golden = goldenOf(FIXTURE)
const ST = join(FIXTURE, 'st')
const EMBEDDING = 'encoder_decoder.shared.weight'

/** Three corrections equal the reference. */
async function decodesAsBefore(folder: string, { vectors, greedy } = golden.st, options = {}): Promise<void> {
  using decoder = await Decoder.open(folder, options)
  const rows = await decoder.decode(Float32Array.from(vectors.flat()), { compat: true, maxLength: 12, steps: 3 })
  expect(rows.map(({ ids }) => ids)).toEqual(greedy[3]!.ids)
}
const renamed =
  (from: string, ...to: string[]): Change =>
  async (tensors) => {
    const tensor = tensors.get(from)!
    tensors.delete(from)
    for (const name of to) tensors.set(name, await tensor.op('aten::clone'))
  }

test.each([
  ['one PyTorch file', { format: 'bin' }],
  ['two safetensors files and an index', { shards: true }],
  ['two PyTorch files and an index', { format: 'bin', shards: true }],
] as const)('weights in %s decode as those in one safetensors file', async (_, layout) => {
  const folder = copyOf(ST)
  for (const part of ['hypothesizer', 'corrector']) await rewritten(join(folder, part), () => {}, layout)
  await rewritten(join(folder, 'embedder', '2_Dense'), () => {}, { format: 'bin' })
  await decodesAsBefore(folder)
})

test.each([
  ['encoder.embed_tokens.weight'],
  ['decoder.embed_tokens.weight'],
  ['lm_head.weight'],
  ['shared.weight', 'encoder.embed_tokens.weight', 'decoder.embed_tokens.weight', 'lm_head.weight'],
])('an embedding stored as %s is found', async (...names) => {
  const folder = copyOf(ST)
  for (const part of ['hypothesizer', 'corrector'])
    await rewritten(join(folder, part), renamed(EMBEDDING, ...names.map((name) => `encoder_decoder.${name}`)))
  await decodesAsBefore(folder)
})

test('an embedding whose names hold different numbers is refused', async () => {
  const folder = copyOf(ST)
  await rewritten(join(folder, 'corrector'), async (tensors) => {
    const other = await tensors.get(EMBEDDING)!.op('aten::mul.Scalar', 2)
    tensors.set('encoder_decoder.decoder.embed_tokens.weight', other)
  })
  await expect(Decoder.open(folder)).rejects.toMatchObject({
    code: 'BAD_CHECKPOINT',
    message: expect.stringContaining('"encoder_decoder.decoder.embed_tokens.weight"'),
  })
})

test('the second layer of a transform may be number 2, as in older files', async () => {
  const folder = copyOf(ST)
  const older =
    (prefixes: string[]): Change =>
    async (tensors) => {
      for (const prefix of prefixes)
        for (const end of ['weight', 'bias']) await renamed(`${prefix}.3.${end}`, `${prefix}.2.${end}`)(tensors)
    }
  await rewritten(join(folder, 'hypothesizer'), older(['embedding_transform']))
  await rewritten(join(folder, 'corrector'), older([1, 2, 3].map((i) => `embedding_transform_${i}`)))
  await decodesAsBefore(folder)
})

test('without its own encoder a hypothesizer takes that of the folder beside it, or the named one', async () => {
  const folder = copyOf(ST)
  await rewritten(join(folder, 'hypothesizer'), (tensors) => {
    for (const name of [...tensors.keys()]) if (name.startsWith('embedder.')) tensors.delete(name)
  })
  await decodesAsBefore(folder)
  renameSync(join(folder, 'embedder'), `${folder}-embedder`)
  await expect(Decoder.open(folder)).rejects.toMatchObject({ code: 'FILE_MISSING' })
  await decodesAsBefore(folder, golden.st, { embedder: `${folder}-embedder` })
  rmSync(`${folder}-embedder`, { recursive: true })
})

test('the parts may be named one by one, and without a corrector the first texts are kept', async () => {
  const folder = copyOf(ST)
  const [corrector, embedder] = [join(ST, 'corrector'), join(ST, 'embedder')]
  await decodesAsBefore(join(folder, 'hypothesizer'), golden.st, { corrector, embedder })
  using decoder = await Decoder.open(join(folder, 'hypothesizer'), { embedder })
  expect(decoder.corrects).toBe(false)
  const rows = await decoder.decode(Float32Array.from(golden.st.vectors.flat()), { maxLength: 12 })
  expect(rows.map(({ ids, steps }) => [ids, steps])).toEqual(golden.st.greedy[0]!.ids.map((ids) => [ids, 0]))
  await expect(Decoder.open(join(folder, 'hypothesizer'), { corrector: embedder, embedder })).rejects.toMatchObject({
    code: 'BAD_CHECKPOINT',
  })
})

const deleted =
  (name: string): Change =>
  (tensors) =>
    void tensors.delete(name)
const added =
  (name: string): Change =>
  (tensors) =>
    void tensors.set(name, Tensor.from([1, 2]))
const cut =
  (name: string): Change =>
  async (tensors) =>
    void tensors.set(name, await tensors.get(name)!.op('aten::narrow', 0, 0, 3))

const Q = 'encoder_decoder.decoder.block.1.layer.1.EncDecAttention.q.weight'
test.each([
  ['hypothesizer', 'missing', EMBEDDING, deleted(EMBEDDING)],
  ['hypothesizer', 'missing', Q, deleted(Q)],
  [
    'corrector',
    'missing',
    'encoder_decoder.encoder.final_layer_norm.weight',
    deleted('encoder_decoder.encoder.final_layer_norm.weight'),
  ],
  ['corrector', 'missing', 'layernorm.bias', deleted('layernorm.bias')],
  ['corrector', 'missing', 'embedding_transform_2.3.bias', deleted('embedding_transform_2.3.bias')],
  ['corrector', 'missing', 'embedding_transform_3.0.weight', deleted('embedding_transform_3.0.weight')],
  [
    'hypothesizer',
    'missing',
    'embedder.0.auto_model.encoder.block.0.layer.1.DenseReluDense.wo.weight',
    deleted('embedder.0.auto_model.encoder.block.0.layer.1.DenseReluDense.wo.weight'),
  ],
  [
    'hypothesizer',
    'unexpected',
    'encoder_decoder.encoder.block.0.layer.0.SelfAttention.q.bias',
    added('encoder_decoder.encoder.block.0.layer.0.SelfAttention.q.bias'),
  ],
  ['corrector', 'also has', 'critic.weight', added('critic.weight')],
  ['hypothesizer', 'another shape', Q, cut(Q)],
  [
    'corrector',
    'another shape',
    'encoder_decoder.decoder.block.0.layer.2.layer_norm.weight',
    cut('encoder_decoder.decoder.block.0.layer.2.layer_norm.weight'),
  ],
  ['hypothesizer', 'another shape', 'embedding_transform.0.weight', cut('embedding_transform.0.weight')],
  ['corrector', 'another shape', 'embedding_transform_1.3.bias', cut('embedding_transform_1.3.bias')],
  ['hypothesizer', 'another shape', 'embedder.2.linear.weight', cut('embedder.2.linear.weight')],
] as const)('a %s with a tensor that is «%s», %s, is refused by its name', async (part, what, name, change) => {
  const folder = copyOf(ST)
  await rewritten(join(folder, part), change)
  const failure = await Decoder.open(folder).then(
    () => undefined,
    (error) => error,
  )
  expect(failure).toMatchObject({ code: 'BAD_CHECKPOINT' })
  expect(failure.message).toContain(what)
  expect(failure.message).toContain(name)
})

test('a weight that is not finite is refused by its name', async () => {
  const folder = copyOf(ST)
  await rewritten(join(folder, 'corrector'), async (tensors) => {
    await tensors.get('layernorm.weight')!.change('aten::mul_.Scalar', Number.POSITIVE_INFINITY)
  })
  await expect(Decoder.open(folder)).rejects.toMatchObject({
    code: 'BAD_CHECKPOINT',
    message: expect.stringContaining('"layernorm.weight" holds NaN or Inf'),
  })
})

test.each([
  [{ embedder_model_name: 'bert' }, 'BAD_CHECKPOINT', /embedder_model_name.*"bert"/],
  [{ embedder_model_api: 'text-embedding-ada-002' }, 'BAD_CHECKPOINT', /embedder_model_api/],
  [{ embeddings_from_layer_n: 3 }, 'BAD_CHECKPOINT', /embeddings_from_layer_n/],
  [{ max_seq_length: 'long' }, 'BAD_CHECKPOINT', /max_seq_length/],
  [{ embedder_model_name: 'gtr_base' }, 'SPACE_MISMATCH', /gtr-mean.*gtr-st/],
])('a hypothesizer with %j in its config.json is refused', async (changes, code, message) => {
  const folder = copyOf(ST)
  configured(join(folder, 'hypothesizer'), changes)
  await expect(Decoder.open(folder)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
})

test('a dense layer in a decoder of gtr-mean, and none in one of gtr-st, are refused', async () => {
  const [dense, none] = [copyOf(ST), await meanOf(ST)]
  for (const part of ['hypothesizer', 'corrector']) configured(join(dense, part), { embedder_model_name: 'gtr_base' })
  await expect(Decoder.open(dense)).rejects.toMatchObject({
    code: 'SPACE_MISMATCH',
    message: expect.stringMatching(/gtr-mean.*gtr-st/),
  })
  for (const part of ['hypothesizer', 'corrector']) configured(join(none, part), { embedder_model_name: 'gtr_base_st' })
  rmSync(join(none, 'embedder', 'modules.json'))
  await expect(Decoder.open(none)).rejects.toMatchObject({
    code: 'BAD_CHECKPOINT',
    message: expect.stringContaining('embedder.2.linear.weight'),
  })
})

test('a folder without a hypothesizer, with two of them or without a tokenizer is refused', async () => {
  await expect(Decoder.open('no/such/folder')).rejects.toMatchObject({ code: 'FILE_MISSING' })
  await expect(Decoder.open(join(ST, 'corrector'))).rejects.toMatchObject({
    code: 'FILE_MISSING',
    message: expect.stringContaining('corrector'),
  })
  const [two, bare] = [copyOf(ST), copyOf(ST)]
  renameSync(copyOf(join(ST, 'hypothesizer')), join(two, 'another'))
  await expect(Decoder.open(two)).rejects.toMatchObject({ code: 'BAD_CHECKPOINT', message: expect.stringContaining('another') })
  rmSync(join(bare, 'embedder', 'tokenizer.json'))
  await expect(Decoder.open(bare)).rejects.toMatchObject({
    code: 'FILE_MISSING',
    message: expect.stringContaining('tokenizer.json'),
  })
  expect(existsSync(join(ST, 'embedder', 'tokenizer.json'))).toBe(true)
})

test('a T5 whose config.json names another activation is refused', async () => {
  const folder = copyOf(join(FIXTURE, 'gated-untied'))
  configured(folder, { feed_forward_proj: 'gated-silu' })
  const load = async () => T5.load(t5Part(await openWeights(folder), ''), { decoder: true })
  await expect(load()).rejects.toMatchObject({ code: 'BAD_CHECKPOINT', message: expect.stringContaining('gated-silu') })
})

test('a lone encoder encodes and refuses to write texts', async () => {
  const file = await openWeights(join(ST, 'embedder'))
  const t5 = await T5.load(t5Part(file, ''), { decoder: false })
  const ids = integers([[5, 6, 1]])
  const encoded = await t5.encode(await t5.embed(ids), integers([[1, 1, 1]]))
  expect(encoded.shape).toEqual([1, 3, 16])
  await expect(t5.generate(encoded, integers([[1, 1, 1]]), { ...GREEDY, longest: 5 })).rejects.toMatchObject({
    code: 'BAD_ARGUMENT',
  })
  t5.dispose()
})
