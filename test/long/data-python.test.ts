import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Base } from '../../lib/data/base.js'
import { openBase } from '../../lib/data/open.js'
import { openPt, type TensorEntry } from '../../lib/files/pt.js'
import { readTensor } from '../../lib/torch/read-tensor.js'
import type { Tensor } from '../../lib/torch/tensor.js'
import { scratch } from '../files/fixture.js'
import { python } from './python.js'

/** Runs Python code that writes to `path`, and returns the JSON that it prints. */
function run<T>(path: string, code: string): T {
  const script = `import json, sys\nimport numpy as np\npath = sys.argv[1]\n${code}`
  const out = execFileSync(python(), ['-c', script, path], { encoding: 'utf8', maxBuffer: 1 << 28 })
  return JSON.parse(out) as T
}
async function sums(tensor: Tensor): Promise<number> {
  using wide = await tensor.to({ dtype: 'float64' })
  using sum = await wide.op('aten::sum')
  return sum.item()
}
async function opened<T>(path: string, look: (base: Base) => Promise<T> | T): Promise<T> {
  const base = await openBase(path)
  try {
    return await look(base)
  } finally {
    base.dispose()
  }
}

describe('files that Python writes', () => {
  it.each(['savez', 'savez_compressed'])('a file of np.%s is read with every element type', async (save) => {
    for (const dtype of ['<f2', '<f4', '<f8', '>f2', '>f4', '>f8']) {
      for (const order of ['C', 'F']) {
        const path = scratch('typed.npz')
        const expected = run<number>(
          path,
          `x = np.random.default_rng(1).standard_normal((3000, 96)); x /= np.linalg.norm(x, axis=1, keepdims=True)
x = np.asarray(x, dtype='${dtype}', order='${order}'); np.${save}(path, vectors=x, article_ids=np.arange(3000) // 100)
w = np.arange(96); print(json.dumps(float((x.astype('f8') * w).sum())))`,
        )
        const found = await opened(path, async (base) => {
          expect(base).toMatchObject({ rows: 3000, dim: 96, dtype: dtype.endsWith('2') ? 'float16' : 'float32' })
          using wide = await base.vectors.to({ dtype: 'float64' })
          using weights = await (await import('../../lib/torch/tensor.js')).Tensor.from(
            Float64Array.from({ length: 96 }, (_, i) => i),
          )
          using weighed = await wide.op('aten::mul.Tensor', weights)
          return sums(weighed)
        })
        expect(found).toBeCloseTo(expected, 3)
      }
    }
  })

  it('a state dict of Python is read with its optimizer and views of every kind', async () => {
    const path = scratch('state.pt')
    const expected = run<Record<string, number>>(
      path,
      `import torch
torch.manual_seed(0)
model = torch.nn.LSTM(32, 64, 2, batch_first=True)
optimizer = torch.optim.AdamW(model.parameters())
model(torch.randn(4, 5, 32))[0].sum().backward(); optimizer.step()
state = dict(model.state_dict())
big = torch.randn(100, 50)
state.update(slice=big[10:20, 5:9], flipped=big.t(), strided=big[::7, ::3], brain=big.bfloat16(), repeated=big[0].expand(1000, 50))
torch.save({'model_state_dict': state, 'optimizer_state_dict': optimizer.state_dict()}, path)
print(json.dumps({k: float(v.double().sum()) for k, v in state.items()}))`,
    )
    const file = await openPt(path)
    const state = (file.value as Map<string, Map<string, TensorEntry>>).get('model_state_dict')!
    expect([...state.keys()]).toEqual(Object.keys(expected))
    for (const [name, entry] of state) {
      using tensor = await readTensor(file, entry)
      expect(tensor.shape).toEqual(entry.shape)
      expect(await sums(tensor), name).toBeCloseTo(expected[name]!, 5)
    }
  })

  it('reading hundreds of thousands of pickled dicts does not block the event loop', async () => {
    const path = scratch('metadata.npz')
    run(
      path,
      `n = 200000; x = np.ones((n, 1, 1), 'f4')
meta = np.array([{'article_index': i // 50, 'last_context_article': i // 50, 'target_chunk_index': i % 50, 'target_cpe_id': str(i), 'crosses_article': False} for i in range(n)], dtype=object)
np.savez(path, contexts=x, targets=x[:, 0], metadata=meta); print(0)`,
    )
    let longest = 0
    let last = performance.now()
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }, 1)
    expect(await opened(path, (base) => base.articles!.ids.length)).toBe(4000)
    clearInterval(timer)
    expect(longest).toBeLessThan(1500)
  })

  it('a base of 500,000 rows takes less memory than 1.3 times its size', async () => {
    const path = scratch('large.npy')
    run(
      path,
      `x = np.lib.format.open_memmap(path, mode='w+', dtype='f4', shape=(500000, 768)); r = np.random.default_rng(0)
for i in range(0, 500000, 10000):
    y = r.standard_normal((10000, 768), dtype='f4'); x[i:i + 10000] = y / np.linalg.norm(y, axis=1, keepdims=True)
x.flush(); print(0)`,
    )
    const before = process.memoryUsage().rss
    await opened(path, (base) => {
      expect(base).toMatchObject({ mapped: true, rows: 500_000 })
      expect(process.memoryUsage().rss - before).toBeLessThan(1.3 * 500_000 * 768 * 4)
    })
    rmSync(path)
  })
})
