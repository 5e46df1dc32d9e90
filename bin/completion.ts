import { readdirSync } from 'node:fs'
import { RUNS } from '../lib/checkpoint/run-folder.js'
import { type CommandModule, yargs } from '../lib/packages/yargs.js'
import { EVERYWHERE } from './root-help.js'
import { offered } from './usage.js'
import { VERBS } from './verbs.js'

/** Scripts by shell: each asks this program for the words that can follow. */
export const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_lvm_torch() {
  local word=\${COMP_WORDS[COMP_CWORD]#=}
  mapfile -t COMPREPLY < <(compgen -W "$("\${COMP_WORDS[0]}" completion --words "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "$word")
}
complete -o default -F _lvm_torch lvm-torch lvm`,
  zsh: `#compdef lvm-torch lvm
_lvm_torch() {
  local -a found
  found=(\${(f)"$("\${words[1]}" completion --words "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  compadd -a found || { compset -P '--*='; _files; }
}
if [ "\${funcstack[1]}" = _lvm_torch ]; then _lvm_torch; else compdef _lvm_torch lvm-torch lvm; fi`,
  fish: `for name in lvm-torch lvm
  complete -c $name -a "($name completion --words (commandline -opc)[2..] (commandline -ct | string collect --allow-empty) 2>/dev/null)"
end`,
}

/** Help of the verb that begins a command line. */
const helpOf = (verb: CommandModule, words: readonly string[]): Promise<string> =>
  new Promise((done) => {
    const parser = yargs([]).scriptName('lvm-torch').locale('en').wrap(null).options(EVERYWHERE).command(verb).exitProcess(false)
    parser.parse([...words, '--help'], (_error: unknown, _argv: unknown, help: string) => done(help))
  })

/** Description of an option in a help, without its line breaks. */
const aboutOption = (help: string, option: string): string | undefined =>
  help
    .split(/\n(?= {2}--|\n)/)
    .find((part) => part.startsWith(`  ${option} `))
    ?.replace(/\s+/g, ' ')

/** Names of the runs in the usual folder. */
function runNames(): string[] {
  try {
    return readdirSync(RUNS)
  } catch {
    return []
  }
}

/** Words that can stand in the last place of a command line; none where it is a file, which the shell completes itself. */
export async function candidates(words: readonly string[]): Promise<string[]> {
  const apart = words.filter((word, i) => word !== '=' || i === words.length - 1) // bash makes --option=value three words
  const [before, last] = [apart.slice(0, -1), apart.at(-1) ?? '']
  const verb = before.find((word) => !word.startsWith('-'))
  if (verb === undefined) return last.startsWith('-') ? ['--help', '--version'] : Object.keys(VERBS)
  if (!Object.hasOwn(VERBS, verb)) return []
  process.argv.splice(2, Number.POSITIVE_INFINITY, ...before) // verbs whose options depend on their words read them there
  const help = await helpOf(await VERBS[verb]![1](), before)
  const { verbs, command } = offered(help)
  const joined = /^(--[^=]+)=/.exec(last)?.[1]
  const option = joined ?? before.at(-1)!
  const about = option.startsWith('--') ? aboutOption(help, option) : undefined
  if (joined !== undefined || (about !== undefined && !about.includes('[boolean]'))) {
    const values = /\(one of ([^)]*)\)/.exec(about ?? '')?.[1]?.split(', ') ?? []
    return joined === undefined ? values : values.map((value) => `${joined}=${value}`)
  }
  if (last.startsWith('-')) return Array.from(help.matchAll(/^ {2}(--\S+)/gm), ([, option = '']) => option)
  if (verbs.length > 0) return verbs.filter((word) => !word.startsWith('<'))
  if (/[<[]run/.test(command)) return runNames()
  const models = /[<[]model/.test(command) ? (await import('../lib/architectures/index.js')).architectures : []
  return models.map(({ name }) => name)
}
