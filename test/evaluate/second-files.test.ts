import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prune } from '../../lib/compress/prune.js'
import { quantize } from '../../lib/compress/quantize.js'
import { evaluate } from '../../lib/evaluate/evaluate-runs.js'
import { predict } from '../../lib/evaluate/predict.js'
import { rollout } from '../../lib/evaluate/rollout.js'
import { analyze } from '../../lib/study/analysis/analyze.js'
import { compare } from '../../lib/study/compare/compare.js'
import { diagnose } from '../../lib/study/diagnose/diagnose-runs.js'
import { retrieve } from '../../lib/study/retrieval/retrieve.js'
import { trainOn, wander, writeCorpus } from '../study/retrieval/corpus.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-second-files-'))
const out = join(folder, 'reports')
const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })
let [data, run] = ['', '']
/** Every option that opens a second file, `path`, beside the data of `run`. */
const doors: Record<string, (path: string, more?: { space?: string }) => Promise<unknown>> = {
  'evaluate --data': (path, more) => evaluate({ runs: [run], data: path, out, latency: 0, threads: 1, ...more }),
  'retrieve --data': (path, more) => retrieve({ runs: [run], data: path, out, threads: 1, ...more }),
  'retrieve --bank': (path, more) => retrieve({ runs: [run], bank: path, out, threads: 1, ...more }),
  'compare --data': (path, more) => compare({ runs: [run, 'copy_last'], data: path, out, threads: 1, ...more }),
  'predict --data': (path, more) => predict({ run, data: path, out: join(folder, 'p.npy'), threads: 1, ...more }),
  'rollout --data': (path, more) => rollout({ run, data: path, threads: 1, ...more }),
  'doctor --data': (path, more) => diagnose({ runs: [run], data: path, out, steps: 0, threads: 1, ...more }),
  'doctor --ood': (path, more) => diagnose({ runs: [run], ood: path, out, steps: 0, threads: 1, ...more }),
  'analyze --data': (path, more) => analyze({ run, data: path, out, projection: 'none', clusters: 2, threads: 1, ...more }),
  'analyze --ood': (path, more) => analyze({ run, ood: path, out, projection: 'none', clusters: 2, threads: 1, ...more }),
  'quantize --data': (path, more) => quantize({ run, data: path, threads: 1, name: `q${more?.space}`, ...more }),
  'prune --data': (path, more) => prune({ run, data: path, threads: 1, name: `p${more?.space}`, ...more }),
  'train --val': (path, more) => trainOn(data, folder, 'beside', { split: 'file', val: path, space: more?.space as string }),
}
const unknown = (path: string) => {
  rmSync(path.replace(/npy$/, 'card.json'))
  return path
}
beforeAll(async () => {
  data = writeCorpus(folder, 'corpus', wander(1))
  run = await trainOn(data, folder, 'run')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.each(Object.entries(doors))('%s', (name, open) => {
  it('a second file of another encoder or another dimension is refused', async () => {
    const other = writeCorpus(folder, 'other', wander(2), { space: 'other' })
    await expect(open(other)).rejects.toThrow(code('SPACE_MISMATCH'))
    await expect(open('data/sample/factbook')).rejects.toThrow(code('DATA_SHAPE'))
  })
  it('a second file of an unknown encoder is refused until --space names it', async () => {
    const path = unknown(writeCorpus(folder, 'unknown', wander(name === 'retrieve --bank' ? 1 : 3)))
    await expect(open(path)).rejects.toThrow(code('SPACE_MISMATCH'))
    // quantize and prune take seconds, and open their data as evaluate does.
    if (!['quantize --data', 'prune --data'].includes(name)) await open(path, { space: 'test' })
  })
})

it('a run of an unknown encoder is evaluated on data of an unknown encoder with a warning, and refused on data of a known one', async () => {
  const own = unknown(writeCorpus(folder, 'nameless', wander(4)))
  const nameless = await trainOn(own, folder, 'nameless-run', { space: undefined as never })
  const judge = (more: { data?: string; space?: string } = {}) =>
    evaluate({ runs: [nameless], out, latency: 0, threads: 1, ...more })
  await judge()
  const copy = writeCorpus(folder, 'nameless', wander(4))
  await judge({ data: unknown(copy) })
  const other = unknown(writeCorpus(folder, 'unknown', wander(3)))
  expect((await judge({ data: other })).table).toMatch(/unknown encoder: .* name the encoder with "space"/)
  expect((await judge({ data: other, space: 'test' })).table).not.toMatch(/unknown encoder/)
  const named = writeCorpus(folder, 'named', wander(3))
  await expect(judge({ data: named })).rejects.toThrow(code('SPACE_MISMATCH'))
  await expect(retrieve({ runs: [nameless], bank: other, out, threads: 1 })).rejects.toThrow(code('SPACE_MISMATCH'))
})
