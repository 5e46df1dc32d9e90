import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { load } from '../../lib/checkpoint/load-model.js'
import { compare } from '../../lib/export/compare-export.js'
import { writeOnnx } from '../../lib/export/onnx/write-onnx.js'
import { done, hasModule, python, runPython, SAMPLE, workFolder } from './python.js'

const work = workFolder()

describe.skipIf(!hasModule('onnx') || !hasModule('onnxruntime'))('ONNX in Python', () => {
  it.each(architectures.map(({ name }) => name))(
    '%s as ONNX passes the checker of onnx and predicts alike in onnxruntime',
    async (name) => {
      await done(work, [
        'train',
        '--model',
        name,
        '--data',
        SAMPLE,
        '--preset',
        'tiny',
        '--epochs',
        1,
        '--max-steps',
        3,
        '--name',
        name,
      ])
      const run = join(work, 'artifacts/lvm/models', name)
      using model = await load(run, { exact: true })
      for (const most of [1e9, 1000]) {
        const path = join(work, `${name}-${most}.onnx`)
        await writeOnnx(model, path, { model: name }, most) // the second one has its weights in a second file
        const time = name === 'mlp' ? 5 : 'time'
        expect(await runPython('check_onnx.py', path)).toEqual({
          operators: 17,
          inputs: { context: ['batch', time, 768] },
          outputs: { prediction: ['batch', 768] },
          metadata: { model: name },
        })
        const { share, runtime } = await compare(run, path, 'onnx', { kind: 'python', path: python() })
        expect(runtime).toMatch(/^onnxruntime \d/)
        expect(share).toBeLessThanOrEqual(1)
      }
    },
  )
})
