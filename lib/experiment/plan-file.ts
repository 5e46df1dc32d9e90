import { readFile, stat } from 'node:fs/promises'
import { cut, fileError, LvmError, shown } from '../errors.js'
import { isAlias, isMap, isNode, isSeq, LineCounter, parseAllDocuments, visit, type YAMLError } from '../packages/yaml.js'
import { nearestWord } from '../show.js'

/** Size limit of a plan; one of a hundred fields has about 10 kB. Units: bytes. */
const LARGEST = 1 << 20
/** Nesting limit; a plan has 6 levels. */
const DEEPEST = 20
/** Hint of an error that has no other. */
export const GUIDE = 'docs/experiments.md describes every key of a plan'

export type Path = readonly (string | number)[]
/** The YAML of a plan as plain values, and the place of each of them. */
export interface PlanText {
  readonly path: string
  readonly value: unknown
  /** Makes the error for a value: `file:line: expected X for "key" but received Y`. */
  readonly wrong: (at: Path, expected: string, received: string, hint?: string) => LvmError
}

/** What errors call a file, who reads it, and their hint where they have no other. */
export interface FileKind {
  readonly owner: string
  readonly name: string
  readonly file: string
  readonly hint: string
}
const PLAN: FileKind = { owner: 'experiment', name: 'plan', file: 'the plan', hint: GUIDE }
type Refuse = (place: string, sentence: string, hint?: string) => LvmError

async function textOf(path: string, file: string, refuse: Refuse): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > LARGEST) throw refuse(path, `expected at most ${LARGEST} bytes but it has ${size}`)
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
  } catch (error) {
    if (error instanceof TypeError) throw refuse(path, 'expected UTF-8 text but received other bytes')
    throw fileError(error, `could not read ${file}`)
  }
}

/** Greatest nesting of brackets and of indentation, counted on the text, because the parser recurses. */
function depth(text: string): number {
  let [open, most] = [0, 0]
  for (const char of text) {
    if (char === '[' || char === '{') most = Math.max(most, ++open)
    else if (char === ']' || char === '}') open--
  }
  const indents = new Set(text.split('\n').map((line) => line.search(/[^ -]/)))
  return Math.max(most, indents.size)
}

/** Reason in YAML's words, without its drawing of the place. */
const reason = ({ message }: YAMLError) => cut(message.split(' at line ')[0]!.split('\n')[0]!, 200)

/** Reads a YAML plan, or another file of keys with values, without running anything in it. Errors: FILE_MISSING; BAD_OPTION for text that is not one plain YAML document. */
export async function readPlanFile(path: string, { owner, name, file, hint: usual }: FileKind = PLAN): Promise<PlanText> {
  const refuse: Refuse = (at, sentence, hint = usual) => new LvmError('BAD_OPTION', `${owner}: ${at}: ${sentence}`, { hint })
  const text = await textOf(path, file, refuse)
  if (depth(text) > DEEPEST + 40) throw refuse(path, `expected at most ${DEEPEST} nested levels but there are more`)
  const lines = new LineCounter()
  const place = (offset: number | undefined) => (offset === undefined ? path : `${path}:${lines.linePos(offset).line}`)
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    uniqueKeys: true,
    version: '1.2',
    schema: 'core',
    merge: false,
  })
  if ('empty' in documents || documents[0]?.contents == null)
    throw refuse(path, 'expected keys with values but the file is empty')
  const [document] = documents
  if (documents.length > 1) throw refuse(place(documents[1]!.range[0]), 'expected one YAML document but there is another one')
  const fault = document.errors[0] ?? document.warnings[0]
  if (fault?.code === 'DUPLICATE_KEY')
    throw refuse(place(fault.pos[0]), 'expected each key once but one is repeated', 'remove one of them')
  if (fault !== undefined) throw refuse(place(fault.pos[0]), `expected YAML but ${reason(fault)}`)
  visit(document, (_, node, parents) => {
    const at = isNode(node) ? place(node.range?.[0]) : path
    if (isAlias(node)) throw refuse(at, `expected a value but received the alias "*${node.source}"`, 'write the value out')
    if (isNode(node) && node.tag !== undefined && !/^tag:yaml\.org,2002:(map|seq|str|int|float|bool|null)$/.test(node.tag))
      throw refuse(at, `expected a plain value but received the tag ${cut(node.tag)}`)
    if (parents.length > 2 * DEEPEST) throw refuse(at, `expected at most ${DEEPEST} nested levels but there are more`)
  })
  /** Line of the deepest node on a path that exists. */
  const lineOf = (at: Path) => {
    let node: unknown = document.contents
    let offset: number | undefined
    for (const key of at) {
      if (isMap(node)) {
        const pair = node.items.find((item) => String(isNode(item.key) ? item.key.toJSON() : item.key) === String(key))
        if (pair === undefined) break
        offset = isNode(pair.key) ? pair.key.range?.[0] : offset
        node = pair.value
      } else if (isSeq(node)) {
        node = node.items[Number(key)]
        offset = isNode(node) ? node.range?.[0] : offset
      } else break
    }
    return place(offset)
  }
  return {
    path,
    value: document.toJS({ maxAliasCount: 0 }),
    wrong: (at, expected, received, hint) =>
      refuse(lineOf(at), `expected ${expected} for "${cut(at.join('.') || name)}" but received ${received}`, hint),
  }
}

/** Makes the error for an unknown key, with the nearest known one. */
export const unknownKey = (plan: PlanText, at: Path, known: readonly string[]): LvmError => {
  const meant = nearestWord(String(at.at(-1)), known)
  return plan.wrong(
    at,
    `one of the keys ${known.join(', ')}`,
    'an unknown key',
    meant === undefined ? GUIDE : `did you mean "${meant}"?`,
  )
}

/** Keys with values, as YAML maps are read. */
export type Keyed = Readonly<Record<string, unknown>>
export const isKeyed = (value: unknown): value is Keyed => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The keys and values at a place of a plan; none if it is empty. Errors: BAD_OPTION for any other value. */
export function keysAt(plan: PlanText, at: Path, value: unknown): Keyed {
  if (value === undefined || value === null) return {}
  if (!isKeyed(value)) throw plan.wrong(at, 'keys with values', shown(value))
  return value
}
