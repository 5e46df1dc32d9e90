import type { CommandModule } from 'yargs'
import { auditFields } from '../../lib/audit/audit-fields.js'
import { convertFields, inspectFields, shardFields } from '../../lib/data/data-fields.js'
import type { Inspection } from '../../lib/data/inspect-data.js'
import type { WriteBaseOptions } from '../../lib/data/write-base.js'
import { LvmError } from '../../lib/errors.js'
import { bytes, count, counted, oneLine, table } from '../../lib/show.js'
import { flags, given } from '../flags.js'
import { answer, diagnostic, fail, note } from '../output.js'
import { interruption } from '../signals.js'
import { making } from './data-make.js'

type Facts = readonly (readonly [name: string, fact: string])[]

function facts({ path, format, bytes: size, base }: Inspection): Facts {
  const file = ['file', `${path} (${format}, ${bytes(size)})`] as const
  if (base === null) return [file]
  const { articles, windows, norms } = base
  const stored = base.kind === 'sequences' ? `sequences of ${base.context} vectors` : 'rows'
  const half = base.part === null ? '' : `, the ${base.part} half of ${base.parts.join(' and ')}`
  const more = windows.with_crossing - windows.count
  return [
    file,
    [
      'vectors',
      `${count(base.rows)} ${stored} × ${base.dim} ${base.dtype}${half}, ${base.mapped ? 'mapped from the file' : 'held in memory'}`,
    ],
    ['space', base.space ?? 'unknown'],
    ['side file', base.side_file ?? 'none'],
    [
      'articles',
      articles === null
        ? 'unknown'
        : `${count(articles.count)} of ${count(articles.smallest)} to ${counted(articles.largest, 'row')}, median ${count(articles.median)}`,
    ],
    [
      'windows',
      `${count(windows.count)} at context ${windows.context}${more > 0 ? `, ${count(more)} more that cross an article or a gap` : ''}`,
    ],
    ['lengths', `${norms.min.toPrecision(6)} to ${norms.max.toPrecision(6)}, mean ${norms.mean.toPrecision(6)}`],
    ['sha256', base.hash],
    ['content', base.content_hash],
  ]
}

function page(inspection: Inspection): string {
  const lines = facts(inspection)
  const width = Math.max(...lines.map(([name]) => name.length))
  const arrays = table(inspection.arrays, {
    array: (a) => a.name,
    dtype: (a) => a.dtype,
    shape: (a) => `[${a.shape.join(', ')}]`,
    mapped: (a) => (a.mapped ? 'yes' : 'no'),
  })
  const warnings = inspection.warnings.map((warning) => `warning: ${warning}`)
  return [
    ...lines.map(([name, fact]) => `${name.padEnd(width)}  ${oneLine(fact)}`),
    '',
    arrays,
    ...warnings.flatMap((w) => ['', w]),
  ].join('\n')
}

const inspect: CommandModule = {
  command: 'inspect <file>',
  describe: 'show the contents of a file of vectors, and whether it can be trained on',
  builder: (y) =>
    y
      .positional('file', { type: 'string', describe: 'file of vectors, with or without its extension' })
      .options(flags(inspectFields))
      .example('$0 data inspect wiki', 'wiki.npy with wiki.jsonl.gz and wiki.card.json beside it')
      .example('$0 data inspect sequences.npz --json', 'the same as JSON'),
  handler: async (argv) => {
    const { inspectData } = await import('../../lib/data/inspect-data.js')
    const inspection = await inspectData(String(argv.file), given(inspectFields, argv))
    answer(inspection, () => page(inspection), argv.json === true)
    const { error } = inspection
    if (error !== null) fail(new LvmError(error.code, error.message, { hint: error.hint }))
  },
}

const auditing: CommandModule = {
  command: 'audit <file>',
  describe: 'check vectors for faults that make figures wrong, such as leaks',
  builder: (y) =>
    y
      .parserConfiguration({ 'duplicate-arguments-array': true })
      .positional('file', { type: 'string', describe: '.npy, .npz or .safetensors, with or without its extension' })
      .option('against', {
        type: 'string',
        array: true,
        requiresArg: true,
        group: 'Data:',
        describe: 'files that should have the same encoder and share no rows with it',
      })
      .options(flags(auditFields))
      .example('$0 data audit wiki', 'a table of findings; exit code 8 if one of them fails')
      .example('$0 data audit train.npz --against val.npz ood.npz', 'leaks and spaces between files'),
  handler: async (argv) => {
    const { audit } = await import('../../lib/audit/run-audit.js')
    const { auditPage } = await import('../../lib/audit/audit-page.js')
    const against = ((argv.against as string[] | undefined) ?? []).map(String)
    const found = await audit({ data: String(argv.file), against, ...given(auditFields, argv) }, { say: note })
    answer(found, () => auditPage(found), argv.json === true)
    if (found.verdict === 'FAIL') fail(new LvmError('GATE_FAILED', `${found.path}: the data audit failed`))
  },
}

/** Runs a call that Ctrl-C stops, and says every second how many rows are written. */
async function following<T>(call: (watch: Pick<WriteBaseOptions, 'signal' | 'onProgress'>) => Promise<T>): Promise<T> {
  const stop = interruption(diagnostic, 'nothing was written; the same command begins again')
  let told = performance.now()
  const onProgress = ({ rows, of }: { rows: number; of: number }) => {
    if (performance.now() - told < 1000) return
    told = performance.now()
    note(`${count(rows)} of ${counted(of, 'row')} written`)
  }
  try {
    return await call({ signal: stop.signal, onProgress })
  } finally {
    stop.release()
  }
}

const converting: CommandModule = {
  command: 'convert <from> <to>',
  describe: 'write vectors in another format: .npy, .parquet, .arrow, .feather, .jsonl, .csv or .pt',
  builder: (y) =>
    y
      .positional('from', { type: 'string', describe: 'file of vectors in any format that data inspect reads' })
      .positional('to', { type: 'string', describe: 'file to write; its ending says the format' })
      .options(flags(convertFields))
      .example('$0 data convert wiki.parquet wiki.npy --articles url', 'wiki.npy, with wiki.jsonl for articles and texts')
      .example('$0 data convert both.npz one.csv --vectors embeddings', 'one of the arrays of a file'),
  handler: async (argv) => {
    const { writeBase } = await import('../../lib/data/write-base.js')
    const written = await following((watch) =>
      writeBase(String(argv.to), String(argv.from), { ...given(convertFields, argv), ...watch }),
    )
    const { path, side_file, card, rows, dim, articles } = written
    const files = [path, side_file, card].filter((file) => file !== null).join(', ')
    const of = articles === null ? '; no column says the article of a row' : ` of ${counted(articles, 'article')}`
    answer(written, () => `${files}: ${counted(rows, 'vector')} × ${dim}${of}`, argv.json === true)
  },
}

const sharding: CommandModule = {
  command: 'shard <base>',
  describe: 'write vectors as a folder of several files with an index, which opens as one base',
  builder: (y) =>
    y
      .positional('base', {
        type: 'string',
        describe: 'file of vectors in any format that data inspect reads, or a folder of shards',
      })
      .option('out', { type: 'string', demandOption: true, requiresArg: true, group: 'Shards:', describe: 'folder to write' })
      .options(flags(shardFields))
      .example('$0 data shard wiki --out wiki-shards', 'shards of 512 MB; then: lvm-torch train lstm --data wiki-shards')
      .example('$0 data shard wiki.parquet --out shards --rows-per-shard 250000', 'from another format'),
  handler: async (argv) => {
    const { shardBase } = await import('../../lib/data/shard-base.js')
    const written = await following((watch) =>
      shardBase(String(argv.out), String(argv.base), { ...given(shardFields, argv), ...watch }),
    )
    const { path, shards, rows, dim } = written
    answer(written, () => `${path}: ${counted(rows, 'vector')} × ${dim} in ${counted(shards, 'shard')}`, argv.json === true)
  },
}

export const data: CommandModule = {
  command: 'data',
  describe: 'make files of vectors from texts, inspect and audit them',
  builder: (y) => y.command(making).command(converting).command(sharding).command(inspect).command(auditing).demandCommand(1),
  handler: () => {},
}
