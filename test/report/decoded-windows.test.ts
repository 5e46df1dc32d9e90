import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { decode, evaluate, report, verify } from '../../lib/index.js'
import { refused } from '../files/fixture.js'
import { FIXTURE } from '../text/inverter-fixture.js'
import { place, trained, vectorFile } from '../train/runs.js'

const models = place('models')
const out = place('evaluation')
const run = join(models, 'spoken')
const decoder = join(FIXTURE, 'st')
const few = { decoder, steps: 1, maxLength: 12 } as const
const sentences = () => JSON.parse(readFileSync(join(out, 'sentences.json'), 'utf8')).runs[0]
const page = async () => readFileSync((await report({ runs: models, out })).page, 'utf8')

async function trainedOn(name: string, space: string, texts = true): Promise<string> {
  const data = await vectorFile(name, { articles: 20, ...(texts && { text: (row: number) => `sentence ${row}` }) })
  writeFileSync(data.replace('.npy', '.card.json'), JSON.stringify({ space }))
  return trained({ data, model: 'lstm', preset: 'tiny', epochs: 1, threads: 1, out: models, maxWindows: 100, name }).then(() =>
    join(models, name),
  )
}

beforeAll(() => trainedOn('spoken', 'gtr-st'))

describe('generated sentences of the report', () => {
  it('evaluate with a decoder writes the sentence that decode generates of each of the ten predictions', async () => {
    await evaluate({ runs: [run], out, latency: 0, threads: 1, ...few })
    const { windows, decoder: head } = sentences()
    const { rows, decoder: own } = await decode({ run, limit: 10, threads: 1, ...few })
    expect(windows).toHaveLength(10)
    expect(windows.map(({ decoded }: { decoded: object }) => decoded)).toEqual(
      rows.map(({ text, cosine }) => ({ text, cosine: expect.closeTo(cosine!, 5) })),
    )
    expect(new Set(rows.map(({ text }) => text)).size).toBeGreaterThan(1)
    expect(head).toEqual(own)
  })
  it('the report shows the generated sentence beside the nearest one, names its decoder, and verify agrees', async () => {
    const html = await page()
    const { text, cosine } = sentences().windows[4].decoded
    expect(html.match(/<dt>decoded /g)).toHaveLength(10)
    expect(html).toContain(
      `<dt>decoded <span class="n">${cosine
        .toFixed(4)
        .replace(/^(-?)0/, '$1')
        .replace('-', '−')}</span></dt>`,
    )
    expect(html).toContain(`>${text}</dd>`)
    expect(html).toContain('a sentence that vec2text (gtr-st; at most 1 corrections, beam 1) generated of the predicted vector')
    expect(await verify({ report: join(out, 'report.html'), recompute: true })).toMatchObject({ ok: true, problems: [] })
  })
  it('evaluate without a decoder writes none, and the report shows none', async () => {
    await evaluate({ runs: [run], out, latency: 0, threads: 1 })
    expect(sentences().decoder).toBe(null)
    expect(sentences().windows[0].decoded).toBe(null)
    expect(await page()).not.toContain('<dt>decoded')
  })
  it('evaluate refuses a decoder of another space, without sentences or without a folder, and its options without a decoder', async () => {
    const evaluated = (one: string, more: object) => evaluate({ runs: [one], out, latency: 0, threads: 1, ...more })
    const other = await trainedOn('other', 'gtr-mean')
    expect(await refused('SPACE_MISMATCH', evaluated(other, few))).toMatch(/gtr-st.*gtr-mean/)
    expect(await refused('TEXT_MISSING', evaluated(await trainedOn('mute', 'gtr-st', false), few))).toContain('"decoder"')
    expect(await refused('BAD_OPTION', evaluated(run, { decoder: 'nowhere' }))).toContain('the folder of a decoder')
    expect(await refused('BAD_OPTION', evaluated(run, { steps: 3 }))).toContain('without a decoder')
  })
})
