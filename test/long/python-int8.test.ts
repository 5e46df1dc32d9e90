import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { done, python, SAMPLE, workFolder } from './python.js'

const folder = workFolder()
const run = (name: string) => join(folder, 'artifacts/lvm/models', name)

beforeAll(async () => {
  await done(folder, ['train', 'mlp', '--data', SAMPLE, '--epochs', 2, '--threads', 1])
}, 600_000)

test('examples/read_int8.py computes the predictions of an int8 run', async () => {
  await done(folder, ['quantize', 'mlp', '--latency', 0.1, '--threads', 1])
  const said = execFileSync(python(), [join(packageRoot(), 'examples/read_int8.py'), run('mlp_int8')], { encoding: 'utf8' })
  expect(Number(/largest difference (\S+)/.exec(said)![1])).toBeLessThanOrEqual(1e-4)
}, 600_000)

test('stock PyTorch loads the TorchScript export of an int8 run', async () => {
  const { out } = await done(folder, ['export', 'mlp_int8'])
  const script = `import torch, sys; m = torch.jit.load(sys.argv[1]); print(m(torch.ones(2, 5, 768)).norm(dim=1).tolist())`
  const lengths = JSON.parse(execFileSync(python(), ['-c', script, out], { encoding: 'utf8' })) as number[]
  for (const length of lengths) expect(length).toBeCloseTo(1, 5)
}, 600_000)
