import type { CommandModule } from 'yargs'
import { publish } from '../../lib/files/write.js'
import { count, counted, decimal } from '../../lib/show.js'
import type { Decoding } from '../../lib/study/decode/decode.js'
import { decodeFields } from '../../lib/study/decode/decode-fields.js'
import type { DecodeStep } from '../../lib/text/invert/decoder.js'
import { flags, given } from '../flags.js'
import { answer, diagnostic, flowing } from '../output.js'
import { allOrNothing } from '../signals.js'

/** Windows of a run that the terminal shows unless --limit is given. */
const SHOWN = 10

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
      .example('$0 decode vectors.npy --decoder vec2text --space gtr-st', 'new sentences, by the decoder in the folder vec2text')
      .example('$0 decode vectors.npy --bank notes --json', 'the nearest sentence of each vector'),
  handler: async (argv) => {
    const { openDecoding, whatIs } = await import('../../lib/study/decode/decode.js')
    const { decodedDocument, decodedFile } = await import('../../lib/study/decode/decode-document.js')
    const asked = given(decodeFields, argv)
    const json = argv.json === true
    const source = await whatIs(String(argv.source))
    const shown = 'run' in source && !json && asked.out === undefined ? { limit: SHOWN } : {}
    const onStep = ({ step, steps, going, cosine }: DecodeStep) =>
      diagnostic(`correction ${step} of ${steps}: mean cosine ${decimal(cosine)}, ${count(going)} go on`)
    const decodeAll = async (signal?: AbortSignal) => {
      const work = await openDecoding({ ...source, ...shown, ...asked, onStep })
      const { head, out } = work
      try {
        if (out !== undefined) {
          await publish({ [out]: decodedFile(out, head, work.rows(signal)) })
          answer({ ...head, out }, () => `${counted(head.count, 'sentence')} in ${out}`, json)
        } else await flowing(json ? decodedDocument(head, work.rows(signal)) : pageOf(work), json)
      } finally {
        work.dispose()
      }
    }
    await (asked.out === undefined ? decodeAll() : allOrNothing(decodeAll))
  },
}
