/** Commands that also exist as functions, and the call that replaces each of them in a program. */
const CALLS: Readonly<Record<string, string>> = {
  'lvm-torch runs list': 'listRuns()',
  'lvm-torch runs show NAME': 'showRun(NAME)',
  'lvm-torch models': 'listModels()',
  'lvm-torch models show NAME': 'showModel(NAME)',
  'lvm-torch data audit FILE': 'audit({ data: FILE })',
  'lvm-torch evaluate RUN': 'evaluate({ runs: [RUN] })',
  'lvm-torch benchmark RUN --out FOLDER': 'benchmark({ runs: [RUN], out: FOLDER })',
  'lvm-torch encoders fetch OWNER/NAME': "fetchEncoder({ name: 'OWNER/NAME' })",
  'lvm-torch encoders fetch OWNER/NAME --force': "fetchEncoder({ name: 'OWNER/NAME', force: true })",
  'lvm-torch report': 'report()',
  'lvm-torch doctor': 'devices()',
}
const ANY_OPTION = ['run the same command with --help', 'docs/options.md lists every option'] as const
const OWN_MODEL = ['its file with --model-file', 'its declaration as "model"'] as const

const camel = (name: string) => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

/**
 * Rewrites a hint for the command line for a program: flags become option names, commands become function calls.
 *
 * Commands without a function, such as the installation of libtorch, stay commands.
 */
export const forPrograms = (hint: string): string =>
  hint
    .replace(...ANY_OPTION)
    .replace(...OWN_MODEL)
    .replace(
      /(?:run: )?((?:npx )?lvm-torch [^;,()\n]*|python3? -m [^;\n]*|node --check [^;\n]*)|--(no-)?([a-z][a-z-]*)/g,
      (all: string, command: string | undefined, no: string | undefined, option: string) => {
        if (command === undefined) return `"${camel(option)}"${no === undefined ? '' : ' false'}`
        const call = CALLS[command.trimEnd()]
        return call === undefined ? all : all.replace(command, call).replace(/^run: /, 'call ')
      },
    )

let inShell = false
/** Makes all sentences of this process name options as flags; bin/ calls it before anything else. */
export const speakShell = (): void => {
  inShell = true
}
/** Whether the sentences of this process name options as flags. */
export const speaksShell = (): boolean => inShell
/** A call and the name of its option, as the reader wrote them: on the command line, or in a program. */
type Called = readonly [owner: string, key: string]
export const asCalled = (shell: Called, script: Called): Called => (inShell ? shell : script)
/** Name of an option as its reader writes it: in words joined by hyphens on the command line. */
export const optionName = (name: string): string =>
  inShell ? name.replace(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter.toLowerCase()}`) : name
/** Names the options in a sentence as its reader writes them: as flags on the command line, as option names in a program. */
export const worded = (sentence: string): string => (inShell ? sentence : forPrograms(sentence))
