import type { CommandModule } from 'yargs'
import { badOption } from '../../lib/errors.js'
import { SCRIPTS } from '../completion.js'
import { answer } from '../output.js'

export const completing: CommandModule = {
  command: 'completion <shell>',
  describe: 'print a script that completes verbs, options, models and runs',
  builder: (y) =>
    y
      .positional('shell', { type: 'string', describe: Object.keys(SCRIPTS).join(', ') })
      .example('source <($0 completion bash)', 'in ~/.bashrc')
      .example('source <($0 completion zsh)', 'in ~/.zshrc, after compinit')
      .example('$0 completion fish > ~/.config/fish/completions/lvm-torch.fish', 'once'),
  handler: (argv) => {
    const shell = String(argv.shell)
    if (!Object.hasOwn(SCRIPTS, shell)) throw badOption('completion', 'shell', `one of ${Object.keys(SCRIPTS).join(', ')}`, shell)
    const script = SCRIPTS[shell]!
    answer({ shell, script }, () => script, argv.json === true)
  },
}
