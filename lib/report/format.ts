/** What stands where there is nothing to show. */
export const NONE = '–'

/** A whole number with its thousands marked: 5,120,768. */
export const count = (n: number): string => n.toLocaleString('en-US', { maximumFractionDigits: 0 })

/** A size a person reads at once: 512 B, 20.5 MB, 1.6 GB. */
export function bytes(n: number): string {
  const step = n < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(n) / 3))
  return `${step === 0 ? n : (n / 1000 ** step).toFixed(1)} ${['B', 'kB', 'MB', 'GB', 'TB'][step]}`
}

/** A span of time: 0.4 s, 12 s, 3 min 05 s, 2 h 07 min. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  const two = (n: number) => String(n).padStart(2, '0')
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`
}

/** A number of parameters as the specification writes it: 5.1M, 1.6B. */
export const millions = (n: number): string => {
  const [scaled, letter] = n >= 1e9 ? [n / 1e9, 'B'] : n >= 1e6 ? [n / 1e6, 'M'] : [n / 1e3, 'k']
  return `${scaled >= 100 ? Math.round(scaled) : Number(scaled.toFixed(1))}${letter}`
}

/** Decimals with a true minus sign, and none before nothing but zeros. */
export function fixed(x: number, digits: number, plus = ''): string {
  const text = Math.abs(x).toFixed(digits)
  return `${x < 0 && Number(text) !== 0 ? '−' : plus}${text}`
}

/** A squared error: six decimals, or its leading digits where those would all be zero. */
export const mse = (x: number): string => (x !== 0 && Math.abs(x) < 1e-5 ? x.toExponential(2) : fixed(x, 6))
