import { INK, MUTED, PAPER } from '../../page/palette.js'
import { FONTS, SIZE, textWidth } from './figure.js'
import { wrapped } from './text-width.js'

/** A label on a line: its preferred centre and its length. */
export interface LabelSpan {
  readonly at: number
  readonly size: number
}

/**
 * Returns centres of labels on a line so that none overlap and each is as near as possible to its preferred centre.
 *
 * Source: own; neighbours that touch are merged and centred on the mean of their preferred centres (isotonic regression).
 */
export function spread(labels: readonly LabelSpan[], low: number, high: number): number[] {
  const order = labels.map((_, i) => i).sort((a, b) => labels[a]!.at - labels[b]!.at)
  const blocks: { members: number[]; size: number; centre: number }[] = []
  for (const i of order) {
    let block = { members: [i], size: labels[i]!.size, centre: labels[i]!.at }
    for (;;) {
      const half = block.size / 2
      block.centre = Math.max(low + half, Math.min(high - half, block.centre))
      const before = blocks.at(-1)
      if (before === undefined || before.centre + before.size / 2 <= block.centre - half) break
      blocks.pop()
      const members = [...before.members, ...block.members]
      const n = members.length
      const centre = (before.centre * before.members.length + block.centre * block.members.length) / n
      block = { members, size: before.size + block.size, centre }
    }
    blocks.push(block)
  }
  const centres = new Array<number>(labels.length).fill(0)
  for (const { members, size, centre } of blocks) {
    let edge = centre - size / 2
    for (const i of members) {
      centres[i] = edge + labels[i]!.size / 2
      edge += labels[i]!.size
    }
  }
  return centres
}

/** Draws a text at a pixel. */
export const written = (
  text: string,
  x: number,
  y: number,
  o: { align?: 'left' | 'center' | 'right'; fill?: string; size?: number; halo?: boolean } = {},
) => ({
  type: 'text' as const,
  silent: true,
  z: 100,
  x,
  y,
  style: {
    text,
    fill: o.fill ?? INK,
    ...(o.halo !== false && { stroke: PAPER, lineWidth: 3 }), // keeps the text legible on top of lines
    fontSize: o.size ?? SIZE.text,
    fontFamily: FONTS,
    align: o.align ?? 'left',
    verticalAlign: 'middle' as const,
  },
})

/** Draws a line through pixels. */
export const stroke = (
  points: readonly (readonly [number, number])[],
  o: { colour?: string; width?: number; dash?: number[] } = {},
) => ({
  type: 'polyline' as const,
  silent: true,
  z: 90,
  shape: { points: points.map(([x, y]) => [x, y]) },
  style: { stroke: o.colour ?? MUTED, lineWidth: o.width ?? 1, fill: 'none', ...(o.dash && { lineDash: o.dash }) },
})

const LINE = 16
/** Writes the title of a vertical axis above it; `height` is the room that it takes. */
export function aboveAxis(title: string, y: number, width: number) {
  const lines = wrapped(title, width - 24, SIZE.text)
  return {
    height: lines.length * LINE + 10,
    elements: lines.map((line, i) => written(line, 12, y + 4 + i * LINE, { fill: MUTED, halo: false })),
  }
}

/** Writes the title of a horizontal axis below its ticks; `height` is the room that ticks and title take. */
export function belowAxis(title: string, plot: Box, width: number, ticks = 24) {
  const lines = wrapped(title, width - 24, SIZE.text)
  const half = Math.max(...lines.map((line) => textWidth(line))) / 2
  const x = Math.max(12 + half, Math.min(width - 12 - half, plot.x + plot.width / 2))
  const y = plot.y + plot.height + ticks + LINE / 2
  return {
    height: ticks + lines.length * LINE + 8,
    elements: lines.map((line, i) => written(line, x, y + i * LINE, { align: 'center', fill: MUTED, halo: false })),
  }
}

/** A rectangle. Units: px. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}
const overlap = (a: Box, b: Box) =>
  Math.max(0, Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)) *
  Math.max(0, Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y))

/** Places names beside points so that each overlaps other names and points as little as possible. */
export function besidePoints(points: readonly { readonly x: number; readonly y: number; readonly name: string }[], plot: Box) {
  const height = SIZE.text + 3
  const dots = points.map(({ x, y }): Box => ({ x: x - 6, y: y - 6, width: 12, height: 12 }))
  const taken: Box[] = []
  return points.map(({ x, y, name }) => {
    const width = textWidth(name) + 2
    const candidates = [1, 2, 3].flatMap((step): Box[] => [
      { x: x + 9, y: y - height / 2 + (step - 1) * height, width, height },
      { x: x - 9 - width, y: y - height / 2 - (step - 1) * height, width, height },
      { x: x - width / 2, y: y - 8 - height * step, width, height },
      { x: x - width / 2, y: y + 8 + height * (step - 1), width, height },
    ])
    const cost = (box: Box, i: number) => {
      const inside = overlap(box, plot)
      const covered = [...taken, ...dots].reduce((sum, other) => sum + overlap(box, other), 0)
      return covered + 4 * (width * height - inside) + i * 0.5
    }
    const best = candidates.reduce((a, b, i) => (cost(b, i) < a.cost ? { box: b, cost: cost(b, i) } : a), {
      box: candidates[0]!,
      cost: cost(candidates[0]!, 0),
    }).box
    taken.push(best)
    const [cx, cy] = [best.x + width / 2, best.y + height / 2]
    const far = Math.hypot(Math.max(0, Math.abs(cx - x) - width / 2), Math.max(0, Math.abs(cy - y) - height / 2)) > 14
    return {
      name,
      x: best.x + 1,
      y: cy,
      far,
      from: [x, y] as const,
      to: [Math.max(best.x, Math.min(x, best.x + width)), cy] as const,
    }
  })
}
