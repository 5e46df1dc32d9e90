import type { CommandModule } from 'yargs'
import { bankPushFields, bankVerifyFields } from '../../lib/banks/bank-fields.js'
import { LvmError } from '../../lib/errors.js'
import { count, counted } from '../../lib/show.js'
import { flags, given } from '../flags.js'
import { answer, fail } from '../output.js'
import { interruption } from '../signals.js'

const ADDRESS = 'lance:FOLDER or postgres://USER@HOST/DATABASE; ?table=NAME behind it names a table'
const url = { type: 'string', describe: ADDRESS } as const
const base = { type: 'string', describe: 'file of vectors, with or without its extension' } as const
const indexed = (index: string | null) => (index === null ? 'no index: the database compares every row' : `index ${index}`)

const push: CommandModule = {
  command: 'push <base> <url>',
  describe: 'store all rows of a file in a database; a push that was stopped goes on',
  builder: (y) =>
    y
      .positional('base', base)
      .positional('url', url)
      .options(flags(bankPushFields))
      .example('$0 bank push wiki.npy lance:banks', 'the table "vectors" in the folder banks')
      .example('$0 bank push wiki.npy "postgres://me@db/app?table=wiki"', 'a table of PostgreSQL; PGPASSWORD holds the password'),
  handler: async (argv) => {
    const { pushBank } = await import('../../lib/banks/push-bank.js')
    const stop = interruption(undefined, 'the same command goes on where this one stopped')
    try {
      const done = await pushBank(String(argv.base), String(argv.url), given(bankPushFields, argv), { signal: stop.signal })
      const text = () =>
        `${counted(done.rows, 'row')} × ${done.dim} in ${done.url}, ${count(done.pushed)} of them stored now\n${indexed(done.index)}`
      answer(done, text, argv.json === true)
    } finally {
      stop.release()
    }
  },
}

const info: CommandModule = {
  command: 'info <url>',
  describe: 'show what a bank holds',
  builder: (y) => y.positional('url', url),
  handler: async (argv) => {
    const { bankInfo } = await import('../../lib/banks/check-bank.js')
    const found = await bankInfo(String(argv.url))
    const text = () =>
      [
        ['bank', found.url],
        ['rows', `${count(found.stored)} of ${count(found.rows)} × ${found.dim}`],
        ['state', found.finished ? 'finished' : 'not finished: repeat the push'],
        ['index', found.index ?? 'none'],
        ['space', found.space ?? 'unknown'],
        ['base', found.base_hash],
        ['content', found.content_hash],
      ]
        .map(([name, fact]) => `${name!.padEnd(8)} ${fact}`)
        .join('\n')
    answer(found, text, argv.json === true)
  },
}

const verify: CommandModule = {
  command: 'verify <url> <base>',
  describe: 'compare every row of a bank with the file that was pushed',
  builder: (y) => y.positional('url', url).positional('base', base).options(flags(bankVerifyFields)),
  handler: async (argv) => {
    const { verifyBank } = await import('../../lib/banks/check-bank.js')
    const found = await verifyBank(String(argv.url), String(argv.base), given(bankVerifyFields, argv))
    const wrong = `${count(found.different)} of ${counted(found.rows, 'row')} differ, first ${found.first.join(', ')}`
    answer(
      found,
      () => (found.different === 0 ? `${counted(found.rows, 'row')} are equal to the file` : wrong),
      argv.json === true,
    )
    if (found.different > 0) fail(new LvmError('GATE_FAILED', `${found.url}: ${wrong}`))
  },
}

export const banking: CommandModule = {
  command: 'bank',
  describe: 'store vectors in a database, and check them there',
  builder: (y) => y.command(push).command(info).command(verify).demandCommand(1),
  handler: () => {},
}
