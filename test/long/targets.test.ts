// Every model at its target size through the command line: one epoch of 2,000 real windows, killed halfway, resumed, evaluated,
// exported and read in Python. LVM_TORCH_TARGETS=mamba2,rwkv selects models; lcm (1.6 billion parameters) trains 20 steps.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { done, readJson, runPython, shared, workFolder } from './python.js'

const work = workFolder()
const wanted = process.env.LVM_TORCH_TARGETS?.split(',')
const data = join(work, 'wiki.npy')
const folder = (name: string) => join(work, 'artifacts/lvm/models', name)
const chosen = architectures.filter(({ name }) => wanted?.includes(name) ?? name !== 'lcm')

/** First articles of the real corpus, with 2,000 training windows. */
function firstArticles(rows: number): void {
  const all = readFileSync(shared('wiki42113.npy'))
  const begin = 10 + all.readUInt16LE(8)
  const header = all.subarray(0, begin).toString('latin1').replace('(42113,', `(${rows},`.padEnd(7))
  writeFileSync(data, Buffer.concat([Buffer.from(header, 'latin1'), all.subarray(begin, begin + rows * 768 * 2)]))
  const lines = gunzipSync(readFileSync(shared('wiki42113.jsonl.gz')))
    .toString()
    .split('\n')
  writeFileSync(join(work, 'wiki.jsonl'), `${lines.slice(0, rows).join('\n')}\n`)
}
firstArticles(3300)

/** Starts a training and kills it at its first save within an epoch. */
async function killed(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [join(packageRoot(), 'dist/bin/lvm.js'), ...args, '--json'], { cwd: work })
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
    if (/"type":"saved".*"reason":"steps"/.test(said)) child.kill('SIGKILL')
  })
  const [, signal] = await new Promise<[number | null, string | null]>((end) => child.on('exit', (...all) => end(all)))
  expect(signal, said.slice(-500)).toBe('SIGKILL')
  await sleep(100)
}

/** Histories of two equal trainings are equal in everything but time and memory. */
const comparable = (name: string) =>
  (readJson(folder(name), 'training_history.json').history as Record<string, unknown>[]).map(
    ({ seconds: _, cpu_share: ____, samples_per_second: __, peak_memory_bytes: ___, ...row }) => row,
  )

describe.each(chosen.map((a) => [a.name, a] as const))('%s at its target size', (name) => {
  it(`${name} at its target size trains, resumes bit-exactly after a kill, evaluates, exports, and gives the same in Python`, async () => {
    const large = name === 'lcm'
    const steps = large
      ? ['--max-steps', '20', '--max-windows', '640', '--save-every', '10']
      : ['--max-windows', '2000', '--save-every', '30']
    const train = ['train', name, '--data', data, '--epochs', '1', '--train-eval', '64', ...steps]
    const whole = large ? undefined : await done(work, [...train, '--name', 'whole'])
    await killed([...train, '--name', 'killed'])
    const made = await done(work, ['train', name, '--name', 'killed', '--resume'])
    expect(made.stopped).toMatch(/done|max-steps/)
    if (whole !== undefined) {
      expect(comparable('killed')).toEqual(comparable('whole'))
      expect(
        readFileSync(join(folder('killed'), 'final_model.pt')).equals(readFileSync(join(folder('whole'), 'final_model.pt'))),
      ).toBe(true)
    }
    const history = comparable('killed') as { val_cosine: number }[]
    expect(history.at(-1)!.val_cosine).toBeGreaterThan(history[0]!.val_cosine)
    const { runs } = await done(work, ['evaluate', 'killed', '--latency', '0.2', '--rows', 'val'])
    expect(runs[0].cosine.mean).toBeCloseTo(history.at(-1)!.val_cosine, large ? 3 : 6)
    const exported = await done(work, ['export', 'killed'])
    const { difference, peak } = await runPython<{ difference: number; peak: number }>(
      'torchscript.py',
      exported.out,
      folder('killed'),
    )
    console.log(name, { history, difference, peak, compared: exported.compared, evaluated: runs[0].latency?.batches })
    expect(difference).toBeLessThan(large ? 5e-3 : 1e-5)
    for (const run of ['whole', 'killed']) rmSync(folder(run), { recursive: true, force: true })
    expect(existsSync(folder('killed'))).toBe(false)
  })
})
