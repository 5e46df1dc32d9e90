import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Data } from '../../lib/data/given-data.js'
import { openBase } from '../../lib/data/open.js'
import { writeBase } from '../../lib/data/write-base.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { train } from '../../lib/train/train.js'
import { npy, refused, scratch } from '../files/fixture.js'

const cache = () => process.env.LVM_TORCH_DATA_CACHE!
let before: string | undefined
beforeAll(() => {
  before = process.env.LVM_TORCH_DATA_CACHE
  process.env.LVM_TORCH_DATA_CACHE = scratch('failing-cache')
})
afterAll(() => {
  if (before === undefined) delete process.env.LVM_TORCH_DATA_CACHE
  else process.env.LVM_TORCH_DATA_CACHE = before
})
const kept = () => (existsSync(cache()) ? readdirSync(cache()) : [])
/** Rows that never come. */
async function* silent(after: number[][] = []) {
  yield* after
  await new Promise(() => {})
}
async function* many(odd: (row: number) => unknown) {
  for (let row = 0; row < 2000; row++) yield odd(row) as number[]
}

it.each([
  ['rows that never come', () => silent()],
  [
    'rows that stop coming',
    () =>
      silent([
        [1, 2],
        [3, 4],
      ]),
  ],
])('openBase, writeBase and train stop waiting for %s at their signal', async (_, rows) => {
  const calls: [string, (signal: AbortSignal) => Promise<unknown>][] = [
    ['openBase', (signal) => openBase(rows(), {}, { signal })],
    ['writeBase', (signal) => writeBase(scratch('never.npy'), rows(), { signal })],
    ['train', (signal) => train({ model: 'mlp', data: rows(), preset: 'tiny' }, { signal })[Symbol.asyncIterator]().next()],
  ]
  for (const [name, call] of calls) {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 50)
    expect(await refused('INTERRUPTED', call(stop.signal)), name).toBeTruthy()
  }
  expect(existsSync(scratch('never.npy'))).toBe(false)
  expect(kept()).toEqual([])
})
it('an iterator is closed when its rows are refused or the call is stopped', async () => {
  let closed = 0
  function* rows() {
    try {
      yield [1, 2]
      yield [1, 2, 3]
    } finally {
      closed++
    }
  }
  await refused('DATA_SHAPE', openBase(rows()))
  expect(closed).toBe(1)
})
it.each([
  ['of another dimension', 'DATA_SHAPE', (row: number) => (row === 1500 ? [1, 2, 3] : [1, row]), /row 1500 has 3/],
  ['that hold NaN', 'DATA_NOT_FINITE', (row: number) => (row === 1500 ? [1, Number.NaN] : [1, row]), /1500|NaN/],
  ['that are no numbers', 'DATA_FORMAT', (row: number) => (row === 1500 ? [1, 'x'] : [1, row]), /row 1500/],
  ['that are no vectors', 'BAD_OPTION', (row: number) => (row === 1500 ? null : [1, row]), /row 1500/],
] as const)('a row %s is named, and the copy in the cache is removed', async (_, code, odd, message) => {
  expect(await refused(code, openBase(many(odd) as Data))).toMatch(message)
  expect(kept().filter((name) => !name.startsWith('memory-'))).toEqual([])
})
it('rows that throw late leave nothing in the cache', async () => {
  const late = many((row) => {
    if (row === 1999) throw new TypeError('the database is gone')
    return [1, row]
  })
  expect(await refused('BAD_OPTION', openBase(late))).toContain('the database is gone')
  expect(kept().filter((name) => !name.startsWith('memory-'))).toEqual([])
})

/** Runs a script in a shell whose files may have a few blocks only. */
function limited(script: string): { code: string; files: string[] } {
  const folder = scratch(`limited-${Math.floor(performance.now() * 1000)}`)
  mkdirSync(folder)
  writeFileSync(join(folder, 'run.mjs'), script)
  const { stdout, stderr } = spawnSync('bash', ['-c', 'ulimit -f 64 && exec "$0" run.mjs', process.execPath], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, LVM_TORCH_DATA_CACHE: join(folder, 'cache') },
  })
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => !['run.mjs', 'cache'].includes(name))
  return { code: stdout.trim() || stderr, files }
}
const LIBRARY = JSON.stringify(resolve('dist/lib/index.js'))
const script = (call: string) => `import { openBase, writeBase } from ${LIBRARY}
const vectors = Float32Array.from({ length: 60_000 }, (_, i) => Math.sin(i + 1))
async function* rows() { for (let i = 0; i < 15_000; i++) yield vectors.subarray(4 * i, 4 * i + 4) }
await (${call}).catch((error) => console.log(error.code, error.hint ? 'hint' : ''))`
it.each([
  ['vectors in memory', 'openBase({ vectors, dim: 4 })'],
  ['rows to iterate over', 'openBase(rows())'],
  ['writeBase', "writeBase('out.csv', { vectors, dim: 4 })"],
])('%s that do not fit on the disk end as NO_DISK and leave nothing', (_, call) => {
  expect(limited(script(call))).toEqual({ code: 'NO_DISK hint', files: [] })
})
it('a cache that cannot be made is refused with a code', async () => {
  const own = cache()
  process.env.LVM_TORCH_DATA_CACHE = join(scratch('a-file', 'x'), 'below')
  const error = await openBase({ vectors: [[1, 2]] }).catch((thrown) => thrown)
  process.env.LVM_TORCH_DATA_CACHE = own
  expect(error).toMatchObject({ name: 'LvmError', code: expect.stringMatching(/FILE_ACCESS|NO_DISK|FILE_MISSING|BAD_OPTION/) })
})
it.each<[string, Data]>([
  [
    'a vector that is not finite',
    {
      vectors: [
        [1, Number.NaN],
        [1, 2],
      ],
    },
  ],
  [
    'a vector of zeros',
    {
      vectors: [
        [0, 0],
        [1, 2],
      ],
    },
  ],
  ['vectors of several lengths', { vectors: [[1, 2], [3]] }],
  ['numbers instead of vectors', { vectors: [1, 2, 3] as never }],
  [
    'articles that are not together',
    {
      vectors: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      articles: ['a', 'b', 'a'],
    },
  ],
])('an error about %s in memory names no file of the cache, and its hint no file either', async (_, data) => {
  const error = await openBase(data).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: expect.stringMatching(/^DATA_/), message: expect.not.stringContaining(cache()) })
  expect(error).toMatchObject({ hint: expect.not.stringContaining('FILE') })
})
it('integers and complex numbers as vectors are refused with a fix', async () => {
  const integers = { vectors: new Int32Array(8) as never, dim: 2 }
  await expect(openBase(integers)).rejects.toMatchObject({
    code: 'BAD_OPTION',
    message:
      'openBase: expected a Float32Array, a Tensor or a list of vectors for "data.vectors" but received Int32Array of 32 bytes',
    hint: 'convert the numbers: Float32Array.from(vectors)',
  })
  const complex = Tensor.from(new Float32Array(8).fill(1), [2, 2], { dtype: 'complex64' })
  await expect(openBase({ vectors: complex })).rejects.toMatchObject({ message: expect.stringContaining('complex64') })
})
it.each([
  [
    'a text in a cell of vectors',
    'cell.csv',
    'text,v\na,"[1, 2]"\nb,hello world\n',
    /row 1: .+ received "hello world"/,
    'data inspect',
  ],
  ['an empty cell of vectors', 'gap.csv', 'text,v\na,"[1, 2]"\nb,\n', /row 1: .+ received ""/, 'data inspect'],
  ['texts without vectors', 'texts.jsonl', '{"text":"a"}\n', /a column of vectors/, 'data make'],
  ['packed texts without vectors', 'texts.jsonl.gz', gzipSync('{"text":"a"}\n'), /a column of vectors/, 'data make'],
  ['a list in JSON', 'rows.json', '[{"v":[1,2]}]', /something else/, 'as .jsonl, one object a line'],
  ['integers', 'whole.npy', npy('<i4', [2, 2], Buffer.alloc(16)), /floating-point vectors .+ holds int/, 'astype("float32")'],
  ['no rows', 'none.npy', npy('<f4', [0, 8], Buffer.alloc(0)), /"vectors" \[0, 8\] is empty/, 'at least one vector'],
])('a file with %s is refused with what to do', async (_, name, content, message, hint) => {
  await expect(openBase(scratch(name, content))).rejects.toMatchObject({
    message: expect.stringMatching(message),
    commandHint: expect.stringContaining(hint),
  })
})
