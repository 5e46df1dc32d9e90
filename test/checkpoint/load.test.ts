import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { verifyRun } from '../../lib/checkpoint/run-store.js'
import { jsonHash } from '../../lib/files/hash.js'
import { load, Tensor } from '../../lib/index.js'
import { native } from '../../lib/native.js'
import type { Node } from '../../lib/spec/ops.js'
import { refused } from '../files/fixture.js'
import { gaussian } from '../statistics/clustered.js'
import { place, TINY, trained, vectorFile } from '../train/runs.js'
import { clone, flip } from './run.js'
import { type Forged, forged } from './trained.js'

const DIM = 16
const run = (name: string) => join(TINY.out, name)
beforeAll(async () => {
  const data = await vectorFile('base', { articles: 5 })
  await trained({ ...TINY, model: 'lstm', data, name: 'lstm', head: 'mlp', epochs: 1 })
  await trained({ ...TINY, model: 'gru', data, name: 'gru', epochs: 1, residual: 'mean', inputScale: 'standardize' })
})

describe('load refuses', () => {
  it('load refuses a missing run and a missing device', async () => {
    expect(await refused('RUN_MISSING', load(run('lsmt')))).toMatch(/lsmt/)
    await refused('RUN_MISSING', load(place('nowhere')))
    await refused('DEVICE_UNAVAILABLE', load(run('lstm'), { device: 'cuda:63' }))
    await refused('BAD_OPTION', load(run('lstm'), { device: 'gpu' }))
    for (const threads of [0, 1.5, -2, 1e9, 'two']) await refused('BAD_OPTION', load(run('lstm'), { threads: threads as number }))
  })
  it('load refuses a flipped bit in any file', async () => {
    const roll = gaussian(3)
    const { path } = await verifyRun(run('lstm'))
    const files = [...readdirSync(path).map((name) => join('generations', path.split('/').at(-1)!, name)), 'generations/current']
    expect(files).toHaveLength(7)
    for (const file of files) {
      for (let i = 0; i < 4; i++) {
        const copy = place(`flipped-${file.replaceAll('/', '-')}-${i}`)
        clone(run('lstm'), copy)
        await flip(join(copy, file), Math.floor(Math.abs(roll()) * 1e6) % statSync(join(copy, file)).size)
        await refused('BAD_CHECKPOINT', load(copy))
      }
    }
  })
  it('load refuses weights of another shape, type, name or number, and names them', async () => {
    using model = await load(run('lstm'))
    const state = Object.fromEntries(native.modelState(model.native).map(({ name, tensor }) => [name, tensor]))
    const { 'head.3.bias': bias, ...rest } = state
    using turned = await Tensor.wrap(state['core.lstm.weight_ih_l0']!).op('aten::t')
    using square = await turned.op('aten::contiguous')
    using flat = await Tensor.wrap(bias!).op('aten::view', [1, DIM])
    const cases: [string, Record<string, unknown>, RegExp][] = [
      ['turned', { ...state, 'core.lstm.weight_ih_l0': square.native }, /weight_ih_l0/],
      ['flat', { ...state, 'head.3.bias': flat.native }, /head\.3\.bias/],
      ['missing', rest, /head\.3\.bias/],
      ['more', { ...state, 'head.4.bias': bias }, /head\.4\.bias/],
      ['none', {}, /no tensors/],
    ]
    for (const [name, dict, sentence] of cases) {
      const bad = await forged(run('lstm'), place(`weights-${name}`), {
        files: { 'best_model.pt': (path) => native.savePt(path, { model_state_dict: dict }) },
      })
      expect(await refused('BAD_CHECKPOINT', load(bad))).toMatch(sentence)
    }
  })
  it('load refuses a GELU replaced by a ReLU, even with matching hashes', async () => {
    const swap = (node: Node): Node => ({
      ...node,
      params: node.op === 'activation' ? { kind: 'relu' } : node.params,
      of: node.of.map(swap),
    })
    const manifest = (m: Forged) => {
      expect(JSON.stringify(m.spec)).toContain('gelu')
      m.spec = swap(m.spec)
    }
    const unhashed = await forged(run('lstm'), place('relu-unhashed'), { manifest })
    expect(await refused('BAD_CHECKPOINT', load(unhashed))).toMatch(/spec with hash/)
    const hashed = await forged(run('lstm'), place('relu'), {
      manifest: (m) => {
        manifest(m)
        m.spec_hash = jsonHash(m.spec)
      },
    })
    expect(await refused('FOREIGN_FORWARD', load(hashed))).toMatch(/expected the spec of lstm/)
  })
  it('load refuses a manifest with missing or wrong entries', async () => {
    const { manifest } = await verifyRun(run('gru'))
    const needed = ['model', 'spec', 'spec_hash', 'dim', 'context', 'options', 'parameters', 'golden', 'threads', 'output']
    let i = 0
    for (const key of needed) {
      for (const value of [undefined, null, 'x', -1, [], {}, 3.5, true]) {
        expect(manifest).toHaveProperty(key)
        const bad = await forged(run('gru'), place(`odd-${i++}`), { manifest: (m) => Object.assign(m, { [key]: value }) })
        const error = await load(bad).then(
          (model) => model.dispose(),
          (e) => e,
        )
        const codes = ['BAD_CHECKPOINT', 'FOREIGN_FORWARD']
        if (error !== undefined) expect(codes, `${key} ${JSON.stringify(value)}: ${error}`).toContain(error.code)
        else expect(['context', 'threads', 'output'], `${key} ${JSON.stringify(value)} was accepted`).toContain(key)
      }
    }
  })
})
