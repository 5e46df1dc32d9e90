import { join } from 'node:path'
import { publish } from '../../files/write.js'
import { csv, drawPng, drawSvg } from './draw-figure.js'
import type { Figure } from './figure.js'

/** A drawn figure. */
export interface Drawn extends Figure {
  readonly svg: string
  /** PNG of a figure with too many marks for inline SVG, else null. */
  readonly png: Uint8Array | null
}

/** A figure with more marks is shown as PNG, because its SVG would slow the page down. */
const DENSE = 2500
const isDense = ({ tips }: Figure) => tips.reduce((sum, list) => sum + list.length, 0) > DENSE

/** Draws figures; with a folder, writes each there as SVG, PNG and CSV. */
export async function drawFigures(figures: readonly Figure[], folder?: string): Promise<Drawn[]> {
  const done: Drawn[] = []
  for (const figure of figures) {
    const svg = await drawSvg(figure)
    const dense = isDense(figure)
    const png = dense || folder !== undefined ? await drawPng(svg) : null
    done.push({ ...figure, svg, png: dense ? png : null })
    if (folder === undefined) continue
    const path = join(folder, figure.name)
    await publish({ [`${path}.svg`]: svg, [`${path}.csv`]: csv(figure.data), [`${path}.png`]: png! })
  }
  return done
}
