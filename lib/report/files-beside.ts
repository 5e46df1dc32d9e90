import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { judgeTiers } from '../evaluate/tiers.js'
import type { Difference } from './differences.js'
import type { Figures } from './figures/all-figures.js'
import { csv } from './figures/draw-figure.js'
import { drawPng, foreignFonts } from './figures/draw-png.js'
import type { Drawn } from './figures/write-figures.js'
import type { ReportedRun } from './reported-runs.js'

/** Tolerance of round-off between figures that follow from each other. */
const ROUND_OFF = 1e-6

const drawnIn = (figures: unknown): Drawn[] =>
  Array.isArray(figures)
    ? figures
    : typeof figures === 'object' && figures !== null
      ? Object.values(figures).flatMap(drawnIn)
      : []

/** Returns the lines that differ between two texts, up to the first line count mismatch. */
export function lineDifferences(found: string, expected: string): Difference[] {
  const [a, b] = [found.split('\n'), expected.split('\n')]
  const problems: Difference[] = []
  for (let i = 0; i < Math.max(a.length, b.length) && problems.length < 20; i++) {
    if (a[i] === b[i]) continue
    const [x = '', y = ''] = [a[i], b[i]]
    const at = [...x].findIndex((c, j) => c !== y[j])
    const near = (line: string) => line.slice(Math.max(0, at - 40), Math.max(0, at) + 60)
    problems.push({ place: `line ${i + 1}, column ${Math.max(0, at) + 1}`, report: near(x), files: near(y) })
    if (a.length !== b.length) break // all following lines are shifted
  }
  return problems
}

/** Returns the bytes of a file; undefined when it is missing. */
const bytesOf = (path: string): Promise<Buffer | undefined> =>
  readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return undefined
  })

/**
 * Compares the files beside a report with it: its other form, its table, and the data and drawings of its figures.
 *
 * A missing file does not count as a difference. `others`: expected text of the other form and the table, by name.
 */
export async function besideDifferences(
  figures: Figures,
  folder: string,
  { plots, others }: { plots: string; others: Readonly<Record<string, string>> },
) {
  const problems: Difference[] = []
  const compare = async (name: string, text: string) => {
    const found = (await bytesOf(join(folder, name)))?.toString() ?? text
    problems.push(...lineDifferences(found, text).map((d) => ({ ...d, place: `${name}, ${d.place}` })))
  }
  for (const [name, text] of Object.entries(others)) await compare(name, text)
  const all = drawnIn(figures)
  const pictures = await Promise.all(
    all.map(async ({ name, svg }) => {
      const found = await bytesOf(join(folder, plots, `${name}.png`))
      return found?.equals(await drawPng(svg)) ?? true
    }),
  )
  for (const [i, { name, data, svg }] of all.entries()) {
    await compare(`${plots}/${name}.csv`, csv(data))
    await compare(`${plots}/${name}.svg`, svg)
    if (!pictures[i]) {
      const { fonts, missing } = await foreignFonts(svg)
      const own = fonts.length + missing.length === 0
      const files = own ? 'the picture of the SVG' : 'the picture of the SVG with the fonts of this machine, since the bundled one lacks letters' // biome-ignore format: a sentence
      problems.push({ place: `${plots}/${name}.png`, report: 'a different picture', files })
    }
  }
  return problems
}

/** Finds figures of an evaluation that contradict each other: skill, tier verdicts and, for unit targets, errors. */
export function contradictions({ run, validation: e, dim }: ReportedRun): Difference[] {
  if (e === null) return []
  const at = `validation_results.json, runs[run=${run}]`
  const near = (a: number, b: number) => Math.abs(a - b) <= ROUND_OFF
  const problems: Difference[] = []
  const differ = (key: string, report: unknown, files: unknown) => problems.push({ place: `${at}.${key}`, report, files })
  if (e.skill !== null) {
    const best = Math.max(...Object.values(e.baselines).map(({ cosine }) => cosine))
    const skill = e.cosine.mean - best
    if (!near(e.skill.value, skill)) differ('skill.value', e.skill.value, skill)
    if (!near(e.baselines[e.skill.against]?.cosine ?? Number.NaN, best))
      differ('skill.against', e.skill.against, 'the best baseline')
  }
  const unit = (cosine: number) => (2 * (1 - cosine)) / (dim ?? Number.NaN)
  const targetsAreUnit = Object.values(e.baselines).every((b) => near(b.mse_unit, unit(b.cosine)))
  if (targetsAreUnit && !near(e.mse_unit, unit(e.cosine.mean))) differ('mse_unit', e.mse_unit, unit(e.cosine.mean))
  const tiers = judgeTiers({
    val_loss: e.output === 'raw' ? e.mse_raw : e.mse_unit,
    val_cosine: e.cosine.mean,
    train_seconds: e.train_seconds,
    weights_bytes: e.size.weights_bytes,
  })
  if (e.tiers !== null && JSON.stringify(tiers) !== JSON.stringify(e.tiers)) differ('tiers', e.tiers, tiers)
  return problems
}
