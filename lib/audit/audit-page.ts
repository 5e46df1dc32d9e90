import { pageDoor } from '../door.js'
import { busyNotes } from '../libtorch/cpu-share.js'
import { counted, fixed } from '../show.js'
import type { Audit } from './audit.js'
import { CHECKS, type Check, cos, type Finding, type Level } from './audit-findings.js'

const MARK: Readonly<Record<Level, string>> = { PASS: '  ok', WARN: 'WARN', FAIL: 'FAIL' }

function lines(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ code }) => code.length))
  return findings.flatMap(({ code, level, message, rows }) => {
    const where = level === 'PASS' || rows.length === 0 ? '' : ` (row ${rows.join(', ')}${rows.length === 5 ? ', …' : ''})`
    const indent = ' '.repeat(width + 8)
    const fix = level === 'PASS' ? [] : [`${indent}fix: ${CHECKS[code as Check].fix}`]
    return [`${MARK[level]}  ${code.padEnd(width)}  ${message}${where}`, ...fix]
  })
}

const bar = (x: number, top: number) => '█'.repeat(Math.max(0, Math.round((30 * x) / Math.max(top, 1e-9))))

function curve({ lags, random_pairs }: Audit): string[] {
  if (lags.length === 0) return []
  const top = Math.max(...lags.map(({ cosine }) => cosine), random_pairs.mean)
  const row = (name: string, x: number, ci: readonly [number, number] | null) =>
    `  ${name.padStart(6)}  ${cos(x).padStart(6)}  ${(ci === null ? '' : `${cos(ci[0])} … ${cos(ci[1])}`).padEnd(13)}  ${bar(x, top)}`
  return [
    'mean cosine of two rows of an article by their distance in rows, with 95 % intervals by article',
    ...lags.map(({ lag, cosine, ci95 }) => row(String(lag), cosine, ci95)),
    row('random', random_pairs.mean, null),
  ]
}

const VERDICTS: Readonly<Record<Level, string>> = {
  PASS: 'sound: no check found a fault that would make a figure wrong',
  WARN: 'usable: read the warnings',
  FAIL: 'broken: figures from this data would be wrong',
}

const measured = ({ encoder_space, rows, median, minimum }: NonNullable<Audit['encoder']>) =>
  `made by the encoder of "${encoder_space}": ${rows} texts, encoded again, have a median cosine of ${fixed(median, 5)} and a minimum of ${fixed(minimum, 5)}`

/** Formats an audit for the terminal. */
export const auditPage = pageDoor('auditPage', 'audit', (audit: Audit): string => {
  const { path, part, rows, dim, dtype, kind, space, encoder, findings, against, verdict, seconds, cpu_share } = audit
  const what = counted(rows, kind === 'sequences' ? 'sequence' : 'row')
  return [
    `${path}${part === null ? '' : `, the ${part} half`} · ${what} × ${dim} ${dtype} · space ${space ?? 'unknown'}`,
    ...(encoder ? [measured(encoder)] : []),
    '',
    ...lines(findings),
    ...against.flatMap((file) => [
      '',
      `against ${file.path}${file.part === null ? '' : `, the ${file.part} half`} · ${counted(file.rows, 'row')}`,
      ...lines(file.findings),
    ]),
    '',
    ...curve(audit),
    '',
    `${verdict}, ${VERDICTS[verdict]} (${[`${seconds.toFixed(1)} s`, ...busyNotes([cpu_share])].join(', ')})`,
  ].join('\n')
})
