import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { quickest } from '../../lib/checkpoint/kernels.js'
import { load } from '../../lib/checkpoint/load-model.js'
import { scalesOf, valuesOf } from '../../lib/checkpoint/quantize-matrix.js'
import { dequantized, openQuantized } from '../../lib/checkpoint/quantized.js'
import { QUANTIZED } from '../../lib/checkpoint/run-manifest.js'
import { type Quantized, quantize } from '../../lib/compress/quantize.js'
import { slowerSentence } from '../../lib/compress/quantize-publish.js'
import { evaluate } from '../../lib/evaluate/evaluate-runs.js'
import { exportRun } from '../../lib/export/export.js'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { train } from '../../lib/train/train.js'
import { forged } from '../checkpoint/trained.js'

const SAMPLE = 'data/sample/factbook'
const out = mkdtempSync(join(tmpdir(), 'lvm-torch-quantize-'))
const run = join(out, 'run')
const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })
const fast = { latency: 0.02, threads: 1 }
let made: Quantized
const said: string[] = []

/** Trains a small run; another seed overwrites it with other weights. */
async function trained(seed: number): Promise<void> {
  const options = {
    model: 'transformer',
    data: SAMPLE,
    epochs: 1,
    maxSteps: 20,
    name: 'run',
    out,
    seed,
    threads: 1,
    overwrite: true,
  } as const
  for await (const _ of train({ ...options, width: 128, layers: 2, heads: 2, ffn: 256, head: 'mlp' })) {
  }
}
const float32 = async (tensor: Tensor) => (await tensor.data()) as Float32Array
const context = (dim: number, rows = 3) =>
  Float32Array.from({ length: rows * 5 * dim }, (_, i) => Math.sin(i * 0.7) / Math.sqrt(dim))
const cosine = (a: Float32Array, b: Float32Array) => {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, v, i) => sum + v * y[i]!, 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

beforeAll(async () => {
  await trained(0)
  made = await quantize({ run, ...fast, say: (line) => said.push(line) })
}, 120_000)
afterAll(() => rmSync(out, { recursive: true, force: true }))

describe('a quantised run', () => {
  test('quantize reports the scheme, the loss and the sensitivity of each matrix', () => {
    expect(made).toMatchObject({ version: 1, parent: run, model: 'transformer', scheme: 'int8' })
    expect(made.gate.pass).toBe(true)
    expect(made.gate).toMatchObject({
      rows: 'val',
      articles: 6,
      ci95_note: expect.stringContaining('6 articles'),
      top10: { pass: true },
    })
    expect(Math.abs(made.gate.cosine.drop)).toBeLessThan(0.002)
    expect(made.size.weights_bytes).toBeLessThan(0.3 * made.size.parent_weights_bytes)
    expect(made.layers.map(({ name }) => name)).toContain('core.transformer_decoder.layers.1.multihead_attn.in_proj_weight')
    expect(made.layers.every(({ drop }) => Number.isFinite(drop))).toBe(true)
    expect(said.filter((line) => line.includes('multihead_attn.in_proj_weight'))).toHaveLength(2)
  })
  test('a quantised run is loaded, evaluated and exported like its parent', async () => {
    const small = join(out, 'run_int8')
    using model = await load(small, { threads: 1 })
    using parent = await load(run, { threads: 1 })
    const x = context(model.dim)
    expect(cosine(await model.predict(x), await parent.predict(x))).toBeGreaterThan(0.995)
    const { results } = await evaluate({ runs: [small], latency: 0, out: join(out, 'evaluation') })
    expect(results.runs[0]!.cosine.mean).toBeCloseTo(made.gate.cosine.result, 3)
    expect(results.runs[0]!.size.weights_bytes).toBe(made.size.weights_bytes)
    for (const format of ['safetensors', 'torchscript', 'onnx'] as const)
      expect((await exportRun({ run: small, format })).compared!.share).toBeLessThanOrEqual(1)
    expect(readFileSync(join(small, 'exported.onnx'), 'latin1').split('DequantizeLinear').length).toBeGreaterThan(
      made.layers.length,
    )
    expect((await openQuantized(join(small, 'exported.safetensors'))).matrices.size).toBe(made.layers.length)
  }, 120_000)
  test('a quantised run has integers within half a step of the weights', async () => {
    using parent = await load(run, { threads: 1 })
    const file = await openQuantized(join(out, 'run_int8', QUANTIZED))
    for (const { name, tensor } of native.modelState(parent.native)) {
      using back = await file.tensors.get(name)!.read()
      const [got, want] = [await float32(back), await float32(Tensor.wrap(tensor))]
      const scales = file.matrices.has(name) ? (await file.parts(name)).scales! : undefined
      const half = scales === undefined ? 0 : Math.max(...(await float32(scales))) / 2
      expect(Math.max(...got.map((v, i) => Math.abs(v - want[i]!)))).toBeLessThanOrEqual(half * 1.0001)
    }
  })
  test('quantize to 4 bits keeps the named matrices in float32', async () => {
    const four = await quantize({ run, to: 'int4', keep: 'in_proj,head', maxDrop: 0.5, name: 'four', ...fast })
    expect(four.layers.filter(({ scheme }) => scheme === 'fp32').map(({ name }) => name)).toEqual(
      expect.arrayContaining(['in_proj.weight', 'head.3.weight']),
    )
    using model = await load(join(out, 'four'), { threads: 1 })
    using exact = await load(join(out, 'four'), { threads: 1, exact: true })
    const x = context(model.dim)
    expect(cosine(await model.predict(x), await exact.predict(x))).toBeGreaterThan(0.999)
    const half = await quantize({ run, to: 'bf16', name: 'half', ...fast })
    expect(half.size.weights_bytes).toBeLessThan(0.52 * half.size.parent_weights_bytes)
  }, 120_000)
  test('quantize publishes nothing when the loss is above the limit, and leaves no files', async () => {
    const before = readdirSync(out).sort()
    await expect(quantize({ run, to: 'int4', maxDrop: 0, name: 'lossy', ...fast })).rejects.toThrow(code('GATE_FAILED'))
    expect(readdirSync(out).sort()).toEqual(before)
  }, 120_000)
  test.each(['each of', 'windows of'])(
    'quantize leaves no files when it is stopped at «%s»',
    async (phrase) => {
      const before = readdirSync(out).sort()
      const stop = new AbortController()
      const say = (line: string) => line.includes(phrase) && stop.abort(new Error('enough'))
      await expect(quantize({ run, name: 'stopped', ...fast, say }, { signal: stop.signal })).rejects.toThrow(
        expect.objectContaining({ code: 'INTERRUPTED', cause: expect.objectContaining({ message: 'enough' }) }),
      )
      expect(readdirSync(out).sort()).toEqual(before)
    },
    120_000,
  )
  test('quantize leaves no files after SIGTERM and reports the signal', async () => {
    const child = spawn(process.execPath, ['dist/bin/lvm.js', 'quantize', run, '--name', 'stopped', '--latency', '60'])
    let err = ''
    child.stderr.on('data', (chunk) => {
      if (!err.includes('each of') && `${chunk}`.includes('each of')) child.kill('SIGTERM')
      err += chunk
    })
    expect({ code: await new Promise((ended) => child.on('close', ended)), err }).toEqual({
      code: 143,
      err: expect.stringContaining('nothing was published'),
    })
    expect(existsSync(join(out, 'stopped'))).toBe(false)
  }, 120_000)
  test('quantize refuses a taken name, training rows, a quantised run and unknown options', async () => {
    await expect(quantize({ run, ...fast })).rejects.toThrow(code('RUN_EXISTS'))
    await expect(quantize({ run, ...fast, name: 'seen', rows: 'all' })).rejects.toThrow(/rows that the run was not trained on/)
    await expect(quantize({ run: join(out, 'run_int8'), ...fast })).rejects.toThrow(/quantised already/)
    await expect(quantize({ run, to: 'int2' as 'int8', name: 'x', ...fast })).rejects.toThrow(code('BAD_OPTION'))
    await expect(quantize({ run, keep: 'nothing', name: 'x', ...fast })).rejects.toThrow(/in_proj\.weight/)
    await expect(quantize({ run, name: 'run', ...fast })).rejects.toThrow(code('BAD_OPTION'))
    expect(existsSync(join(out, 'x'))).toBe(false)
  })
})

describe('a quantised run that was tampered with', () => {
  test('a quantised run with one changed byte is refused', async () => {
    const folder = join(out, 'flipped')
    cpSync(join(out, 'run_int8'), folder, { recursive: true })
    const bytes = readFileSync(join(folder, QUANTIZED))
    bytes[bytes.length - 7]! ^= 1
    writeFileSync(join(folder, QUANTIZED), bytes)
    await expect(load(folder)).rejects.toThrow(code('BAD_CHECKPOINT'))
  })
  test('a quantised run with a scale that is not a number is refused, although its hashes match', async () => {
    const small = join(out, 'run_int8')
    const bytes = readFileSync(join(small, QUANTIZED))
    const length = Number(bytes.readBigUInt64LE())
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString())
    bytes.writeFloatLE(Number.NaN, 8 + length + header['head.3.weight.scale'].data_offsets[0])
    const folder = await forged(small, join(out, 'nan'), { files: { [QUANTIZED]: async (path) => writeFileSync(path, bytes) } })
    await expect(load(folder)).rejects.toThrow(/positive scales for "head\.3\.weight"/)
    await expect(load(folder)).rejects.toThrow(code('BAD_CHECKPOINT'))
  })
  test('a quantised run with the name of another parent is refused', async () => {
    const folder = await forged(join(out, 'run_int8'), join(out, 'stranger'), {
      manifest: ({ quantized }) => Object.assign(quantized!.parent, { weights_sha256: '0'.repeat(64) }),
    })
    await expect(load(folder)).rejects.toThrow(code('BAD_CHECKPOINT'))
  })
  test('a quantised run whose parent was trained again is refused', async () => {
    await trained(1)
    await expect(load(join(out, 'run_int8'))).rejects.toThrow(/trained again/)
    rmSync(run, { recursive: true })
    using alone = await load(join(out, 'run_int8'))
    expect(alone.dim).toBe(768)
  }, 60_000)
})

describe('numbers of few bits', () => {
  test.each([['int8', 127] as const, ['int4', 7] as const])(
    '%s weights represent the original weights within half a step',
    async (scheme, limit) => {
      const values = Float32Array.from({ length: 3 * 131 }, (_, i) => (i < 131 ? 0 : Math.sin(i) * (i % 5)))
      using matrix = Tensor.from(values, [3, 131])
      using scales = await scalesOf(scheme, matrix)
      using whole = await valuesOf(scheme, matrix, scales)
      using back = await dequantized(scheme, whole, scales, 131)
      expect(whole.shape).toEqual(scheme === 'int8' ? [3, 131] : [3, 66])
      expect(scales.shape).toEqual(scheme === 'int8' ? [3] : [3, 2])
      const got = await float32(back)
      expect([...got.subarray(0, 131)].every((v) => v === 0)).toBe(true)
      expect(Math.max(...got.map((v, i) => Math.abs(v - values[i]!)))).toBeLessThanOrEqual((4 / limit / 2) * 1.0001)
    },
  )
  test('every kernel of this machine multiplies low-bit weights correctly', async () => {
    const rows = Int32Array.of(1, 8)
    for (const scheme of ['int8', 'int4', 'bf16']) {
      const times = await native.timeKernels(scheme, 256, 128, rows)
      expect(Object.keys(times).length).toBeGreaterThan(1)
      for (const ms of Object.values(times)) expect(ms).toEqual([expect.any(Number), expect.any(Number)])
    }
    expect(Object.keys(await native.timeKernels('int4', 10, 33, rows))).toEqual(['fp32'])
    for (const [out, input] of [
      [17, 33],
      [1, 1],
      [64, 4],
    ] as const) // some kernels read whole blocks, beyond the end of the rows
      expect(await native.timeKernels('int8', out, input, rows)).toHaveProperty('fp32')
  })
  test('the fastest kernel that is nowhere slower than float32 is chosen', () => {
    expect(quickest({ fp32: [1, 10], a: [0.5, 9], b: [0.4, 11] })).toBe('a')
    expect(quickest({ fp32: [1, 10], a: [0.99, 10] })).toBe('fp32')
    expect(quickest({ fp32: [1, 10] })).toBe('fp32')
  })
  test('the sentence about slower kernels shows the times that it rests on', () => {
    const slower = [
      { batch: 1, parent_ms: 0.069, ms: 0.1234 },
      { batch: 8, parent_ms: 0.3, ms: 0.4 },
    ]
    expect(slowerSentence(slower)).toContain('0.123 ms instead of 0.069 at batch 1, 0.400 ms instead of 0.300 at batch 8')
  })
})
