import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isTensorEntry, openPt } from '../../dist/lib/files/pt.js'
import { readTensor } from '../../dist/lib/torch/read-tensor.js'
import { train } from '../../dist/lib/train/train.js'

const data = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'data', 'sample', 'factbook.npy')
const MODELS = ['lstm', 'transformer']

/** Trains, and with `saves` stops after so many saves. */
async function trained(options, saves) {
  const stop = new AbortController()
  let [last, seen] = [undefined, 0]
  for await (const event of train(options, { signal: stop.signal })) {
    last = event
    if (event.type === 'saved' && ++seen === saves) stop.abort()
  }
  return last
}

/** Hash of every tensor in a file of weights and optimizer state, without the options. */
async function hash(...path) {
  const file = await openPt(join(...path, 'final_model.pt'))
  const sum = createHash('sha256')
  const walk = async (value, at) => {
    if (isTensorEntry(value)) sum.update(at).update(new Uint8Array((await (await readTensor(file, value)).data()).buffer))
    else if (value instanceof Map) for (const [key, entry] of value) key === 'args' || (await walk(entry, `${at}/${key}`))
  }
  await walk(file.value, '')
  return sum.digest('hex')
}

export async function run({ device, say, expect }) {
  const out = mkdtempSync(join(tmpdir(), 'lvm-check-gpu-'))
  const models = {}
  try {
    for (const model of MODELS) {
      const options = { model, data, preset: 'tiny', epochs: 2, device, out, saveEvery: 5, force: true }
      await trained({ ...options, name: `${model}-whole` })
      const stopped = await trained({ ...options, name: model }, 1)
      await trained({ ...options, name: model, resume: true })
      const equal = (await hash(out, model)) === (await hash(out, `${model}-whole`))
      models[model] = { stopped: stopped.stopped, equal }
      expect(stopped.stopped === 'interrupted', `${model}: the training ended before it was stopped`)
      expect(equal, `${model}: the weights after a resume differ from those of a training that was not stopped`)
      say({ models })
    }
    say({ said: `${MODELS.join(' and ')}: weights after a stop within an epoch and a resume are equal to the bit` })
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}
