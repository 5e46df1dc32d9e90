import { pageDoor } from '../door.js'
import type { RunEntry } from '../evaluate/results-file.js'
import { selectionSentence, skillSentence } from '../evaluate/results-table.js'
import { count, decimal, duration, fixed, millions, mse, NONE, oneLine, signedDecimal, span } from '../show.js'
import { basesOf } from './basis.js'
import { documentsOf } from './evaluation-documents.js'
import { type MatrixRow, type Status, smallPreset } from './matrix.js'
import type { Report } from './report-document.js'

export const STATUS_MARK: Readonly<Record<Status, string>> = {
  complete: '✅ COMPLETE',
  'other size': '⚠ OTHER SIZE',
  untrained: '⚠ UNTRAINED',
  interrupted: '⏸ INTERRUPTED',
  running: '▶ RUNNING',
  damaged: '❌ DAMAGED',
  failed: '❌ FAILED',
  'out of budget': '⏱ OUT OF BUDGET',
  queued: '🔄 QUEUED',
  'not trained': 'NOT TRAINED',
}

/** Column titles of the matrix in the specification; page and Markdown show the same cells. */
export const TITLES = [
  '#',
  'Architecture',
  'Target Params',
  'Status',
  'Val Loss',
  'Val Cosine',
  'Train Time',
  'Model File',
  'Success Score',
  'Notes',
] as const

const percent = (share: number) => `${Math.round(100 * share)} %`

export function scoreText({ success, expected_score }: MatrixRow): string {
  const expected = expected_score === null ? '' : `expected ${percent(expected_score)}`
  if (success === null) return expected === '' ? NONE : `${NONE} (${expected})`
  return `${percent(success.met / success.of)} (${[`${success.met} of ${success.of}`, expected].filter(Boolean).join(', ')})`
}

export const cellsOf = (row: MatrixRow): Record<(typeof TITLES)[number], string> => ({
  '#': row.row === null ? NONE : String(row.row),
  Architecture: row.architecture,
  'Target Params':
    row.target_parameters === null
      ? millions(row.parameters)
      : `${millions(row.target_parameters)}${row.status === 'other size' ? ` (run: ${millions(row.parameters)})` : ''}`,
  Status: `${STATUS_MARK[row.status]}${smallPreset(row) ? ` (preset ${row.preset})` : ''}`,
  'Val Loss': row.val_loss ? mse(row.val_loss.value) : NONE,
  'Val Cosine': row.val_cosine ? `${fixed(100 * row.val_cosine.value, 2)} %` : NONE,
  'Train Time': row.train_seconds ? duration(row.train_seconds.value) : NONE,
  'Model File': row.model_file ?? NONE,
  'Success Score': scoreText(row),
  Notes: [...(row.why === null ? [] : [row.why]), ...row.notes].join('; ') || NONE,
})

const escaped = (text: string) => oneLine(text.replace(/\s+/g, ' ')).replace(/[\\|<>`*_[\]]/g, '\\$&')

/** Formats a path as code, even with backticks in it. */
function code(text: string): string {
  const fence = '`'.repeat(1 + Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length)))
  const room = /^`|`$/.test(text) ? ' ' : ''
  return fence + room + oneLine(text).replaceAll('|', '\\|') + room + fence
}

const dressed = (title: string, text: string) => {
  if (title === 'Architecture') return `**${escaped(text)}**`
  return title === 'Model File' && text !== NONE ? code(text) : escaped(text)
}

/** Warns when rows of the matrix are not comparable. */
export function comparability({ matrix, runs }: Report): string[] {
  const shown = runs.filter(({ run }) => matrix.some((row) => row.run === run))
  const n = basesOf(shown.map(({ lineage }) => lineage))
  return n > 1
    ? [
        `Rows rest on ${n} different data files or splits (see the notes); only figures on the same data and split can be compared.`,
      ]
    : []
}

/** The pooled figures of runs over folds; no lines without any. */
/** Cosine and skill of a predictor, with intervals and verdict. */
const JUDGED = ['Cosine', '95 %', 'Skill', '95 %', 'Verdict']
const judged = (e: Pick<RunEntry, 'run' | 'cosine' | 'skill'>): string[] => [
  decimal(e.cosine.mean),
  span(e.cosine.ci95),
  e.skill === null ? NONE : signedDecimal(e.skill.value),
  span(e.skill?.ci95 ?? null, signedDecimal),
  escaped(skillSentence(e).slice(e.run.length + 2)),
]

function foldsTable({ folds }: Report): string[] {
  if (folds.length === 0) return []
  const titles = ['Run', 'Folds', 'Articles', 'Windows', ...JUDGED]
  const rows = folds.map((e) => [escaped(e.run), ...[e.folds!.count, e.articles, e.n].map(count), ...judged(e)])
  const lines = [titles, titles.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  const selection = folds.map((e) => `- ${escaped(selectionSentence(e))}`)
  return ['## Over folds', '', ...lines, '', ...selection, '']
}

/** Predictors that are no runs beside the baselines; no lines without any. */
function outsideTable(report: Report): string[] {
  const { outside } = documentsOf(report)
  if (outside.length === 0) return []
  const titles = ['Predictor', 'Kind', 'Rows', 'Windows', ...JUDGED]
  const rows = outside.map((e) => [escaped(e.run), e.kind, e.rows, count(e.n), ...judged(e)])
  const lines = [titles, titles.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return ['## Predictors from elsewhere', '', ...lines, '']
}

/** The matrix of the specification as Markdown, with notes on how to read it. */
export const markdown = pageDoor('markdown', 'report', (report: Report): string => {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rows = report.matrix.map((row) => {
    const cells = cellsOf(row)
    return line(TITLES.map((title) => dressed(title, cells[title])))
  })
  return [
    '# LVM model training and evaluation matrix',
    '',
    line(TITLES),
    line(TITLES.map(() => '---')),
    ...rows,
    '',
    `Made by lvm-torch ${report.written_by.lvm_torch} on ${report.created_at} from the files of the runs; report.json has the numbers and their sources.`,
    'Val Loss and Val Cosine: best epoch on the validation rows; the same rows selected that epoch. Success Score: share of the six criteria (loss and cosine of the three tiers) that a run of the row’s size meets. OTHER SIZE: the number of parameters, which the note states, differs from that of the row, so the run does not count for it.',
    ...comparability(report),
    '',
    ...foldsTable(report),
    ...outsideTable(report),
  ].join('\n')
})
