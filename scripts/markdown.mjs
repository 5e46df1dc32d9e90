// Formats tables, values and options for the documentation.
import { kebab } from '../dist/lib/show.js'

export const count = (n) => n.toLocaleString('en-US')
export const percent = (part) =>
  part === null ? '–' : `${part > 0 ? '+' : part < 0 ? '−' : ''}${Math.abs(100 * part).toFixed(2)} %`
const cell = (value) => String(value ?? '–').replaceAll('|', '\\|')
export const code = (value) => `\`${value}\``
/** Writes a Markdown table: a function per column title returns the cell of a row. */
export function table(rows, columns) {
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`
  const reads = Object.values(columns)
  return [
    line(Object.keys(columns)),
    line(reads.map(() => '---')),
    ...rows.map((row) => line(reads.map((read) => read(row)))),
  ].join('\n')
}
const shownDefault = ({ kind, default: preset }) =>
  preset === undefined ? '–' : kind === 'flag' ? (preset ? 'on' : 'off') : code(preset)
const shownType = ({ kind, expected }) => (kind === 'flag' ? 'yes or no' : expected)
export const options = (fields) =>
  table(Object.entries(fields), {
    flag: ([name]) => code(`--${kebab(name)}`),
    'in a script': ([name]) => code(name),
    type: ([, field]) => shownType(field),
    default: ([, field]) => shownDefault(field),
    'what it does': ([, field]) => field.about,
  })
/** Writes the options of a field table under one heading per group. */
export function grouped(fields) {
  const groups = [...new Set(Object.values(fields).map(({ group }) => group))]
  return groups.flatMap((group) => [
    `### ${group}`,
    options(Object.fromEntries(Object.entries(fields).filter(([, field]) => field.group === group))),
  ])
}

/** Lists the settings of a recipe or a preset as command-line flags. */
export const settings = (values) =>
  Object.entries(values)
    .map(([key, value]) => code(`--${kebab(key)} ${value}`))
    .join(' ') || 'the defaults'
