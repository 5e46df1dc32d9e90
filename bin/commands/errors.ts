import type { CommandModule } from 'yargs'
import { ERRORS } from '../../lib/errors.js'
import { table } from '../../lib/show.js'
import { answer } from '../output.js'

export const errors: CommandModule = {
  command: 'errors',
  describe: 'list every error code with its exit code and its fix',
  builder: (y) => y.example('$0 errors --json', 'the same as JSON'),
  handler: ({ json }) => {
    const rows = Object.entries(ERRORS).map(([code, { exit, about, hint }]) => ({ code, exit, about, hint }))
    const text = () =>
      table(rows, { code: (r) => r.code, exit: (r) => r.exit, 'what it means': (r) => r.about, fix: (r) => r.hint })
    answer({ errors: rows }, text, json === true)
  },
}
