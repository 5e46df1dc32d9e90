import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { findArchitecture } from '../../lib/architectures/index.js'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { native } from '../../lib/native.js'
import { importCheckpoint } from '../../lib/weights/import-run.js'

const out = mkdtempSync(join(tmpdir(), 'lvm-torch-memory-'))
afterAll(() => rmSync(out, { recursive: true, force: true }))

/** Memory of Node, libtorch, the data and a forward pass of 256 contexts, without the weights. Units: bytes */
const BESIDE = 0.6e9

test('quantising an LCM takes at most 1.2 times the memory of its weights', async () => {
  const { node } = findArchitecture('lcm').spec({ dim: 768, context: 5 }, { layers: 6 })
  const model = await native.model(node, 'float32', 'cpu', 1)
  const state = Object.fromEntries(native.modelState(model).map(({ name, tensor }) => [name, tensor]))
  const bytes = Object.values(state).reduce((sum, tensor) => sum + 4 * native.tensorShape(tensor).reduce((a, b) => a * b, 1), 0)
  await native.savePt(join(out, 'lcm.pt'), { model_state_dict: state })
  native.dispose(model)
  await importCheckpoint({ file: join(out, 'lcm.pt'), model: 'lcm', name: 'lcm', out })
  const program = `
    const { quantize } = await import(${JSON.stringify(join(packageRoot(), 'dist/lib/index.js'))})
    const { peakMemory } = await import(${JSON.stringify(join(packageRoot(), 'dist/lib/evaluate/latency.js'))})
    const made = await quantize({ run: ${JSON.stringify(join(out, 'lcm'))}, data: 'data/sample/factbook', maxDrop: 2, latency: 0.05 })
    console.log(JSON.stringify({ peak: peakMemory(), ...made.size }))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { cwd: packageRoot() })
  const { peak, file_bytes } = JSON.parse(stdout.trim().split('\n').at(-1)!)
  expect(peak).toBeLessThan(1.2 * bytes + BESIDE)
  expect(file_bytes).toBeLessThan(0.27 * bytes)
}, 3_600_000)
