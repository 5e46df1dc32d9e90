/** Commands that are functions too: what a program calls instead. */
const CALLS: Readonly<Record<string, string>> = {
  'lvm-torch runs list': 'listRuns()',
  'lvm-torch runs show NAME': 'showRun(NAME)',
  'lvm-torch models': 'listModels()',
  'lvm-torch models show NAME': 'showModel(NAME)',
  'lvm-torch data audit FILE': 'audit({ data: FILE })',
  'lvm-torch evaluate RUN': 'evaluate({ runs: [RUN] })',
  'lvm-torch benchmark RUN --out FOLDER': 'benchmark({ runs: [RUN], out: FOLDER })',
  'lvm-torch report': 'report()',
  'lvm-torch doctor': 'devices()',
}
const ANY_OPTION = ['run the same command with --help', 'docs/options.md lists every option'] as const

const camel = (name: string) => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

/**
 * A hint for the command line in the words of a program: options by their names there, commands as functions.
 *
 * Commands that are no functions, such as the installation of libtorch, stay commands.
 */
export const forPrograms = (hint: string): string =>
  hint
    .replace(...ANY_OPTION)
    .replace(
      /(?:run: )?((?:npx )?lvm-torch [^;,()\n]*|python3? -m [^;\n]*)|--(no-)?([a-z][a-z-]*)/g,
      (all: string, command: string | undefined, no: string | undefined, option: string) => {
        if (command === undefined) return `"${camel(option)}"${no === undefined ? '' : ' false'}`
        const call = CALLS[command.trimEnd()]
        return call === undefined ? all : all.replace(command, call).replace(/^run: /, 'call ')
      },
    )

let inShell = false
/** Makes sentences of this process name options as the command line takes them; bin/ calls it before anything else. */
export const speakShell = (): void => {
  inShell = true
}
/** A sentence with its options named as whoever reads it gives them: on the command line, or in a program. */
export const worded = (sentence: string): string => (inShell ? sentence : forPrograms(sentence))
