import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findArchitecture } from '../../lib/architectures/index.js'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { expectRounding, printMargin } from '../rounding.js'
import { arrays, fixtureFolder } from './fixtures.js'

printMargin()
const there = existsSync(join(fixtureFolder, 'init_exact.safetensors')) // beside the repository or in LVM_FIXTURES; a clone alone has none
const exact = there ? arrays('init_exact') : new Map()

/** Tables of initial parameters: group in the file, model that has it, and prefix of its names. */
const TABLES: [group: string, model: string, options: Record<string, unknown>, prefix: string][] = [
  ['s4_legs_N16', 's4', { width: 4, state: 16 }, 'core.layers.0.layer.layer.kernel.'],
  ['s4_legs_N64', 's4', { width: 4, state: 64 }, 'core.layers.0.layer.layer.kernel.'],
  ['s4d_lin_N16', 's4', { width: 2, state: 16, kernel: 'diag' }, 'core.layers.0.layer.s4d.kernel.'],
  ['hyena_l16_e9_d32', 'hyena', { width: 32, positions: 16, bands: 4 }, 'core.layers.0.mixer.filter_fn.'],
]
const INNER: Record<string, string> = { z: 'pos_emb.z', t: 'pos_emb.t', deltas: 'modulation.deltas' }

async function first(model: string, options: Record<string, unknown>, dtype: 'float32' | 'float64') {
  const { node } = findArchitecture(model).spec({ dim: 8, context: 5 }, { layers: 1, ...options })
  const state = native.modelState(await native.model(node, dtype, 'cpu', 1))
  return new Map(state.map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
}

describe.runIf(there).each(TABLES)('%s', (group, model, options, prefix) => {
  test.each(['float32', 'float64'] as const)('initial parameters equal those of the reference in %s', async (dtype) => {
    const weights = await first(model, options, dtype)
    const wanted = [...exact].filter(([name]) => name.startsWith(`${group}/`))
    expect(wanted.length).toBeGreaterThan(0)
    for (const [name, { shape, data }] of wanted) {
      const part = name.slice(group.length + 1)
      const tensor = weights.get(prefix + (INNER[part] ?? part))!
      expect(tensor.shape, name).toEqual(shape)
      const got = Float64Array.from((await tensor.data()) as Float32Array)
      // The sign of an eigenvector is arbitrary: real and imaginary part may both change sign.
      const turned = (i: number) => (/^[BP]$/.test(part) ? Math.sign(got[i - (i % 2)]! * data[i - (i % 2)]!) : 1)
      // B and P are products of unit eigenvectors with vectors of length N, so round-off grows with N.
      const length = /^[BP]$/.test(part) ? Number(group.split('N')[1]) : 0
      const own = part === 'A_real' ? Math.abs(data[0]! - Math.log(0.5)) : 0 // error of the reference, which should be ln ½
      for (const [i, want] of data.entries())
        expectRounding(Math.abs(got[i]! * turned(i) - want), own, `${name} ${i}`, Math.max(1, length, Math.abs(want)))
    }
  })
})
