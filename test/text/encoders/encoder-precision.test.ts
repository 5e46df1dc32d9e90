import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { Encoder, type EncoderOptions } from '../../../lib/index.js'
import { cacheRoot } from '../../../lib/libtorch/paths.js'
import { native } from '../../../lib/native.js'
import { writeTinyEncoder } from '../tiny-encoder.js'
import { expected, FIXTURES, NAMES } from './expect-encoder.js'

/** Functions of the addon that a test replaces. */
const fakes = vi.hoisted((): Record<string, unknown> => ({}))
vi.mock('../../../lib/native.js', async (original) => {
  const { native, ...rest } = await original<typeof import('../../../lib/native.js')>()
  const get = (_: object, name: string) => fakes[name] ?? native[name as keyof typeof native]
  return { ...rest, native: new Proxy({}, { get }) }
})

const work = mkdtempSync(join(tmpdir(), 'lvm-torch-precision-'))
const { LVM_TORCH_CACHE: before } = process.env
beforeAll(() => {
  native.threads() // finds libtorch, before its cache is another one
  process.env.LVM_TORCH_CACHE = work
})
afterAll(() => {
  if (before === undefined) delete process.env.LVM_TORCH_CACHE
  else process.env.LVM_TORCH_CACHE = before
  rmSync(work, { recursive: true, force: true })
})
afterEach(() => {
  vi.restoreAllMocks()
  for (const name of Object.keys(fakes)) delete fakes[name]
})

async function vectors(folder: string, texts: readonly string[], options: EncoderOptions = {}): Promise<Float32Array> {
  using encoder = await Encoder.open(folder, { normalize: 'always', ...options })
  return await encoder.encode(texts)
}
function leastCosine(x: Float32Array, y: Float32Array, dim: number): number {
  let least = 1
  for (let at = 0; at < x.length; at += dim) {
    const cosine = x.subarray(at, at + dim).reduce((sum, value, i) => sum + value * y[at + i]!, 0)
    least = Math.min(least, cosine)
  }
  return least
}

test.each(NAMES.flatMap((name) => [[name, 'bf16', 0.995] as const, [name, 'int8', 0.97] as const]))(
  '%s in %s stays near float32',
  async (name, precision, least) => {
    const folder = join(FIXTURES, name)
    const { texts } = expected(folder)
    const [x, y] = [await vectors(folder, texts), await vectors(folder, texts, { precision })]
    expect(y).not.toEqual(x)
    expect(leastCosine(x, y, x.length / texts.length)).toBeGreaterThan(least)
  },
)

describe('int8', () => {
  const texts = Array.from({ length: 40 }, (_, i) => `text ${i} of ${i ** 3}, ${'and more '.repeat(i % 5)}`)

  test('a text has nearly the same vector alone and in a batch, because each token is rounded by itself', async () => {
    const folder = writeTinyEncoder(join(work, 'wide'), { hidden: 64 })
    using encoder = await Encoder.open(folder, { precision: 'int8' })
    const together = await encoder.encode(texts)
    const alone = await Promise.all(texts.map((text) => encoder.encode([text])))
    const flat = Float32Array.from(alone.flatMap((vector) => [...vector]))
    expect(leastCosine(together, flat, encoder.dim)).toBeGreaterThan(0.9999)
  })

  test('kernels with wrong products are replaced by the rounded weights in float32', async () => {
    const folder = writeTinyEncoder(join(work, 'ruled-out'), { hidden: 64 })
    const exact = await vectors(folder, texts)
    const tried = new Set<string>()
    fakes.timeKernels = async () => ({ fp32: [2, 2], dynamic_fbgemm: [1, 1], bf16: [1.5, 1.5] })
    fakes.modelPack = async (_: unknown, _name: string, kernel: string) => {
      tried.add(kernel)
      return false
    }
    const rounded = await vectors(folder, texts, { precision: 'int8', threads: 1 })
    expect(tried).toEqual(new Set(['dynamic_fbgemm', 'bf16']))
    const least = leastCosine(exact, rounded, 64)
    expect(least).toBeGreaterThan(0.999)
    expect(least).toBeLessThan(1 - 1e-7)
  })
})

describe('auto', () => {
  const folder = () => writeTinyEncoder(join(work, `auto-${Math.random()}`), { seed: Math.floor(Math.random() * 1e6) })
  const chosen = async (path: string) => {
    using encoder = await Encoder.open(path, { precision: 'auto' })
    return { precision: encoder.precision, vectors: await encoder.encode(['a river', 'runs to the sea']) }
  }
  /** Processor time of three rounds in float32 and of three in bf16. */
  function processorTimes(float32: number, bf16: number): void {
    let call = 0
    vi.spyOn(process, 'cpuUsage').mockImplementation((since) => {
      if (since === undefined) return { user: 0, system: 0 }
      return { user: call++ < 3 ? float32 : bf16, system: 0 }
    })
  }

  test('bf16 is chosen where it is clearly faster, and its vectors are those of bf16', async () => {
    processorTimes(150, 100)
    const path = folder()
    const found = await chosen(path)
    expect(found.precision).toBe('bf16')
    using encoder = await Encoder.open(path, { precision: 'bf16' })
    expect(found.vectors).toEqual(await encoder.encode(['a river', 'runs to the sea']))
  })

  test('float32 is chosen where bf16 is not clearly faster, and its vectors are exact', async () => {
    processorTimes(105, 100)
    const path = folder()
    const found = await chosen(path)
    expect(found.precision).toBe('float32')
    using encoder = await Encoder.open(path)
    expect(found.vectors).toEqual(await encoder.encode(['a river', 'runs to the sea']))
  })

  test('float32 is chosen on a machine without correct products in bf16', async () => {
    fakes.modelRoundToBf16 = async () => false
    expect((await chosen(folder())).precision).toBe('float32')
  })

  test('float32 is chosen when bf16 changes a vector by more than a cosine of .9999', async () => {
    processorTimes(150, 100)
    const encode = native.textEncode
    let call = 0
    fakes.textEncode = async (...args: Parameters<typeof encode>) => {
      const found = await encode(...args)
      if (call++ === 4) found[0]! += 0.05 // the first round in bf16
      return found
    }
    expect((await chosen(folder())).precision).toBe('float32')
  })

  test('an encoder is measured once, and again when the memory of the machine is damaged', async () => {
    const path = folder()
    const round = vi.fn(native.modelRoundToBf16)
    fakes.modelRoundToBf16 = round
    processorTimes(100, 100)
    await chosen(path)
    expect(round).toHaveBeenCalledTimes(1)
    await chosen(path)
    expect(round).toHaveBeenCalledTimes(1)
    const memory = join(cacheRoot(), 'encoder-precision.json')
    expect(readFileSync(memory, 'utf8')).toContain('"float32"')
    writeFileSync(memory, '{"half')
    await chosen(path)
    expect(round).toHaveBeenCalledTimes(2)
  })
})
