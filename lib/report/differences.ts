/** A value of a report that differs from the files. */
export interface Difference {
  /** Path of keys to the value. */
  readonly place: string
  readonly report: unknown
  readonly files: unknown
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** Whether two numbers agree within a relative tolerance. */
const near = (a: unknown, b: unknown, tolerance: number) =>
  typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b))

/** Returns every value that differs between two JSON documents or is missing from one, and the number of compared values. */
export function differences(
  report: unknown,
  files: unknown,
  place: string,
  tolerance: number,
): { problems: Difference[]; compared: number } {
  if (!isObject(report) || !isObject(files)) {
    const same = report === files || near(report, files, tolerance)
    return { problems: same ? [] : [{ place, report: report ?? null, files: files ?? null }], compared: 1 }
  }
  const problems: Difference[] = []
  let compared = 0
  for (const key of new Set([...Object.keys(report), ...Object.keys(files)])) {
    const at = Array.isArray(report) ? `${place}[${key}]` : place === '' ? key : `${place}.${key}`
    const inner = differences(report[key], files[key], at, tolerance)
    problems.push(...inner.problems)
    compared += inner.compared
  }
  return { problems, compared }
}
