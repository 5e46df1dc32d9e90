import { expect, it } from 'vitest'
import { LvmError } from '../../lib/errors.js'
import { type ImportOptions, importCheckpoint, load, Tensor } from '../../lib/index.js'
import { type NativeTensor, native } from '../../lib/native.js'
import { fixture, refused } from '../files/fixture.js'
import { place } from '../train/runs.js'

const out = place('trainers')
const importing = (file: string, name: string, more: Partial<ImportOptions> = {}) =>
  importCheckpoint({ file, model: 'lstm', name, out, overwrite: true, ...more })
const x = Float32Array.from({ length: 5 * 8 }, (_, i) => Math.sin(i))
async function predictions(run: string): Promise<Float32Array> {
  using model = await load(run)
  return model.predict(x, { context: 5 })
}
const plain = await predictions((await importing(fixture('trainer-plain.pt'), 'plain')).run)

it.each<[string, string[], RegExp]>([
  ['trainer-lightning.pt', ['criterion.weight', 'metric.total'], /not read.*criterion\.weight, metric\.total/],
  ['trainer-averaged.pt', ['n_averaged'], /not read.*n_averaged/],
  ['trainer-arrays.pt', [], /also holds weights under ema: not read/],
  ['trainer-beside.pt', ['seen', 'scale'], /not read.*seen, scale/],
])('import of %s gives the same model and lists the entries it did not read', async (name, dropped, warning) => {
  const made = await importing(fixture(name), name)
  expect(await predictions(made.run)).toEqual(plain)
  expect(made.weights).toMatchObject({ new: [], cut: [] })
  expect([...made.weights.dropped].sort()).toEqual([...dropped].sort())
  expect(made.warnings.join('\n')).toMatch(warning)
})

/** Weights of the plain file under other names. */
async function renamed(name: string, change: (name: string) => string, more: Record<string, unknown> = {}): Promise<string> {
  using model = await load(`${out}/plain`)
  const state = native.modelState(model.native).map(({ name, tensor }) => {
    const python = name
      .replace(/^core\./, '')
      .replace(/^in_proj\./, 'input_proj.')
      .replace(/^head\./, 'output_proj.')
    return [change(python), tensor] as const
  })
  await native.savePt(place(name), { ...Object.fromEntries<NativeTensor>(state), ...more })
  return place(name)
}
it.each<[string, (name: string) => string]>([
  ['a prefix of one part', (n) => `net.${n}`],
  ['a prefix of three parts', (n) => `trainer.student.core_model.${n}`],
  ['a compiled model in a prefix', (n) => `model._orig_mod.${n}`],
  ['a compiled part', (n) => n.replace('lstm.', 'lstm._orig_mod.')],
  ['a parallel part of a compiled model', (n) => `_orig_mod.${n.replace('lstm.', 'lstm.module.')}`],
  ['a sharded model', (n) => `_fsdp_wrapped_module.${n}`],
])('import recognises names with %s', async (what, change) => {
  const made = await importing(await renamed('renamed.pt', change), what.replaceAll(' ', '-'))
  expect(await predictions(made.run)).toEqual(plain)
})
it('import of a file with two models takes the one named "model" and lists the other', async () => {
  const other = Tensor.from(new Float32Array(8 * 4), [8, 4]).native
  const made = await importing(await renamed('two.pt', (n) => `model.${n}`, { 'teacher.output_proj.weight': other }), 'two')
  expect(made.weights.dropped).toEqual(['teacher.output_proj.weight'])
  expect(await predictions(made.run)).toEqual(plain)
})
it('import refuses a file with two equivalent models', async () => {
  const other = Tensor.from(new Float32Array(8 * 4), [8, 4]).native
  const file = await renamed('both.pt', (n) => `student.${n}`, { 'teacher.output_proj.weight': other })
  expect(await refused('BAD_CHECKPOINT', importing(file, 'both'))).toMatch(/student\. and teacher\./)
})
it('import names a required tensor of an unread type, with its type', async () => {
  const message = await refused('BAD_CHECKPOINT', importing(fixture('trainer-float8.pt'), 'float8'))
  expect(message).toMatch(/head\.bias: a float8_e4m3fn tensor of shape \[8\]/)
})
it('import finds the weights of a Composer checkpoint under state.model', async () => {
  using model = await load(`${out}/plain`)
  const weights = Object.fromEntries(native.modelState(model.native).map(({ name, tensor }) => [name, tensor]))
  await native.savePt(place('composer.pt'), { state: { model: weights, timestamp: 3 }, epoch: 1 })
  expect(await predictions((await importing(place('composer.pt'), 'composer')).run)).toEqual(plain)
})
it('import refuses the state of an optimizer without weights', async () => {
  const [exp_avg] = [Tensor.from(x).native]
  await native.savePt(place('optimizer.pt'), { state: { 0: { exp_avg } }, param_groups: [] })
  expect(await refused('BAD_CHECKPOINT', importing(place('optimizer.pt'), 'optimizer'))).toMatch(/no tensors by name/)
})
it('import of weights of unread types only says so', async () => {
  const message = await refused('BAD_CHECKPOINT', importing(fixture('trainer-all-float8.pt'), 'all-float8'))
  expect(message).toMatch(/only tensors that are not read, such as a float8_e4m3fn tensor/)
})
it('import refuses a pickled module, with a hint to save its state dict', async () => {
  const error = await importing(fixture('trainer-module.pt'), 'module').catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(LvmError)
  expect(error).toMatchObject({ code: 'DATA_UNSAFE', message: expect.stringMatching(/class app\.Net; nothing was run/) })
  expect((error as LvmError).hint).toMatch(/state_dict\(\)/)
})
it('import refuses a file without weights, and lists its keys', async () => {
  await native.savePt(place('keys.pt'), { epoch: 3, notes: 'x', nested: { lr: 1 } })
  expect(await refused('BAD_CHECKPOINT', importing(place('keys.pt'), 'keys'))).toMatch(/its keys are epoch, notes, nested/)
  await native.savePt(place('several.pt'), { a: { w: Tensor.from(x).native }, b: { w: Tensor.from(x).native } })
  expect(await refused('BAD_CHECKPOINT', importing(place('several.pt'), 'several'))).toMatch(/under several keys \(a, b\)/)
})
it('an import error names the tensors in the file, shortened if there are many', async () => {
  const tensor = Tensor.from(new Float32Array(4), [4]).native
  const names = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`other.${i}`, tensor]))
  await native.savePt(place('many.pt'), names)
  const message = await refused('BAD_CHECKPOINT', importing(place('many.pt'), 'many'))
  expect(message).toMatch(/other\.0, other\.1/)
  expect(message.length).toBeLessThan(1000)
})
it('import refuses names with a layer index of a billion, and hundreds of thousands of layers', async () => {
  const tensor = Tensor.from(new Float32Array(32), [8, 4]).native
  const of = async (model: ImportOptions['model'], names: readonly string[]) => {
    await native.savePt(place('layers.pt'), Object.fromEntries(names.map((name) => [name, tensor])))
    return refused('BAD_CHECKPOINT', importing(place('layers.pt'), 'layers', { model }))
  }
  expect(await of('lstm', ['head.weight', 'core.lstm.weight_ih_l999999999'])).toMatch(/at most 1024 layers/)
  expect(await of('s4', ['encoder.weight', 'layers.99999999.layer.kernel.kernel.C'])).toMatch(/at most 1024 layers/)
  const many = Array.from({ length: 150_000 }, (_, i) => `x${i}.layers.1.layers.2.weight`)
  expect(await of('lstm', ['head.weight', ...many])).toMatch(/150000 unexpected/)
})
it('import refuses weights without layers, and names the missing tensors', async () => {
  await native.savePt(place('head.pt'), { 'head.weight': Tensor.from(new Float32Array(32), [8, 4]).native })
  expect(await refused('BAD_CHECKPOINT', importing(place('head.pt'), 'head'))).toMatch(/are missing \(core\.lstm\.weight_ih_l0/)
})
it('import limits can be lowered but not raised', async () => {
  const file = fixture('trainer-plain.pt')
  await refused('DATA_FORMAT', importing(file, 'limited', { limits: { pickleOpcodes: 10 } }))
  await refused('DATA_FORMAT', importing(file, 'limited', { limits: { zipEntries: 2 } }))
  await refused('BAD_OPTION', importing(file, 'limited', { limits: { zipEntries: 1e9 } }))
})
