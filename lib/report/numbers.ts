import { decimal } from '../show.js'

/** Formats a number with few digits, without the zero before the point as all numbers of a report: .0005, 17,500, 2.1e+8. */
export function short(x: number, digits = 3): string {
  const size = Math.abs(x)
  if (size !== 0 && (size < 1e-5 || size >= 1e7)) return x.toExponential(1)
  const text = Number(size.toPrecision(digits)).toLocaleString('en-US', { maximumFractionDigits: 10 })
  return `${x < 0 ? '−' : ''}${text.replace(/^0\./, '.')}`
}

/** Formats a loss: six decimals below 1, or scientific notation below 1e-5. */
export const lossText = (x: number): string =>
  x !== 0 && Math.abs(x) < 1e-5 ? x.toExponential(2) : Math.abs(x) < 1 ? decimal(x, '', 6) : short(x, 4)
