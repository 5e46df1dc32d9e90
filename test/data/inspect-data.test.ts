import { afterEach, describe, expect, it, vi } from 'vitest'
import yargs from 'yargs'
import { data } from '../../bin/commands/data.js'
import { inspectData } from '../../lib/data/inspect-data.js'
import { circle, f4, fixture, npy, scratch, storedZip } from '../files/fixture.js'

/** Runs `data …` and returns its output and exit code. */
async function run(...words: string[]) {
  const out: string[] = []
  const err: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0)
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0)
  await yargs(['data', ...words])
    .option('json', { type: 'boolean' })
    .command(data)
    .strict()
    .fail((_, error) => {
      throw error
    })
    .parseAsync()
  vi.restoreAllMocks()
  const exit = process.exitCode ?? 0
  process.exitCode = 0
  return { out: out.join(''), err: err.join(''), exit }
}
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = 0
})

describe('data inspect', () => {
  it('data inspect prints a readable summary', async () => {
    const { out, exit } = await run('inspect', fixture('train-val.npz'))
    expect(exit).toBe(0)
    expect(out).toMatch(/^vectors +8 sequences of 6 vectors × 8 float32, the train half of train and val, held in memory$/m)
    expect(out).toMatch(/^articles +2 of 4 to 4 rows, median 4$/m)
    expect(out).toMatch(/^space +unknown$/m)
    expect(out).toMatch(/^val_context_sequences +float32 +\[4, 6, 8\] +(yes|no)$/m)
  })
  it('data inspect --json prints one document', async () => {
    const { out } = await run('inspect', fixture('train-val.npz'), '--part', 'val', '--space', 'gtr', '--json')
    expect(JSON.parse(out)).toMatchObject({ version: 1, base: { part: 'val', rows: 4, space: 'gtr' }, error: null })
  })
  it('data inspect lists the readable arrays of a bad file and exits with the code of the error', async () => {
    const { out, err, exit } = await run('inspect', fixture('evil.npz'), '--json')
    expect(JSON.parse(out)).toMatchObject({ base: null, arrays: { length: 3 }, error: { code: 'DATA_UNSAFE' } })
    expect(err).toMatch(/^DATA_UNSAFE: .*posix\.system/)
    expect(exit).toBe(3)
  })
  it('data inspect refuses an invalid option', async () => {
    await expect(run('inspect', fixture('train-val.npz'), '--part', 'both')).rejects.toMatchObject({ code: 'BAD_OPTION' })
  })
})

describe('inspectData', () => {
  it('inspectData returns all facts in snake_case', async () => {
    const shown = await inspectData(fixture('sequences-metadata.npz'))
    expect(shown).toMatchObject({
      version: 1,
      format: 'npz',
      error: null,
      arrays: [
        { name: 'context_sequences', dtype: 'float32', shape: [12, 6, 8] },
        { name: 'target_vectors', dtype: 'float32', shape: [12, 8], mapped: false },
        { name: 'metadata', dtype: 'object', shape: [12], mapped: false },
      ],
      base: {
        kind: 'sequences',
        rows: 12,
        context: 6,
        space: null,
        articles: { count: 3, smallest: 4, median: 4, largest: 4 },
        windows: { context: 5, count: 12 },
      },
    })
    for (const key of Object.keys(shown.base!)) expect(key).toMatch(/^[a-z_]+$/)
  })
  it('inspectData lists the arrays of a file that cannot be trained on, with the error', async () => {
    const shown = await inspectData(
      scratch('misfit.npz', storedZip([{ name: 'X.npy', data: npy('<f4', [2, 3], new Uint8Array(24)) }])),
    )
    expect(shown).toMatchObject({ base: null, arrays: [{ name: 'X', shape: [2, 3] }], error: { code: 'DATA_SHAPE' } })
  })
  it('inspectData lists the tensors of a .pt file', async () => {
    const shown = await inspectData(fixture('checkpoint.pt'))
    expect(shown.arrays.map((array) => array.name)).toContain('optimizer_state_dict.state.0.exp_avg')
    expect(shown.warnings).toHaveLength(2)
  })
})

it('data inspect of an unreadable file does not hint at data inspect', async () => {
  const cut = scratch('cut.npy', f4([3, 2], circle(3)).subarray(0, 130))
  await expect(inspectData(cut)).rejects.toMatchObject({ code: 'DATA_FORMAT', hint: expect.not.stringMatching(/inspect/) })
  scratch('bad.jsonl', 'hello\n')
  const { error } = await inspectData(scratch('bad.npy', f4([3, 2], circle(3))))
  expect(error).toMatchObject({ code: 'DATA_FORMAT', hint: expect.not.stringMatching(/inspect/) })
})
