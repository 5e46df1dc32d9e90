import type { CommandModule } from 'yargs'
import { publish } from '../../lib/files/write.js'
import { count, jsonText } from '../../lib/show.js'
import type { Decoding } from '../../lib/study/decode/decode.js'
import { decodeFields } from '../../lib/study/decode/decode-fields.js'
import { flags, given } from '../flags.js'
import { answer, flowing } from '../output.js'

/** Windows of a run that the terminal shows unless --limit is given. */
const SHOWN = 10

/** The document in pieces: the keys of the head, then one row on each line. */
async function* documentOf({ head, rows }: Decoding): AsyncGenerator<string> {
  yield `${jsonText(head).slice(0, -1)},"rows":[`
  let first = true
  for await (const row of rows()) {
    yield `${first ? '' : ','}\n${jsonText(row)}`
    first = false
  }
  yield ']}\n'
}

async function* linesOf({ rows }: Decoding): AsyncGenerator<string> {
  for await (const row of rows()) yield `${jsonText(row)}\n`
}

async function* pageOf({ head, rows }: Decoding): AsyncGenerator<string> {
  const { decodedRow, decodingHead } = await import('../../lib/study/decode/decode-page.js')
  yield `${decodingHead(head)}\n`
  for await (const row of rows()) yield `\n${decodedRow(head, row)}\n`
}

export const decoding: CommandModule = {
  command: 'decode <source>',
  describe: 'read the predictions of a run, or any vectors, as sentences',
  builder: (y) =>
    y
      .positional('source', { type: 'string', describe: 'run (a folder or name), or file of vectors' })
      .options(flags(decodeFields))
      .example('$0 decode lstm_baseline', 'ten predictions beside the true next sentences')
      .example('$0 decode lstm_baseline --exclude context --out sentences.jsonl', 'all of them, in a file')
      .example('$0 decode vectors.npy --bank notes --json', 'the nearest sentence of each vector'),
  handler: async (argv) => {
    const { openDecoding, whatIs } = await import('../../lib/study/decode/decode.js')
    const { out, ...asked } = given(decodeFields, argv)
    const source = await whatIs(String(argv.source))
    const shown = 'run' in source && argv.json !== true && out === undefined ? { limit: SHOWN } : {}
    const work = await openDecoding({ ...source, ...shown, ...asked })
    try {
      if (typeof out === 'string') {
        await publish({ [out]: /\.jsonl$/i.test(out) ? linesOf(work) : documentOf(work) })
        answer({ ...work.head, out }, () => `${count(work.head.count)} sentences in ${out}`, argv.json === true)
      } else await flowing(argv.json === true ? documentOf(work) : pageOf(work), argv.json === true)
    } finally {
      work.dispose()
    }
  },
}
