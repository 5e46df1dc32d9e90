import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { bytesOf, npy } from '../files/fixture.js'
import { gaussian } from '../statistics/clustered.js'
import { runPython, workFolder } from './python.js'

const work = workFolder()
beforeAll(() => native.setThreads(2))

/** Vectors around eight centres. */
function heaps(n: number, dim: number): Float32Array {
  const gauss = gaussian(4)
  const middles = Array.from({ length: 8 }, () => Array.from({ length: dim }, gauss))
  return Float32Array.from({ length: n * dim }, (_, i) => middles[Math.floor(i / dim) % 8]![i % dim]! + 0.6 * gauss())
}

describe('t-SNE', () => {
  it('t-SNE ends at a minimum with the divergence that numpy computes in float64', async () => {
    const [n, dim] = [400, 20]
    const vectors = heaps(n, dim)
    using x = Tensor.from(vectors, [n, dim])
    const made = await native.tsne(x.native, { perplexity: 30, iterations: 1000 })
    using places = Tensor.wrap(made.places)
    writeFileSync(join(work, 'x.npy'), npy('<f4', [n, dim], bytesOf(vectors)))
    writeFileSync(join(work, 'y.npy'), npy('<f8', [n, 2], bytesOf(await places.data())))
    const { divergence, largest } = (await runPython('tsne.py', join(work, 'x.npy'), join(work, 'y.npy'), 30)) as Record<
      string,
      number
    >
    expect(Math.abs(made.divergence - divergence!)).toBeLessThan(1e-5)
    expect(largest).toBeLessThan(1e-3)
  })
  it('t-SNE maps 8,000 points within minutes', async () => {
    const [n, dim] = [8000, 768]
    using x = Tensor.from(heaps(n, dim), [n, dim])
    const start = performance.now()
    await native.tsne(x.native, { perplexity: 30, iterations: 1000 })
    const seconds = (performance.now() - start) / 1000
    console.log(`${seconds.toFixed(0)} s`)
    expect(seconds).toBeLessThan(300)
  }, 600_000)
})
