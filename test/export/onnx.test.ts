import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-web'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { load } from '../../lib/checkpoint/load-model.js'
import { compare } from '../../lib/export/compare-export.js'
import { exportRun } from '../../lib/export/export.js'
import { findRuntime } from '../../lib/export/onnx/runtime.js'
import { isBeside, writeOnnx } from '../../lib/export/onnx/write-onnx.js'
import { train } from '../../lib/train/train.js'

const out = mkdtempSync(join(tmpdir(), 'lvm-torch-onnx-test-'))
const run = join(out, 'run')
const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })
const leftovers = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('.tmp-'))

afterAll(() => rmSync(out, { recursive: true, force: true }))
beforeAll(async () => {
  ort.env.wasm.numThreads = 1
  const options = { model: 'transformer', data: 'data/sample/factbook', preset: 'tiny', epochs: 1, maxSteps: 3 } as const
  for await (const _ of train({ ...options, name: 'run', out, residual: 'decay' })) {
  }
})

/** Largest difference between an ONNX model and its run, for a batch of two contexts of five vectors. */
async function difference(model: Uint8Array, options: ort.InferenceSession.SessionOptions = {}): Promise<number> {
  const session = await ort.InferenceSession.create(model, options)
  using loaded = await load(run)
  const x = new Float32Array(2 * 5 * loaded.dim).map((_, i) => Math.sin(i))
  const { prediction } = await session.run({ context: new ort.Tensor('float32', x, [2, 5, loaded.dim]) })
  const want = await loaded.predict(x)
  return Math.max(...(prediction!.data as Float32Array).map((value, i) => Math.abs(value - want[i]!)))
}

describe('an export as ONNX', () => {
  test('a file that ends in .onnx is an ONNX model that predicts like its run and says what it is', async () => {
    const path = join(out, 'model.onnx')
    const made = await exportRun({ run, out: path })
    expect(made).toMatchObject({ format: 'onnx', out: path, beside: null, bytes: readFileSync(path).length })
    expect(made.compared).toMatchObject({ runtime: expect.stringMatching(/^onnxruntime-(node|web) \d/), batches: [1, 3, 32] })
    expect(made.compared!.share).toBeLessThanOrEqual(1)
    expect(await difference(readFileSync(path))).toBeLessThan(1e-6)
    const text = readFileSync(path, 'latin1')
    for (const fact of ['spec_hash', 'all-mpnet-base-v2', 'normalized', 'compared']) expect(text).toContain(fact)
  })
  test('an existing ONNX file is replaced only on request, and an unchecked one has another name and says so', async () => {
    const path = join(out, 'twice.onnx')
    writeFileSync(path, 'mine')
    await expect(exportRun({ run, out: path })).rejects.toThrow(code('RUN_EXISTS'))
    expect(readFileSync(path, 'utf8')).toBe('mine')
    const unchecked = await exportRun({ run, format: 'onnx', unchecked: true })
    expect(unchecked).toMatchObject({ out: join(run, 'exported.unchecked.onnx'), compared: null })
    expect(readFileSync(unchecked.out, 'latin1')).toMatch(/compared.{1,4}false/s)
    expect(await difference(readFileSync(unchecked.out))).toBeLessThan(1e-6)
    await exportRun({ run, out: path, overwrite: true, unchecked: true })
    expect(readFileSync(path).length).toBeGreaterThan(1000)
    expect([...leftovers(out), ...leftovers(run)]).toEqual([])
  })
  test('the ending of the file and the format must agree', async () => {
    const refuse = (options: object) => expect(exportRun({ run, ...options })).rejects.toThrow(code('BAD_OPTION'))
    await refuse({ out: join(out, 'model.onxn') })
    await refuse({ format: 'onnx', out: join(out, 'model.pt') })
    await refuse({ format: 'torchscript', out: join(out, 'model.onnx') })
    await refuse({ unchecked: true })
    await refuse({ format: 'ONNX' })
  })
  test('weights beyond the limit of one file go to a second one, which is read with it', async () => {
    const folder = join(out, 'two')
    mkdirSync(folder)
    using model = await load(run, { exact: true })
    await writeOnnx(model, join(folder, 'big.onnx'), {}, 1000)
    const [beside] = readdirSync(folder).filter((name) => name !== 'big.onnx') as [string]
    expect(isBeside(join(folder, 'big.onnx'), beside)).toBe(true)
    expect(isBeside(join(folder, 'other.onnx'), beside)).toBe(false)
    expect(isBeside(join(folder, 'big.onnx'), 'big.onnx.data')).toBe(false)
    const graph = readFileSync(join(folder, 'big.onnx'))
    expect(graph.length).toBeLessThan(readFileSync(join(folder, beside)).length)
    const externalData = [{ path: beside, data: readFileSync(join(folder, beside)) }]
    expect(await difference(graph, { externalData })).toBeLessThan(1e-6)
  })
  test('export refuses a file that computes another function, or that ONNX Runtime does not read', async () => {
    using model = await load(run, { exact: true })
    const path = join(out, 'foreign.onnx')
    await writeOnnx(model, path, {})
    const bytes = readFileSync(path)
    const runtime = await findRuntime(bytes.length)
    const changed = (from: string, to: string) => {
      expect(bytes.includes(from)).toBe(true)
      writeFileSync(path, Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1'))
      return expect(compare(run, path, 'onnx', runtime)).rejects
    }
    await changed('Relu', 'Tanh').toThrow(code('FOREIGN_FORWARD'))
    await changed('Softmax', 'Softmux').toThrow(/ONNX Runtime refused the file: .*Softmux/)
  })
  test('without an ONNX Runtime for the size of the model, export says how to get one', async () => {
    const { PATH } = process.env
    process.env.PATH = join(out, 'nowhere')
    try {
      await expect(findRuntime(1e12)).rejects.toThrow(code('ONNX_MISSING'))
      await expect(findRuntime(1e12)).rejects.toMatchObject({ commandHint: expect.stringContaining('--unchecked') })
    } finally {
      process.env.PATH = PATH
    }
  })
  test('a killed export leaves no file, and the next one removes what it left', async () => {
    const folder = join(out, 'killed')
    const path = join(folder, 'model.onnx')
    const child = spawn(process.execPath, ['dist/bin/lvm.js', 'export', run, '--out', path], { stdio: 'ignore' })
    const ended = new Promise((done) => child.once('exit', done))
    while (!(existsSync(folder) && leftovers(folder).length > 0)) await new Promise((done) => setTimeout(done, 5))
    child.kill('SIGKILL')
    await ended
    expect(existsSync(path)).toBe(false)
    expect(leftovers(folder)).toHaveLength(1)
    await exportRun({ run, out: path, unchecked: true })
    expect(readdirSync(folder)).toEqual(['model.onnx'])
  })
})
