/** A value that is not what it should be. */
export interface Difference {
  /** Keys down to it. */
  readonly place: string
  readonly report: unknown
  readonly files: unknown
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** Whether two numbers agree within a share of the larger. */
const near = (a: unknown, b: unknown, tolerance: number) =>
  typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b))

/** Every value of one JSON document that is missing from another, or not the same there, and how many were compared. */
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
