import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { writeBase } from '../../lib/data/write-base.js'
import { evaluate } from '../../lib/evaluate/evaluate-runs.js'
import { renderTable } from '../../lib/evaluate/results-table.js'
import { describeRun } from '../../lib/evaluate/subject.js'
import { basesOf } from '../../lib/report/basis.js'
import { likeGroups } from '../../lib/report/figures/comparison-figures.js'
import { likeRetrievals } from '../../lib/report/figures/retrieval-figures.js'
import type { ReportedRun } from '../../lib/report/reported-runs.js'
import { renderRetrieval } from '../../lib/study/retrieval/retrieval-table.js'
import { retrieve } from '../../lib/study/retrieval/retrieve.js'
import { trainOn, wander, writeCorpus } from '../study/retrieval/corpus.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-same-rows-'))
const out = join(folder, 'reports')
const runs: string[] = []
beforeAll(async () => {
  const data = writeCorpus(folder, 'corpus', wander(1))
  const copy = await writeBase(join(folder, 'copy.parquet'), data)
  runs.push(await trainOn(data, folder, 'npy'), await trainOn(copy.path, folder, 'parquet'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('runs that were trained on the same rows in two formats stand in one group, in tables and in the report', async () => {
  const judged = (await evaluate({ runs, out, latency: 0, threads: 1 })).results.runs
  expect(new Set(judged.map(({ data }) => data.hash)).size).toBe(2)
  expect(new Set(judged.map(({ data }) => data.content_hash)).size).toBe(1)
  expect(renderTable(judged).split('\n\n\n')).toHaveLength(1)
  const searched = (await retrieve({ runs, out, threads: 1 })).results.runs
  expect(renderRetrieval(searched).split('\n\n\n')).toHaveLength(1)
  const sources = await Promise.all(runs.map(async (run) => (await describeRun(run)).manifest))
  expect(basesOf(sources)).toBe(1)
  expect(likeGroups(judged.map((validation) => ({ validation }) as ReportedRun)).map(({ length }) => length)).toEqual([2])
  expect(likeRetrievals(searched).map(({ length }) => length)).toEqual([2])
})
