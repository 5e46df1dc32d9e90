import { pageDoor } from '../door.js'
import { duration, fixed, millions, mse, NONE, oneLine } from '../show.js'
import { basesOf } from './basis.js'
import type { MatrixRow, Status } from './matrix.js'
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

/** The cells of a row, under the PRD's titles; page and Markdown show the same. */
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
  Status: STATUS_MARK[row.status],
  'Val Loss': row.val_loss ? mse(row.val_loss.value) : NONE,
  'Val Cosine': row.val_cosine ? `${fixed(100 * row.val_cosine.value, 2)} %` : NONE,
  'Train Time': row.train_seconds ? duration(row.train_seconds.value) : NONE,
  'Model File': row.model_file ?? NONE,
  'Success Score': scoreText(row),
  Notes: [...(row.why === null ? [] : [row.why]), ...row.notes].join('; ') || NONE,
})

const escaped = (text: string) => oneLine(text.replace(/\s+/g, ' ')).replace(/[\\|<>`*_[\]]/g, '\\$&')

/** A path as code, whatever backticks are in it. */
function code(text: string): string {
  const fence = '`'.repeat(1 + Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length)))
  const room = /^`|`$/.test(text) ? ' ' : ''
  return fence + room + oneLine(text).replaceAll('|', '\\|') + room + fence
}

const dressed = (title: string, text: string) => {
  if (title === 'Architecture') return `**${escaped(text)}**`
  return title === 'Model File' && text !== NONE ? code(text) : escaped(text)
}

/** Says that some rows cannot be compared, where that is so. */
export function comparability({ matrix, runs }: Report): string[] {
  const shown = runs.filter(({ run }) => matrix.some((row) => row.run === run))
  const n = basesOf(shown.map(({ lineage }) => lineage))
  return n > 1
    ? [`Rows rest on ${n} different data files or splits, which their notes name: only figures on the same one can be compared.`]
    : []
}

/** The PRD's table, and what must be known to read it. */
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
    `Made by lvm-torch ${report.written_by.lvm_torch} on ${report.created_at} from the files of the runs; the numbers and where each is from are in report.json.`,
    'Val Loss and Val Cosine are those of the best epoch on the validation rows, on which it was chosen. Success Score: how many of the six criteria on loss and cosine in the three tiers are met by a run of the row’s size. OTHER SIZE: the run has the parameters that its note says, so it does not fill the row.',
    ...comparability(report),
    '',
  ].join('\n')
})
