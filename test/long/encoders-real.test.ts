import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { Encoder, Tensor } from '../../lib/index.js'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { openTokenizer } from '../../lib/text/tokens/text-tokenizer.js'
import { manyScripts } from './many-scripts.js'
import { hasModule, python, shared, workFolder } from './python.js'

const work = workFolder()
const root = packageRoot()
const can = hasModule('sentence_transformers')
if (!can) process.stderr.write('\nSKIPPED: real encoders; install sentence-transformers into the Python of the long suite\n\n')

const leastCosine = (a: Float32Array, b: Float32Array, dim: number): number => {
  let least = 1
  for (let at = 0; at < a.length; at += dim) {
    const dot = (x: Float32Array, y: Float32Array) => {
      let sum = 0
      for (let i = at; i < at + dim; i++) sum += x[i]! * y[i]!
      return sum
    }
    least = Math.min(least, dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)))
  }
  return least
}

describe.skipIf(!can).each(['all-mpnet-base-v2', 'all-MiniLM-L6-v2'])('%s', (name) => {
  const texts = manyScripts(5000)
  const some = 300
  let folder = ''
  beforeAll(async () => {
    folder = execFileSync(process.execPath, [join(root, 'scripts/encoders.mjs'), name], { encoding: 'utf8' }).trim()
    writeFileSync(join(work, 'texts.json'), JSON.stringify(texts))
    const script = join(root, 'test/long/encoders_reference.py')
    await promisify(execFile)(python(), [script, folder, join(work, 'texts.json'), join(work, name), String(some)])
  })

  it('the ids of 5,000 sentences of eight scripts are those of the Rust tokenizer', async () => {
    const { max_seq_length } = JSON.parse(readFileSync(join(folder, 'sentence_bert_config.json'), 'utf8'))
    const tokenizer = await openTokenizer(folder, { lowerCase: false })
    const wanted: number[][] = JSON.parse(readFileSync(join(work, `${name}.json`), 'utf8'))
    const wrong = texts.filter((text, i) => tokenizer.ids(text, max_seq_length).join() !== wanted[i]!.join())
    expect(wrong).toEqual([])
  })

  it('the vectors are those of sentence-transformers, in float32, in bf16 and, less exactly, in int8', async () => {
    const vectors = (end: string) => {
      const bytes = readFileSync(join(work, `${name}.${end}`))
      return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
    }
    const wanted = vectors('bin')
    for (const [precision, least] of [
      ['float32', 0.999999],
      ['bf16', leastCosine(vectors('bf16.bin'), wanted, wanted.length / some) - 0.001], // no worse than PyTorch's own
      ['int8', 0.93],
    ] as const) {
      using encoder = await Encoder.open(folder, { precision })
      expect(leastCosine(await encoder.encode(texts.slice(0, some)), wanted, encoder.dim), precision).toBeGreaterThan(least)
    }
  })
})

const [vectors, lines] = [shared('wiki42113.npy'), shared('wiki42113.jsonl.gz')]
describe.skipIf(!existsSync(vectors))('the base of 42,113 sentences', () => {
  it('2,000 of its rows are encoded to its vectors', async () => {
    const rows = 2000
    const texts = gunzipSync(readFileSync(lines)).toString('utf8').split('\n').slice(0, rows)
    const folder = execFileSync(process.execPath, [join(root, 'scripts/encoders.mjs'), 'all-mpnet-base-v2'], { encoding: 'utf8' })
    using encoder = await Encoder.open(folder.trim())
    const found = await encoder.encode(texts.map((line) => JSON.parse(line).text))
    const offset = 10 + readFileSync(vectors).readUInt16LE(8)
    using half = Tensor.map(vectors, { offset, shape: [rows, encoder.dim], dtype: 'float16' })
    using wanted = await half.to({ dtype: 'float32' })
    expect(leastCosine(found, (await wanted.data()) as Float32Array, encoder.dim)).toBeGreaterThan(0.9999)
  })
})
