import { join } from 'node:path'
import { publish } from '../../files/write.js'
import { counted } from '../../stages.js'
import { csv, drawSvg } from './draw-figure.js'
import { drawPng, foreignFonts } from './draw-png.js'
import type { Figure } from './figure.js'

/** A drawn figure: as it is written, and for a narrow page. */
export interface Drawn extends Figure {
  readonly svg: string
  readonly narrow: string
  /** PNG of a figure with too many marks for inline SVG, else null. */
  readonly png: Uint8Array | null
}

/** A figure with more marks is shown as PNG, because its SVG would slow the page down. */
const DENSE = 2500
const isDense = ({ tips }: Figure) => tips.reduce((sum, list) => sum + list.length, 0) > DENSE

/**
 * Draws figures and begins their PNGs; returns a function that waits for these and, with a folder, writes each figure there as SVG, PNG
 * and CSV. `say` hears of characters that no font has.
 */
export async function beginFigures(figures: readonly Figure[], folder?: string, say?: (line: string) => void) {
  const begun: { readonly drawn: Omit<Drawn, 'png'>; readonly dense: boolean; readonly png: Promise<Uint8Array> | null }[] = []
  const missing = new Set<string>()
  for (const figure of counted(figures)) {
    const svg = await drawSvg(figure)
    const dense = isDense(figure)
    const png = dense || folder !== undefined ? drawPng(svg) : null
    png?.catch(() => {}) // its failure is thrown where it is awaited
    begun.push({ drawn: { ...figure, svg, narrow: dense ? '' : await drawSvg(figure, 'narrow') }, dense, png })
    if (folder !== undefined) for (const letter of (await foreignFonts(svg)).missing) missing.add(letter)
  }
  if (missing.size > 0) say?.(glyphsText([...missing]))
  return async (): Promise<Drawn[]> => {
    const done: Drawn[] = []
    for (const { drawn, dense, png } of begun) {
      const picture = await png
      done.push({ ...drawn, png: dense ? picture : null })
      if (folder === undefined) continue
      const path = join(folder, drawn.name)
      await publish({ [`${path}.svg`]: drawn.svg, [`${path}.csv`]: csv(drawn.data), [`${path}.png`]: picture! })
    }
    return done
  }
}

/** Draws figures; with a folder, writes each there as SVG, PNG and CSV. `say` hears of characters that no font has. */
export async function drawFigures(figures: readonly Figure[], folder?: string, say?: (line: string) => void): Promise<Drawn[]> {
  const finish = await beginFigures(figures, folder, say)
  return finish()
}

/** Names characters that no font of this system has. */
export const glyphsText = (letters: readonly string[]): string =>
  `no font of this system has ${letters.slice(0, 8).join(' ')}${letters.length > 8 ? ' …' : ''}: they are boxes in the PNG files; the page and the SVG files have them. Install a font, such as fonts-noto-cjk, and run the command again`
