import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { csv, drawPng, drawSvg } from './draw.js'
import type { Figure } from './figure.js'

/** A figure that was drawn. */
export interface Drawn extends Figure {
  readonly svg: string
  /** Of a figure with so many marks that a page shows it as a picture. */
  readonly png: Uint8Array | null
}

/** More marks than this would make a page slow. */
const DENSE = 2500
const isDense = ({ tips }: Figure) => tips.reduce((sum, list) => sum + list.length, 0) > DENSE

/** Draws figures one after the other; with a folder, writes each there as SVG, PNG and CSV. */
export async function drawFigures(figures: readonly Figure[], folder?: string): Promise<Drawn[]> {
  const done: Drawn[] = []
  if (folder !== undefined) await mkdir(folder, { recursive: true })
  for (const figure of figures) {
    const svg = await drawSvg(figure)
    const dense = isDense(figure)
    const png = dense || folder !== undefined ? await drawPng(svg) : null
    done.push({ ...figure, svg, png: dense ? png : null })
    if (folder === undefined) continue
    await writeFile(join(folder, `${figure.name}.svg`), svg)
    await writeFile(join(folder, `${figure.name}.csv`), csv(figure.data))
    await writeFile(join(folder, `${figure.name}.png`), png!)
  }
  return done
}
