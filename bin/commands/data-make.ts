import { freemem } from 'node:os'
import type { CommandModule } from 'yargs'
import { LvmError } from '../../lib/errors.js'
import type { Audit, MadeData, MakeDataOptions } from '../../lib/index.js'
import { flag } from '../../lib/options.js'
import { bytes, count, counted, duration, shellWord } from '../../lib/show.js'
import { makeFields } from '../../lib/text/corpus/make-fields.js'
import { program } from '../command-line.js'
import { flags, given } from '../flags.js'
import { makeNext } from '../make-next.js'
import { makeProgress } from '../make-progress.js'
import { diagnostic, event as emit, fail, nearby, print } from '../output.js'
import { terminal } from '../progress.js'
import { interruption } from '../signals.js'

/** Options that only the command line has. */
export const makeReportFields = {
  audit: flag({ default: true, about: 'report duplicates and other findings of the audit at the end', group: 'Vectors' }),
}
/** Share of the free memory that the vectors may take for an audit, which copies them. */
const AUDITED = 1 / 4
/** Findings that are shown: texts that occur more than once. */
const REPEATED = ['DUPLICATES', 'NEAR_DUPLICATES']

const resultText = ({ out, rows, dim, dtype, articles, languages, seconds, rows_per_second, resumed_rows }: MadeData): string => {
  const named = Object.entries(languages).slice(0, 5)
  const more = Object.keys(languages).length > named.length ? ', …' : ''
  return [
    `done     ${counted(rows, 'vector')} × ${dim} ${dtype} of ${counted(articles, 'article')} in ${nearby(out)}`,
    `time     ${duration(seconds)} at ${counted(rows_per_second, 'sentence')}/s${resumed_rows > 0 ? `, after ${counted(resumed_rows, 'sentence')} of an earlier start` : ''}`,
    `language ${named.map(([language, n]) => `${language} ${count(n)}`).join(', ')}${more}`,
  ].join('\n')
}

function auditText({ findings, verdict }: Audit, out: string): string {
  const shown = findings.filter(({ code, level }) => REPEATED.includes(code) || level !== 'PASS')
  const more = `${program()} data audit ${shellWord(nearby(out))}`
  return [
    ...shown.map(({ code, level, message }) => `audit    ${level === 'PASS' ? 'ok' : level}  ${code}  ${message}`),
    `audit    ${verdict}; more: ${more}`,
  ].join('\n')
}

/** Audits a new base and reports duplicates and boilerplate; a base that is too large for the memory is left to `data audit`. */
async function report(made: MadeData, json: boolean): Promise<void> {
  const size = made.rows * made.dim * 4
  if (size > AUDITED * freemem())
    return diagnostic(
      `the audit of ${bytes(size)} of vectors needs more memory than is free; run it elsewhere: ${program()} data audit ${shellWord(nearby(made.out))}`,
    )
  const { audit } = await import('../../lib/audit/run-audit.js')
  if (!json) diagnostic('auditing the vectors …')
  const found = await audit({ data: made.out })
  if (json) emit({ type: 'audit', version: 1, path: found.path, verdict: found.verdict, findings: found.findings })
  else print(auditText(found, made.out))
}

/** Ends the process during the audit, whose base is complete. */
function leave(made: MadeData, { code, message }: LvmError, json: boolean): never {
  fail(new LvmError(code, message, { hint: `${nearby(made.out)} is complete; only its audit was stopped` }), json)
  process.exit()
}

export const making: CommandModule = {
  command: 'make <texts>',
  describe: 'encode the sentences of texts into a file of vectors',
  builder: (y) =>
    y
      .positional('texts', {
        type: 'string',
        describe: 'folder, or file, of .txt, .md or .jsonl, also packed as .gz; a file or record is an article',
      })
      .options(flags({ ...makeFields, ...makeReportFields }))
      .example('$0 data make notes --encoder all-MiniLM-L6-v2 --out data/notes', 'data/notes.npy, .jsonl and .card.json')
      .example('$0 data make wiki.jsonl.gz --text body --article id --encoder E --out wiki', 'one record or article per line'),
  handler: async (argv) => {
    const { makeData } = await import('../../lib/text/corpus/make-data.js')
    const json = argv.json === true
    const stop = interruption(diagnostic, 'what is encoded so far is kept; the same command continues')
    const progress = json ? emit : makeProgress(terminal())
    let made: MadeData | undefined
    stop.signal.addEventListener('abort', () => made && leave(made, stop.reason!, json))
    try {
      const options = given(makeFields, argv) as Omit<MakeDataOptions, 'texts'> // missing ones are refused there
      made = await makeData({ ...options, texts: String(argv.texts) }, { progress, signal: stop.signal })
      if (json) emit({ type: 'result', ...made })
      else print(resultText(made))
      if (argv.audit !== false) await report(made, json)
    } finally {
      stop.release()
    }
    if (!json) print(makeNext(made))
  },
}
