#!/usr/bin/env node
import { speakShell } from '../lib/hints.js'
import { yargs } from '../lib/packages/yargs.js'
import { fitTables } from '../lib/show.js'
import { withReport } from './crash.js'
import { manner } from './manner.js'
import { answered, diagnostic, event, fail, print } from './output.js'
import { versions } from './package.js'
import { profileTable, stagesSoFar, underClock } from './profile.js'
import { EVERYWHERE, rootHelp } from './root-help.js'
import { endWhenAsked, endWithReader, hearParent } from './signals.js'
import { stageProgress, verbOf, wayOf } from './stage-progress.js'
import { listed, offered, usageError } from './usage.js'
import { VERBS } from './verbs.js'

const SHORT: Readonly<Record<string, string>> = { '-h': '--help', '-v': '--version' }
const words = process.argv.slice(2).map((word) => SHORT[word] ?? word) // as aliases yargs would indent every option by four columns
const { json } = manner

async function main(): Promise<void> {
  if (words[0] === 'completion' && words[1] === '--words')
    return print((await (await import('./completion.js')).candidates(process.argv.slice(4))).join('\n'))
  if (words.includes('--version')) return print(versions())
  const verb = words.find((word) => !word.startsWith('-'))
  if (verb === undefined && (words.length === 0 || words.includes('--help')))
    return print(rootHelp(process.stdout.columns ?? 100))
  if (words.includes('--help') && !words.some((word) => Object.hasOwn(VERBS, word)))
    throw usageError(`Unknown command: ${verb}`, { verb: '', command: '', verbs: Object.keys(VERBS), options: [], words })
  const parser = yargs(words)
  parser
    .scriptName('lvm-torch')
    .usage('$0 VERB [options]\n\nTrain, evaluate, compress and serve predictors of the next sentence vector.')
    .locale('en')
    .parserConfiguration({ 'parse-numbers': false, 'parse-positional-numbers': false, 'duplicate-arguments-array': false })
    .wrap(null)
    .options(EVERYWHERE)
    .help('help', 'show this help; also -h')
    .version(false)
    .demandCommand(1)
    .strict()
    .exitProcess(false)
    .fail((message, error, here) => {
      if (error && !message) throw error // thrown by a verb; an error of the parser comes with a message
      here.showHelp((help) => {
        if (!json && listed(message, offered(help), words)) return print(help)
        throw usageError(message ?? '', { ...offered(help), words })
      })
    })
  const called = words.find((word) => Object.hasOwn(VERBS, word)) // a later one is a value, as in evaluate --rows train
  for (const [command, [describe, load]] of Object.entries(VERBS)) {
    parser.command(command === called ? { ...(await load()), describe } : { command, describe, handler: () => {} })
  }
  const path = verbOf(words)
  await underClock(
    path,
    async () => void (await parser.parseAsync()),
    (moment) => stageProgress(path, wayOf(), moment),
  )
  const stages = stagesSoFar()
  if (stages === undefined) return
  if (!json) diagnostic(profileTable(stages))
  else if (!answered()) event({ type: 'profile', version: 1, ...stages })
}

if (process.stdout.isTTY) fitTables(Math.max(60, process.stdout.columns))
speakShell()
endWithReader()
endWhenAsked(json)
hearParent()
process.removeAllListeners('warning') // Node's default handler prints them with the process id
process.on('warning', ({ message }) => diagnostic(`warning: ${message}`))
process.on('uncaughtException', (error) => {
  try {
    fail(withReport(error), json)
  } catch {
    process.exitCode = 9 // Node would exit with 7 for an error in this handler, and 7 means that a training diverged
  }
  process.exit()
})
main().catch((error) => fail(withReport(error), json))
