import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { records } from '../../lib/report/figures/csv-records.js'
import { terminalText } from '../../lib/show.js'
import { vectorFile } from '../train/runs.js'

const cli = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))
const cwd = mkdtempSync(join(tmpdir(), 'lvm-torch-hostile-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))
const DATA = 'e\x1b[31mvil =1\u202e'
const RUN = '=ru\x1b[2Jn\x07 \u202e`|x'
const TEXTS = [
  '=1+1',
  '\x1b[2J',
  '\r\nfix: ',
  '\u202egnp',
  '\ud800',
  '+1',
  '-2',
  '@SUM(1)',
  '\tTab',
  '\x9b',
  '\0',
  '<b>&"',
  '中文',
  '\ufffe',
]

beforeAll(async () => {
  const articles = 42
  const made = await vectorFile('hostile', { articles, length: 10 })
  writeFileSync(join(cwd, `${DATA}.npy`), readFileSync(made))
  const lines = Array.from({ length: articles * 10 }, (_, row) => {
    const article = Math.floor(row / 10)
    const text = `${TEXTS[article % TEXTS.length]}${article}`
    return JSON.stringify({ article_id: text, index: row % 10, title: text, text, categories: [text.slice(0, 2)] })
  })
  writeFileSync(join(cwd, `${DATA}.jsonl`), `${lines.join('\n')}\n`)
  writeFileSync(
    join(cwd, `${DATA}.card.json`),
    JSON.stringify({ space: '\x1b[2J', source: '\x07', licence: '\u202e', encoder: '\r' }),
  )
})

const run = (words: readonly string[]) =>
  new Promise<{ status: number; stdout: string; stderr: string }>((done) => {
    const child = execFile(process.execPath, words, { cwd, maxBuffer: 1 << 26 }, (_, stdout, stderr) =>
      done({ status: child.exitCode ?? -1, stdout, stderr }),
    )
  })
const evaluation = 'artifacts/lvm/evaluation'
it.each<[string[], number?]>([
  [['data', 'inspect', DATA]],
  [['data', 'audit', DATA, '--out', evaluation]],
  [['train', 'lstm', '--data', DATA, '--preset', 'tiny', '--epochs', '1', '--name', RUN, '--force']],
  [['train', 'mlp', '--data', DATA, '--preset', 'tiny', '--epochs', '1', '--name', 'b', '--force']],
  [['runs', 'list']],
  [['runs', 'show', RUN]],
  [['evaluate', RUN, 'b', '--latency', '0']],
  [['retrieve', RUN]],
  [['compare', RUN, 'b']],
  [['analyze', RUN, '--rows', 'all']],
  [['doctor', RUN]],
  [['rollout', RUN, '--steps', '2']],
  [['predict', RUN, '--out', 'p\x1b.npy']],
  [['export', RUN, '--format', 'safetensors', '--out', 'e\x1b.safetensors']],
  [['quantize', RUN, '--name', 'q\x1b', '--max-drop', '1']],
  [['benchmark', RUN, 'b', '--seconds', '.05', '--rounds', '5', '--device', 'cpu']],
  [['report']],
  [['verify', `${evaluation}/report.html`]],
  [['runs', 'rm', `${RUN}\x1b`], 2],
  [['runs', 'rm', RUN, '--yes']],
])('the command %j prints no control characters from file names', async (words, exit = 0) => {
  const once = /^(train|predict|export|quantize)$/.test(words[0]!) || words[1] === 'rm'
  for (const json of once ? [false] : [false, true]) {
    const all = json ? [cli, ...words, '--json'] : [cli, ...words]
    const { status, stdout, stderr } = await run(all)
    expect({ status, stderr }).toEqual({ status: exit, stderr: terminalText(stderr) })
    expect(stdout).toBe(terminalText(stdout))
    if (json) expect(typeof JSON.parse(stdout)).toBe('object')
  }
})
it('no CSV holds a formula, and each keeps its texts', () => {
  const files = readdirSync(join(cwd, evaluation), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.csv'))
  expect(files.length).toBeGreaterThan(10)
  const cells = files.flatMap((name) => records(readFileSync(join(cwd, evaluation, name), 'utf8')).flatMap(Object.values<string>))
  expect(cells.filter((cell) => /^=1\+1/.test(cell)).length).toBeGreaterThan(0)
  for (const name of files)
    expect(readFileSync(join(cwd, evaluation, name), 'utf8'), name).not.toMatch(/(^|[,\n])"?(=|@|[+-](?![\d.]))/)
})
