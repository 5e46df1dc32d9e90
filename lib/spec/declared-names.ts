import { ownParameters } from './count.js'
import type { Node } from './ops.js'

/** Words of Python, which TorchScript does not read as names. */
export const PYTHON_WORDS: ReadonlySet<string> = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
)
/** Names that TorchScript or the ops use themselves. */
const USED = ['torch', 'forward', 'training', 'weight', 'bias']
const isTaken = (part: string) => PYTHON_WORDS.has(part) || USED.includes(part)

/** Why a node cannot have a name, which is part of its parameters' names; undefined for one that it can have. */
export function whyNotNode(name: unknown): string | undefined {
  const expected = 'letters, digits and _ between dots, as in "blocks.0.up",'
  if (typeof name !== 'string' || name.length > 200) return expected
  const part = name.split('.').find((part) => !/^([a-z]\w*|\d{1,6})$/i.test(part) || isTaken(part) || part.startsWith('lvm_'))
  if (part === undefined) return undefined
  return isTaken(part) ? `a name without the part "${part}", which is reserved in Python or TorchScript,` : expected
}

/** What is wrong with the names of ops with parameters in a spec: none, or that of an earlier op; undefined when nothing is. */
export function clashIn(
  node: Node,
  before: { path: string; tied: boolean } = { path: '', tied: false },
  seen = new Set<string>(),
): string | undefined {
  const path = [before.path, node.name ?? ''].filter(Boolean).join('.')
  const tied = before.tied || node.tied === true
  if (node.op !== 'predictor' && !tied && ownParameters(node) > 0) {
    if (path === '') return `a name for ${node.op}, which has parameters, but received none`
    if (seen.has(path)) return `one op with parameters in named("${path}", …) but received two`
    seen.add(path)
  }
  for (const child of node.of) {
    const wrong = clashIn(child, { path, tied }, seen)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

/** Words and endings that mean something else where names of models and runs are given, and names that Windows reserves. */
const OTHERS =
  /^(all|train|mean_vector|copy_last|context_mean|exponential_mean|exponential_mixture|ridge|con|prn|aux|nul|com\d|lpt\d)$|-fold\d+of\d+|_seed\d+$/

/** Why an architecture cannot have a name; undefined for one that it can have. */
export function whyNotModel(name: unknown): string | undefined {
  if (typeof name !== 'string' || !/^[a-z][a-z0-9_-]{0,63}$/.test(name))
    return 'lower-case letters, digits, - and _, from a letter on,'
  return OTHERS.test(name) ? 'a name without another meaning' : undefined
}

/** Options of the commands beside those of a training. */
const COMMANDS =
  'model modelFile seeds folds config printConfig watch watchPort help version json quiet verbose color profile'.split(' ')

/** Why an option of an architecture cannot have a name; undefined for one that it can have. */
export function whyNotOption(key: string): string | undefined {
  if (!/^[a-z][a-zA-Z0-9]{0,63}$/.test(key) || key in {}) return 'a name such as innerWidth'
  if (/^no[A-Z]/.test(key)) return `a name without "no", which turns an option off on the command line,`
  return COMMANDS.includes(key) ? 'a name that no option of a command has' : undefined
}
