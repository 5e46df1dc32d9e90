import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it, vi } from 'vitest'

vi.setConfig({ testTimeout: 60_000 })

const cli = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))
const sample = fileURLToPath(new URL('../../data/sample/factbook', import.meta.url))
const cwd = mkdtempSync(join(tmpdir(), 'lvm-verbs-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

function lvm(line: string, ...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...line.split(' '), ...words], { encoding: 'utf8', cwd })
  return { status, stdout, stderr }
}
const train = (line: string) => lvm(`train lstm --preset tiny --max-windows 64 ${line}`, '--data', sample)
const events = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

// The verbs run one after another in one folder.
it('train prints a table of epochs and the next command', () => {
  const { status, stdout, stderr } = train('--epochs 2')
  expect(stderr).toBe('')
  expect(status).toBe(0)
  expect(stdout).toMatch(/^training lstm · 65,536 parameters · /)
  expect(stdout).toMatch(/\n {4}0 .*\n {4}1 .*\n {4}2 /)
  expect(stdout).toMatch(
    /\nnext: node \S+lvm.js evaluate lstm_baseline\n {6}node \S+lvm.js decode lstm_baseline --exclude context {4}# its predictions as sentences\n$/,
  )
})
it('train refuses to overwrite an existing run', () => {
  const { status, stdout, stderr } = train('--epochs 1 --json')
  expect(status).toBe(2)
  expect(events(stdout)).toEqual([expect.objectContaining({ type: 'error', version: 1, code: 'RUN_EXISTS', exit: 2 })])
  expect(stderr).toContain('--resume')
})
it('train --resume continues a run, and --json prints its events', () => {
  const { status, stdout } = lvm('train lstm --resume --epochs 3 --json')
  expect(status).toBe(0)
  const all = events(stdout)
  expect(all[0]).toMatchObject({ type: 'start', version: 1, resumed: true })
  expect(all.filter((e) => e.type === 'epoch').map((e) => e.epoch)).toEqual([3])
  expect(all.at(-1)).toMatchObject({ type: 'result', stopped: 'done' })
})
it('evaluate compares a run with the baselines, as text and as JSON', () => {
  const text = lvm('evaluate lstm_baseline --latency 0')
  expect(text.status).toBe(0)
  for (const name of ['lstm_baseline', 'copy last', 'ridge']) expect(text.stdout).toContain(name)
  const { runs } = JSON.parse(lvm('evaluate lstm_baseline --latency 0 --json').stdout)
  expect(runs).toEqual([expect.objectContaining({ run: 'lstm_baseline', rows: 'val' })])
  expect(existsSync(join(cwd, 'artifacts/lvm/evaluation/validation_results.json'))).toBe(true)
})
it('decode shows ten predictions of a run as sentences, and all of them as JSON, in a file, and from the vectors of predict', () => {
  const { stdout, stderr, status } = lvm('decode lstm_baseline --exclude context')
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^lstm_baseline: 10 of \d+ predictions \(val\): 10 windows at evenly spaced quantiles /)
  expect(stdout).toMatch(
    /\ndecoder nearest: nearest stored sentence among the [\d,]+ rows of factbook.npy, without the context, not generated\n/,
  )
  expect(
    stdout.match(/\n\nrow .*\n {2}context {11}.*\n {2}true next +−?\.\d{4} {2}.*\n {2}nearest +\.\d{4} {2}.*/g),
  ).toHaveLength(10)
  const { rows, ...head } = JSON.parse(lvm('decode lstm_baseline --json').stdout)
  expect(rows).toHaveLength(head.of)
  expect(rows[0]).toMatchObject({ text: rows[0].nearest.text, cosine: rows[0].nearest.cosine })
  expect(lvm('decode lstm_baseline --limit 3 --out s.jsonl').stdout).toBe('3 sentences in s.jsonl\n')
  expect(events(readFileSync(join(cwd, 's.jsonl'), 'utf8')).map(({ row }) => row)).toHaveLength(3)
  expect(JSON.parse(lvm('decode lstm_baseline --limit 3 --out s.json --json').stdout)).toEqual({
    ...head,
    count: 3,
    chosen: expect.anything(),
    out: 's.json',
  })
  expect(JSON.parse(readFileSync(join(cwd, 's.json'), 'utf8')).rows).toEqual(events(readFileSync(join(cwd, 's.jsonl'), 'utf8')))
  lvm('predict lstm_baseline --out d.npy')
  expect(JSON.parse(lvm('decode d.npy --json').stdout).rows.map(({ text }: { text: string }) => text)).toEqual(
    rows.map(({ text }: { text: string }) => text),
  )
  expect(lvm('decode nothing').stderr).toContain('RUN_MISSING')
  expect(lvm('decode nothing.npy').stderr).toContain('FILE_MISSING')
})
it('predict writes vectors and an index of their targets', () => {
  const made = JSON.parse(lvm('predict lstm_baseline --out p.npy --json').stdout)
  const index = JSON.parse(readFileSync(join(cwd, made.index), 'utf8'))
  expect(index.rows).toHaveLength(made.rows)
  expect([made.scale, index.scale]).toEqual(['unit', 'unit'])
  expect(lvm('predict lstm_baseline --out p.npy').stdout).toContain(`${made.rows} predictions, scaled to length 1, in p.npy`)
  expect(lvm('predict lstm_baseline --out raw.npy --raw').stdout).toContain('predictions, as raw outputs of the head, in raw.npy')
  expect(JSON.parse(readFileSync(join(cwd, 'raw.json'), 'utf8')).scale).toBe('raw')
})
it('import converts the checkpoint of a run to another run', () => {
  const { status, stdout } = lvm('import artifacts/lvm/models/lstm_baseline/best_model.pt --model lstm --name copied')
  expect(status).toBe(0)
  expect(stdout).toContain('imported into artifacts/lvm/models/copied')
})
it('models lists the run that was trained here', () => {
  const { models } = JSON.parse(lvm('models --json').stdout)
  expect(models[0]).toMatchObject({
    row: 1,
    name: 'lstm',
    folder: 'lstm_baseline',
    parameters: 5_120_768,
    status: 'other size',
    success: null,
  })
  expect(lvm('models').stdout).toMatch(
    /^ +1 {2}lstm +5,120,768 +5,100,000 +\+0.41 % +O\(n\) +0\.\d GB +\d\.\d GB {2}other size +−?\.\d{4} +–$/m,
  )
  expect(lvm('models').stdout).toMatch(/^ +2 {2}gru .* −0\.06 % /m)
  expect(lvm('models show transformer').stdout).toContain('17,603,840')
})
it('train --seeds writes one folder per seed and prints mean ± sd', () => {
  const { status, stdout } = train('--epochs 1 --seeds 2 --max-steps 2')
  expect(status).toBe(0)
  expect(stdout).toContain('lstm_baseline_seed1')
  expect(stdout).toMatch(/mean ± sd over 2 seeds: val loss 0\.\d{6} ± 0\.\d{6}, val cosine -?0\.\d{4} ± 0\.\d{4}\n$/)
  expect(existsSync(join(cwd, 'artifacts/lvm/models/lstm_baseline_seed2/best_model.pt'))).toBe(true)
})
it.each([
  ['evaluate nothing', 2, 'RUN_MISSING'],
  ['train gru --data nothing.npy', 2, 'FILE_MISSING'],
  [`train gru --data ${cli}`, 3, 'DATA_FORMAT'],
  [`train gru --data ${sample} --lr many`, 2, '"many"'],
  [`train gru --data ${sample} --device cuda:99`, 5, 'DEVICE_UNAVAILABLE'],
  [`train gru --data ${sample} --warmup 0.1`, 2, 'warmup-cosine'],
  ['import nothing.pt --model lstm --name other', 2, 'FILE_MISSING'],
  ['models show nothing', 2, 'BAD_OPTION'],
])('the command «%s» ends with exit code %i', (line, code, part) => {
  const { status, stderr } = lvm(line)
  expect(stderr).toContain(part)
  expect(status).toBe(code)
})
