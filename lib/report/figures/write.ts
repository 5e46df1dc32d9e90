import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { csv, drawPng, drawSvg } from './draw.js'
import type { Figure } from './figure.js'

/** A figure that was drawn. */
export interface Drawn extends Figure {
  readonly svg: string
}

/** Draws figures one after the other; with a folder, writes each there as SVG, PNG and CSV. */
export async function drawFigures(figures: readonly Figure[], folder?: string): Promise<Drawn[]> {
  const done: Drawn[] = []
  if (folder !== undefined) await mkdir(folder, { recursive: true })
  for (const figure of figures) {
    const svg = await drawSvg(figure)
    done.push({ ...figure, svg })
    if (folder === undefined) continue
    await writeFile(join(folder, `${figure.name}.svg`), svg)
    await writeFile(join(folder, `${figure.name}.csv`), csv(figure.data))
    await writeFile(join(folder, `${figure.name}.png`), await drawPng(svg))
  }
  return done
}
