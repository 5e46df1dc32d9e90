import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { load } from '../../lib/checkpoint/load-model.js'
import { compare } from '../../lib/export/compare-export.js'
import { exportRun } from '../../lib/export/export.js'
import { torchScript } from '../../lib/export/torchscript.js'
import { openArrays } from '../../lib/files/arrays.js'
import { readSafetensors } from '../../lib/files/safetensors.js'
import { native } from '../../lib/native.js'
import { contextsOf } from '../../lib/spec/contexts.js'
import { loadTensor } from '../../lib/torch/load-array.js'
import { TorchScriptModule } from '../../lib/torch/script.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { train } from '../../lib/train/train.js'

const SAMPLE = 'data/sample/factbook'
const out = mkdtempSync(join(tmpdir(), 'lvm-torch-export-'))
const run = join(out, 'run')
const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })

afterAll(() => rmSync(out, { recursive: true, force: true }))
beforeAll(async () => {
  const options = {
    model: 'transformer',
    data: SAMPLE,
    preset: 'tiny',
    epochs: 1,
    maxSteps: 3,
    name: 'run',
    out,
    residual: 'decay',
  } as const
  for await (const _ of train(options)) {
  }
})

describe('an exported run', () => {
  test('an exported TorchScript program predicts like its run', async () => {
    const made = await exportRun({ run })
    expect(made).toMatchObject({ version: 1, model: 'transformer', format: 'torchscript', out: join(run, 'exported.ts.pt') })
    expect(made.compared!.share).toBeLessThanOrEqual(1)
    expect(made.compared!.contexts).toContain(5)
    using model = await load(run)
    using script = await TorchScriptModule.load(made.out, { allowCode: true })
    const x = new Float32Array(2 * 5 * model.dim).map((_, i) => Math.sin(i))
    using y = await script.forward(Tensor.from(x, [2, 5, model.dim]))
    const want = await model.predict(x)
    expect(Math.max(...((await y.data()) as Float32Array).map((v, i) => Math.abs(v - want[i]!)))).toBeLessThanOrEqual(
      made.compared!.allowed,
    )
  })
  test('export refuses a file that computes another function, in any precision', async () => {
    for (const [model, weights] of [
      ['linformer', 'fp32'],
      ['lcm', 'bf16'],
    ] as const) {
      const name = `foreign-${model}`
      const options = { model, data: SAMPLE, preset: 'tiny', epochs: 1, maxSteps: 3, weights, name, out } as const
      for await (const _ of train(options)) {
      }
      using loaded = await load(join(out, name))
      const { spec } = loaded.manifest
      const weight = native.modelState(loaded.native).find(({ trainable }) => trainable)!.name
      const source = torchScript(spec, { dim: loaded.dim, weight, ...contextsOf(spec) })
      const path = join(out, `${name}.ts.pt`)
      await native.scriptSave(loaded.native, path, source)
      const { share, allowed } = await compare(loaded.folder, path, 'torchscript')
      expect(share).toBeLessThanOrEqual(1)
      expect(allowed).toBeGreaterThan(0)
      const foreign = source.replaceAll(/torch\.(gelu|silu)\(/g, 'torch.relu(')
      expect(foreign).not.toBe(source)
      await native.scriptSave(loaded.native, path, foreign)
      await expect(compare(loaded.folder, path, 'torchscript')).rejects.toThrow(code('FOREIGN_FORWARD'))
    }
  }, 120_000)
  test('a safetensors export has the weights of its run and their metadata', async () => {
    const { out: path } = await exportRun({ run, format: 'safetensors' })
    const { metadata } = await readSafetensors(path)
    using model = await load(run)
    expect(metadata.get('spec_hash')).toBe(model.manifest.spec_hash)
    expect(JSON.parse(metadata.get('spec')!)).toEqual(model.manifest.spec)
    const { arrays } = await openArrays(path)
    expect(arrays.size).toBeGreaterThan(20)
    using weight = await loadTensor(arrays.get('head.weight')!)
    expect(weight.shape).toEqual([768, 16])
  })
  test('export overwrites a file only with --overwrite and leaves no partial file', async () => {
    await expect(exportRun({ run })).rejects.toThrow(code('RUN_EXISTS'))
    await exportRun({ run, overwrite: true })
    expect(readdirSync(run).filter((name) => name.includes('.part'))).toEqual([])
  })
  test('export refuses a damaged or missing run', async () => {
    await expect(exportRun({ run: join(out, 'none') })).rejects.toThrow(code('RUN_MISSING'))
    await expect(exportRun({ run, format: 'onxn' as 'onnx' })).rejects.toThrow(code('BAD_OPTION'))
    await expect(exportRun({ run, format: 'safetensors', out: join(out, 'weights.bin') })).rejects.toThrow(code('BAD_OPTION'))
    const path = join(run, 'best_model.pt')
    const bytes = readFileSync(path)
    bytes[bytes.length >> 1]! ^= 1
    writeFileSync(path, bytes)
    await expect(exportRun({ run, out: join(out, 'x.pt') })).rejects.toThrow(code('BAD_CHECKPOINT'))
    expect(existsSync(join(out, 'x.pt'))).toBe(false)
  })
})

describe('TorchScriptModule', () => {
  test('TorchScriptModule runs code only with allowCode', async () => {
    await expect(TorchScriptModule.load(join(run, 'exported.ts.pt'))).rejects.toThrow(code('DATA_UNSAFE'))
  })
  test('TorchScriptModule refuses a file that is not TorchScript', async () => {
    const path = join(out, 'text.pt')
    writeFileSync(path, 'not a program')
    await expect(TorchScriptModule.load(path, { allowCode: true })).rejects.toThrow(code('DATA_FORMAT'))
    await expect(TorchScriptModule.load(join(run, 'best_model.pt'), { allowCode: true })).rejects.toThrow(code('DATA_FORMAT'))
    await expect(TorchScriptModule.load(join(out, 'none.pt'), { allowCode: true })).rejects.toThrow(code('FILE_MISSING'))
  })
  test('TorchScriptModule reports the error of the program', async () => {
    using script = await TorchScriptModule.load(join(run, 'exported.ts.pt'), { allowCode: true })
    await expect(script.forward(Tensor.from([1, 2], [1, 2]))).rejects.toThrow(/expected contexts of shape/)
    script.dispose()
    await expect(script.forward(Tensor.from([1], [1]))).rejects.toThrow(code('DISPOSED'))
  })
})
